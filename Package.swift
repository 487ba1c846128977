// swift-tools-version: 6.1
import PackageDescription

// Dependencies point downward only:
//
//     GradloomCLI   GradloomC   GradloomInternals
//       Gradloom   LoomMeasurement   LoomReporting   LoomInterchange
//         LoomRuns
//           LoomConfiguration   LoomReference
//             LoomTraining   LoomHardware
//               LoomPlan   LoomData
//                 LoomModel
//                   LoomKernels
//                     CKernels  CHardware  CBuild  COpenBLAS  CHwloc  COpenSSL  CISAL

// The name of the commit that is built, for `gradloom --version`: `.ci/commit` prints it. Where nobody gives one, the program
// does not know it. Not `Context.gitInformation`, which is kept from the first build on.
let commit = Context.environment["GRADLOOM_COMMIT"] ?? ""

let package = Package(
    name: "gradloom",
    products: [
        .library(name: "Gradloom", targets: ["Gradloom"]),
        .library(name: "GradloomInternals", targets: ["GradloomInternals"]),
        .library(name: "GradloomC", type: .dynamic, targets: ["GradloomC"]),
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
        .systemLibrary(
            name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"]), .brew(["isa-l"])]),
        .target(name: "CKernels"),
        .target(name: "CHardware"),
        .target(
            name: "CBuild",
            cSettings: commit.isEmpty ? [] : [.define("GRADLOOM_COMMIT", to: "\"\(commit)\"")]),

        // MARK: Library
        .target(name: "LoomKernels", dependencies: ["CKernels", "COpenBLAS", "COpenSSL"]),
        .target(name: "LoomHardware", dependencies: ["LoomKernels", "CHardware", "CHwloc", "COpenBLAS"]),
        .target(name: "LoomData", dependencies: ["LoomKernels", "CKernels", "CISAL"]),
        .target(name: "LoomModel", dependencies: ["LoomKernels", "CKernels"]),
        .target(name: "LoomPlan", dependencies: ["LoomModel", "LoomKernels"]),
        .target(
            name: "LoomTraining",
            dependencies: ["LoomPlan", "LoomModel", "LoomData", "LoomKernels", "CHardware", "CKernels"]),
        .target(name: "LoomReference", dependencies: ["LoomModel", "LoomData", "LoomKernels"]),
        .target(
            name: "LoomConfiguration",
            dependencies: [
                "LoomTraining", "LoomPlan", "LoomModel", "LoomData", "LoomHardware", "LoomKernels", "Yams",
            ]),
        .target(
            name: "LoomRuns",
            dependencies: [
                "LoomConfiguration", "LoomReference", "LoomTraining", "LoomPlan", "LoomModel", "LoomData",
                "LoomHardware",
                "LoomKernels",
            ]),
        .target(
            name: "LoomMeasurement",
            dependencies: [
                "LoomRuns", "LoomConfiguration", "LoomTraining", "LoomPlan", "LoomModel", "LoomData", "LoomHardware",
                "LoomKernels", "CHardware", "CKernels",
            ]),
        .target(name: "LoomReporting", dependencies: ["LoomRuns", "LoomData", "LoomHardware", "LoomKernels"]),
        .target(
            name: "LoomInterchange",
            dependencies: ["LoomRuns", "LoomConfiguration", "LoomModel", "LoomData", "LoomKernels"]),
        .target(
            name: "Gradloom",
            dependencies: [
                "LoomConfiguration", "LoomData", "LoomHardware", "LoomKernels", "LoomModel", "LoomPlan", "LoomRuns",
                "LoomTraining",
            ]),
        .target(
            name: "GradloomInternals",
            dependencies: [
                "Gradloom", "LoomConfiguration", "LoomData", "LoomHardware", "LoomInterchange", "LoomKernels",
                "LoomMeasurement", "LoomModel", "LoomPlan", "LoomReference", "LoomReporting", "LoomRuns",
                "LoomTraining",
            ]),
        .target(name: "CGradloom"),
        .target(
            name: "GradloomC",
            dependencies: [
                "Gradloom", "LoomConfiguration", "LoomData", "LoomKernels", "LoomModel", "LoomRuns", "LoomTraining",
                "CGradloom",
            ]),

        // MARK: Command line
        .executableTarget(
            name: "GradloomCLI",
            dependencies: [
                "LoomConfiguration", "LoomData", "LoomHardware", "LoomInterchange", "LoomKernels", "LoomMeasurement",
                "LoomModel", "LoomReference", "LoomReporting", "LoomRuns", "LoomTraining", "CBuild",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // MARK: Tests
        .target(
            name: "TestSupport",
            dependencies: ["LoomReference", "LoomTraining", "LoomModel", "LoomData", "LoomHardware", "LoomKernels"],
            path: "Tests/TestSupport"),
        .executableTarget(
            name: "kernel-bounds", dependencies: ["CKernels"], path: "Tests/KernelBounds",
            linkerSettings: [.linkedLibrary("m")]),
        .target(name: "EmulatedTiles", dependencies: ["CKernels"], path: "Tests/EmulatedTiles"),
        .target(name: "AllocationPeak", path: "Tests/AllocationPeak"),
        .executableTarget(
            name: "mutated-inputs",
            dependencies: [
                "LoomMeasurement", "LoomRuns", "LoomConfiguration", "LoomTraining", "LoomModel", "LoomData",
                "LoomHardware",
                "LoomKernels", "AllocationPeak",
            ],
            path: "Tests/MutatedInputs"),
        .testTarget(
            name: "LoomKernelsTests", dependencies: ["LoomKernels", "CKernels", "EmulatedTiles", "kernel-bounds"]),
        .testTarget(name: "LoomHardwareTests", dependencies: ["LoomHardware", "CHardware", "CHwloc"]),
        .testTarget(name: "LoomDataTests", dependencies: ["LoomData", "LoomKernels"]),
        .testTarget(
            name: "LoomModelTests", dependencies: ["LoomModel", "LoomReference", "LoomKernels", "TestSupport"]),
        .testTarget(name: "LoomPlanTests", dependencies: ["LoomPlan", "LoomModel", "LoomKernels"]),
        .testTarget(
            name: "LoomTrainingTests",
            dependencies: [
                "LoomTraining", "LoomReference", "LoomPlan", "LoomModel", "LoomData", "LoomKernels", "CHardware",
                "TestSupport",
            ]),
        .testTarget(
            name: "LoomReferenceTests", dependencies: ["LoomReference", "LoomModel", "TestSupport"]),
        .testTarget(
            name: "LoomConfigurationTests",
            dependencies: ["LoomConfiguration", "LoomTraining", "LoomModel", "LoomData", "TestSupport"]),
        .testTarget(
            name: "LoomRunsTests",
            dependencies: [
                "LoomRuns", "LoomConfiguration", "LoomReference", "LoomTraining", "LoomPlan", "LoomModel", "LoomData",
                "LoomHardware", "LoomKernels", "TestSupport",
            ]),
        .testTarget(
            name: "LoomMeasurementTests",
            dependencies: [
                "LoomMeasurement", "LoomRuns", "LoomConfiguration", "LoomTraining", "LoomPlan", "LoomModel", "LoomData",
                "LoomHardware", "LoomKernels",
            ]),
        .testTarget(
            name: "LoomReportingTests", dependencies: ["LoomReporting", "LoomData", "LoomHardware", "LoomRuns"]),
        .testTarget(
            name: "LoomInterchangeTests",
            dependencies: [
                "LoomInterchange", "LoomRuns", "LoomConfiguration", "LoomTraining", "LoomModel", "LoomData",
                "LoomHardware",
                "LoomKernels", "TestSupport",
            ]),
        .testTarget(
            name: "GradloomTests",
            dependencies: ["Gradloom", "GradloomInternals", "GradloomC", "CGradloom", "TestSupport"]),
        .testTarget(
            name: "GradloomCLITests",
            dependencies: [
                "GradloomCLI", "LoomHardware", "LoomKernels", "LoomMeasurement", "LoomRuns", "TestSupport",
                "mutated-inputs",
            ]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)
