import Foundation
import LoomHardware
import Testing

@testable import LoomRuns

/// Trainings in one process, as a library's user may have them.
@Suite struct MachineSetupTests {
    private static var allowedCPUs: Int { (try? CPUAllowance.current(topology: .machine()).allowedCPUs.count) ?? 1 }
    private let directory = FileManager.default.temporaryDirectory.appendingPathComponent("setup-\(UUID().uuidString)")
    private var locks: CPULocks { CPULocks(directory: directory.path) }

    @Test(.enabled(if: allowedCPUs > 1))
    func twoInOneProcessHaveTheirOwnCPUs() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        var first: MachineSetup? = try MachineSetup(workers: 1, policy: .compact, locks: locks)
        let cpu = try #require(first?.workerCPUs[0])
        #expect(first?.notes.contains { $0.contains("in use") } == false)
        let second = try MachineSetup(workers: 1, policy: .compact, locks: locks)
        #expect(second.workerCPUs[0] != cpu)
        let note = "CPU \(cpu) is in use by another Gradloom training (pid \(getpid()))"
        #expect(second.notes.contains { $0.hasPrefix(note) })
        // A team may outlive the value that described the machine.
        var binding = first?.binding
        first = nil
        #expect(try locks.inUse([cpu]).map(\.cpu) == [cpu])
        withExtendedLifetime(binding) {}
        binding = nil
        #expect(try locks.inUse([cpu]) == [])
    }

    /// A library that was built for few threads limits those who let it multiply.
    @Test(.enabled(if: BLASRuntime.current().maximumThreads ?? .max < CPUAllowance.dispatchWorkerLimit))
    func builtInProductsHaveNoLimit() throws {
        let limit = try #require(BLASRuntime.current().maximumThreads)
        let machine = try MachineSetup(workers: limit + 1, policy: .none, provider: .builtin, locks: locks)
        #expect(machine.workers == limit + 1)
        #expect(try machine.placing(workers: limit + 2, policy: .none).workers == limit + 2)
        #expect(throws: BLASError.tooManyWorkersForBLAS(requested: limit + 1, maximum: limit)) {
            try MachineSetup(workers: limit + 1, policy: .none, provider: .openBLAS, locks: locks)
        }
    }

    @Test func withoutPlacesNobodyIsKeptAway() throws {
        let setup = try MachineSetup(workers: 1, policy: .none, locks: locks)
        withExtendedLifetime(setup) { #expect(!FileManager.default.fileExists(atPath: directory.path)) }
    }
}
