// swift-tools-version: 6.1
import PackageDescription

// A package of its own: whoever uses Gradloom never resolves what only its benchmarks need.
let package = Package(
    name: "gradloom-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        // By name, so that the checkout's folder may be called anything.
        .package(name: "gradloom", path: ".."),
        // Without its interposers: the gate below counts allocations, and timings stay free of their overhead. Its own
        // counts of allocations read 0 then and say nothing.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .target(name: "CAllocationCounter"),
        .target(name: "AllocationGate", dependencies: ["CAllocationCounter"]),
        .target(name: "Workloads", dependencies: [.product(name: "GradloomInternals", package: "gradloom")]),
        .executableTarget(name: "allocation-gate", dependencies: ["AllocationGate", "Workloads"]),
        .executableTarget(name: "step-speed", dependencies: ["Workloads"]),
        .executableTarget(name: "predict-speed", dependencies: ["Workloads"]),
        .executableTarget(name: "training-hashes", dependencies: ["Workloads"]),
        .executableTarget(
            name: "read-speed", dependencies: [.product(name: "GradloomInternals", package: "gradloom")]),
        .executableTarget(
            name: "tuning-check", dependencies: [.product(name: "GradloomInternals", package: "gradloom")]),
        .executableTarget(
            name: "custom-feed", dependencies: [.product(name: "Gradloom", package: "gradloom")]),
        .executableTarget(
            name: "Steps",
            dependencies: [.product(name: "Benchmark", package: "benchmark"), "Workloads"],
            path: "Benchmarks/Steps",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
        .executableTarget(
            name: "Kernels",
            dependencies: [
                .product(name: "Benchmark", package: "benchmark"),
                .product(name: "GradloomInternals", package: "gradloom"),
            ],
            path: "Benchmarks/Kernels",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)
