import CHwloc
import Dispatch
import Foundation
import Synchronization
import Testing

@testable import LoomHardware

@Suite(.serialized) struct ThreadBinderTests {
    /// The CPUs that this process may use; none where the system refuses to set even a thread's present mask.
    ///
    /// Asks the system itself, not `ThreadBinder`: its own failure must not look like a refusal.
    private static let bindableCPUs: [Int] = {
        guard let hwloc = try? HwlocTopology(.machine, objects: false), let topology = try? Topology.machine()
        else {
            return []
        }
        let flags = Int32(HWLOC_CPUBIND_THREAD.rawValue)
        let mask = CPUBitmap()
        guard hwloc_get_cpubind(hwloc.pointer, mask.pointer, flags) == 0,
            hwloc_set_cpubind(hwloc.pointer, mask.pointer, flags) == 0
        else { return [] }
        return (try? CPUAllowance.current(topology: topology).allowedCPUs) ?? []
    }()

    private static let refusal: Comment = "this system refuses to bind threads"

    @Test(.enabled(if: !bindableCPUs.isEmpty, refusal)) func bindsReadsBackAndRestores() throws {
        let cpus = Self.bindableCPUs
        let binder = try ThreadBinder(cpus: cpus)
        let before = binder.currentCPUs()
        for (worker, cpu) in cpus.enumerated() {
            try binder.bind(worker: worker)
            #expect(binder.currentCPUs() == [cpu])
            #expect(binder.restore(worker: worker))
            #expect(binder.currentCPUs() == before)
        }
    }

    @Test(.enabled(if: !bindableCPUs.isEmpty, refusal)) func bindsThreadsAtTheSameTime() throws {
        let cpus = Self.bindableCPUs
        let binder = try ThreadBinder(cpus: cpus)
        let seen = Mutex(Array(repeating: [Int](), count: cpus.count))
        DispatchQueue.concurrentPerform(iterations: cpus.count) { worker in
            guard (try? binder.bind(worker: worker)) != nil else { return }
            let current = binder.currentCPUs()
            binder.restore(worker: worker)
            seen.withLock { $0[worker] = current }
        }
        let masks: [[Int]] = seen.withLock { $0 }
        let expected: [[Int]] = cpus.map { [$0] }
        #expect(masks == expected)
    }

    @Test func leavesWorkersWithoutCPUAlone() throws {
        let binder = try ThreadBinder(cpus: [])
        let before = binder.currentCPUs()
        try binder.bind(worker: 3)
        #expect(binder.currentCPUs() == before)
        #expect(binder.restore(worker: 3))
    }

    @Test(.enabled(if: !bindableCPUs.isEmpty, refusal)) func reportsCPUThatDoesNotExist() throws {
        let binder = try ThreadBinder(cpus: [8191])
        let before = binder.currentCPUs()
        #expect(throws: BindingError.notAllowed(cpu: 8191)) { try binder.bind(worker: 0) }
        #expect(binder.currentCPUs() == before)
        #expect(binder.restore(worker: 0))
    }

    @Test func explainsErrors() {
        #expect("\(BindingError.notSupported(cpu: 1))".contains("'none'"))
        #expect("\(BindingError.notAllowed(cpu: 7))".contains("CPU 7 is not in the cpuset"))
        #expect("\(BindingError.notHonoured(cpu: 1, actual: [0, 1]))".contains("0-1"))
        #expect("\(BindingError.failed(operation: "bind", errno: EPERM))".contains("errno 1"))
    }
}
