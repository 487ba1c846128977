import CBuild
import Foundation
import LoomData
import LoomHardware
import LoomKernels
import LoomReporting

/// What `gradloom --version` prints: what a report of a fault has to say about the program and what is below it. It names
/// neither the host nor a user.
struct VersionReport {
    /// The commit that was built and its date; nil where the build did not know it.
    let commit: String?
    /// What follows the first line: a name and what it says.
    let rows: [(name: String, text: String)]

    /// This program on this machine. Loads the HDF5 library where there is one.
    static func current() -> VersionReport {
        let commit = String(cString: loom_build_commit())
        // A machine that hwloc cannot describe is no reason to say nothing.
        let machine = (try? Topology.machine()).map { MachineDescription.current(topology: $0) }
        return VersionReport(
            commit: commit.isEmpty ? nil : commit,
            rows: [
                ("build", build),
                ("system", operatingSystem(kernel: machine?.kernel)),
                ("processor", "\(machine?.processor ?? "unknown") (\(MachineDescription.processorModel()))"),
                ("instruction sets", instructionSets),
                ("bfloat16", bfloat16),
                ("libraries", libraries(hwloc: machine?.hwlocVersion)),
                ("products", GemmBackend.allCases.map(\.rawValue).joined(separator: ", ")),
                ("precisions", TrainingPrecision.allCases.map(\.rawValue).joined(separator: ", ")),
                ("reads", inputs),
                ("writes", outputs),
            ])
    }

    /// All lines, without a newline at the end.
    var text: String {
        var table = TextTable(columns: [.init(""), .init("")])
        for row in rows { table.append([row.name, row.text]) }
        let title = "gradloom \(GradloomCommand.version)\(commit.map { " (\($0))" } ?? "")\n"
        return String((title + table.rendered()).dropLast())
    }

    private static var build: String {
        #if DEBUG
            let kind = "debug"
        #else
            let kind = "release"
        #endif
        #if arch(x86_64)
            let architecture = "x86-64"
        #elseif arch(arm64)
            let architecture = "arm64"
        #else
            let architecture = "another architecture"
        #endif
        return "\(kind), \(architecture), \(String(cString: loom_build_compiler()))"
    }

    private static func operatingSystem(kernel: String?) -> String {
        [kernel ?? "unknown", String(cString: loom_c_library())].filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private static var instructionSets: String {
        func names(_ sets: [InstructionSet]) -> String { sets.map(\.rawValue).joined(separator: ", ") }
        return "kernels for \(names(InstructionSet.compiled)); this machine has "
            + "\(names(InstructionSet.allCases.filter(\.isSupported))); in use: \(InstructionSet.active.rawValue)"
    }

    /// By which instructions each definition of the bits is formed here.
    private static var bfloat16: String {
        BFloat16Products.Definition.allCases.map { definition in
            let products = BFloat16Products(definition)
            return "\(definition.rawValue) by \(products.isAvailable ? products.name : "nothing")"
        }.joined(separator: ", ")
    }

    private static func libraries(hwloc: String?) -> String {
        let blas = BLASRuntime.current()
        return [
            "\(blas.version) (\(blas.coreName), \(blas.parallelism.rawValue))", "hwloc interface \(hwloc ?? "unknown")",
            "libcrypto \(SHA256.libraryVersion)", "ISA-L \(DataLibraries.isal)",
            DataLibraries.hdf5.map { "HDF5 \($0)" } ?? "no HDF5",
        ].joined(separator: ", ")
    }

    private static var inputs: String {
        let kinds = DataFileKind.allCases.filter { kind in
            kind != .configuration && (kind != .hdf5 || DataLibraries.hdf5 != nil)
        }
        return kinds.map(\.rawValue).joined(separator: ", ")
    }

    private static var outputs: String {
        (["csv", "npy"] + ExportCommand.Format.allCases.map(\.rawValue)).joined(separator: ", ")
    }
}
