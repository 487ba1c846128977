// swift-tools-version: 6.1
import PackageDescription

// Dependencies point downward only:
//
//     GradloomCLI
//       LoomExperiments   LoomReporting
//         LoomTraining   LoomHardware
//           LoomPlan   LoomData
//             LoomModel
//               LoomKernels
//                 CKernels  CHardware  COpenBLAS  CHwloc  COpenSSL
let package = Package(
    name: "gradloom",
    products: [
        .library(name: "Gradloom", targets: ["Gradloom"]),
        .executable(name: "gradloom", targets: ["GradloomCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // MARK: C
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
        .systemLibrary(
            name: "CHwloc", pkgConfig: "hwloc", providers: [.apt(["libhwloc-dev"]), .brew(["hwloc"])]),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
        .target(name: "CKernels"),
        .target(name: "CHardware"),

        // MARK: Library
        .target(name: "LoomKernels", dependencies: ["CKernels", "COpenBLAS"]),
        .target(name: "LoomHardware", dependencies: ["LoomKernels", "CHardware", "CHwloc", "COpenBLAS"]),
        .target(name: "LoomData", dependencies: ["LoomKernels", "CKernels"]),
        .target(name: "LoomModel", dependencies: ["LoomKernels", "CKernels"]),
        .target(name: "LoomPlan", dependencies: ["LoomModel", "LoomKernels"]),
        .target(
            name: "LoomTraining",
            dependencies: ["LoomPlan", "LoomModel", "LoomData", "LoomKernels", "CHardware", "CKernels", "COpenSSL"]),
        .target(
            name: "LoomExperiments",
            dependencies: [
                "LoomTraining", "LoomPlan", "LoomModel", "LoomData", "LoomHardware", "LoomKernels", "CHardware", "Yams",
            ]),
        .target(name: "LoomReporting", dependencies: ["LoomTraining", "LoomHardware"]),
        .target(name: "Gradloom", dependencies: ["LoomExperiments", "LoomReporting"]),

        // MARK: Command line
        .executableTarget(
            name: "GradloomCLI",
            dependencies: [
                "LoomExperiments", "LoomReporting",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // MARK: Tests
        .target(name: "TestSupport", dependencies: ["LoomExperiments"], path: "Tests/TestSupport"),
        .testTarget(name: "LoomKernelsTests", dependencies: ["LoomKernels", "CKernels"]),
        .testTarget(name: "LoomHardwareTests", dependencies: ["LoomHardware", "CHwloc"]),
        .testTarget(name: "LoomDataTests", dependencies: ["LoomData"]),
        .testTarget(name: "LoomModelTests", dependencies: ["LoomModel", "TestSupport"]),
        .testTarget(name: "LoomPlanTests", dependencies: ["LoomPlan", "LoomModel", "LoomKernels"]),
        .testTarget(name: "LoomTrainingTests", dependencies: ["LoomTraining", "LoomPlan", "CHardware", "TestSupport"]),
        .testTarget(name: "LoomExperimentsTests", dependencies: ["Gradloom", "LoomExperiments", "TestSupport"]),
        .testTarget(name: "LoomReportingTests", dependencies: ["LoomReporting"]),
        .testTarget(name: "GradloomCLITests", dependencies: ["GradloomCLI", "LoomExperiments", "LoomHardware"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)
