// swift-tools-version: 6.1
import PackageDescription

// A package of its own, as yours would be: it names Gradloom as a dependency, and Gradloom does not know it.
let package = Package(
    name: "prediction-server",
    platforms: [.macOS(.v15)],
    dependencies: [
        // By name, so that the checkout's folder may be called anything.
        .package(name: "gradloom", path: "../../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        .executableTarget(
            name: "prediction-server",
            dependencies: [
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Gradloom", package: "gradloom"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ])
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)
