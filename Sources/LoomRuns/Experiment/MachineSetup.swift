import Foundation
import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomTraining

/// The machine as a run uses it: how many workers, where they are bound, which instructions and which BLAS they use.
public struct MachineSetup: Sendable {
    /// The hardware.
    public let topology: Topology
    /// What this process may use of it.
    public let allowance: CPUAllowance
    /// Where the workers are.
    public let placement: Placement
    /// The BLAS, set to one thread of its own, and tested where it multiplies.
    public let blas: BLASRuntime
    /// The vector instructions of the kernels.
    public let instructionSet: InstructionSet
    /// Facts for the record.
    public let machine: MachineDescription
    /// What the user should know: refused wishes, settings that cost speed, other trainings on the same CPUs.
    public private(set) var notes: [String]
    private let provider: GemmBackend
    private let binder: ThreadBinder
    /// Kept as long as somebody may be bound to these CPUs: by this value and by the `binding` that a team has.
    private let reservation: CPUReservation

    /// Reads the machine and places `workers` (nil: one per allowed physical core) by `policy`, on CPUs where no other
    /// training is as far as there are such; as long as this value or a team with its `binding` lives, other trainings of
    /// this user leave these CPUs alone. `instructions`, unless nil, become those of the kernels in the whole process.
    ///
    /// To be called before any thread is bound: the affinity mask of the calling thread is part of the
    /// allowance.
    ///
    /// - Parameters:
    ///   - provider: Who multiplies on all workers: only OpenBLAS has limits of its own.
    ///   - locks: Where trainings tell each other which CPUs they work on.
    /// - Throws: `InstructionSet.Unsupported`, `TopologyError`, `PlacementError` (more workers than processors), `BLASError`
    ///   (OpenBLAS multiplies, and there are more workers than the build allows, or it is not safe to use).
    public init(
        workers: Int?, policy: PlacementPolicy, instructions: InstructionSet? = nil, provider: GemmBackend = .preferred,
        locks: CPULocks = .user()
    ) throws {
        try instructions?.select()
        instructionSet = .active
        let topology = try Topology.machine()
        let allowance = try CPUAllowance.current(topology: topology)
        let libraryLimit = provider.mostWorkers
        // Without places there is nothing to keep others away from.
        (placement, reservation) = try locks.reserve(among: policy == .none ? [] : allowance.allowedCPUs) { inUse in
            let placement = try Placement.plan(
                topology: topology, allowance: allowance, workers: workers, policy: policy,
                libraryLimit: libraryLimit, inUse: inUse)
            return (placement, placement.assignments.map(\.cpu))
        }
        self.provider = provider
        blas = try provider.prepare(workers: placement.workers)
        machine = MachineDescription.current(topology: topology, blas: blas)
        binder = try ThreadBinder(placement: placement)
        notes = placement.notes + [reservation.note, CPUContention.nicenessNote()].compactMap { $0 }
        self.topology = topology
        self.allowance = allowance
    }

    /// `machine` with its workers placed by `placement`, and on the CPUs that it keeps others away from.
    private init(_ machine: MachineSetup, placement: Placement) throws {
        topology = machine.topology
        allowance = machine.allowance
        self.placement = placement
        provider = machine.provider
        blas = try provider.prepare(workers: placement.workers)
        instructionSet = machine.instructionSet
        self.machine = machine.machine
        notes = placement.notes
        binder = try ThreadBinder(placement: placement)
        reservation = machine.reservation
    }

    /// The same machine with another number of workers, or with workers in other places: for trials. CPUs are kept away from
    /// other trainings as before.
    /// - Throws: `PlacementError` (more workers than processors), `BLASError` (more workers than the BLAS build allows).
    package func placing(workers: Int, policy: PlacementPolicy) throws -> MachineSetup {
        try MachineSetup(
            self, placement: Placement.plan(topology: topology, allowance: allowance, workers: workers, policy: policy))
    }

    /// The same with `notes` before its own.
    func noting(_ notes: [String]) -> MachineSetup {
        var machine = self
        machine.notes = notes + self.notes
        return machine
    }

    /// The largest team that can work at the same time here, on CPUs that are placed by `policy`, with products by `provider`.
    /// - Throws: `TopologyError`.
    package static func largestTeam(policy: PlacementPolicy, provider: GemmBackend) throws -> Int {
        let allowance = try CPUAllowance.current(topology: Topology.machine())
        var largest = min(allowance.maximumWorkers, WorkerTeam.dispatchWidth, provider.mostWorkers ?? .max)
        if case .cpus(let list) = policy { largest = min(largest, list.count) }
        return max(1, largest)
    }

    /// The machine as `configuration` wants to use it.
    /// - Throws: as the other initialiser.
    public init(_ configuration: Configuration) throws {
        try self.init(configuration, workers: configuration.parallel.workers)
    }

    /// The machine as `configuration` wants to use it, but with `workers` (nil: one per allowed physical core).
    /// - Throws: as the other initialiser.
    public init(_ configuration: Configuration, workers: Int?) throws {
        try self.init(
            workers: workers, policy: configuration.parallel.placement,
            instructions: configuration.parallel.instructionSet, provider: configuration.parallel.gemmBackend)
    }

    /// The number of workers.
    public var workers: Int { placement.workers }

    /// The operating system's number of each worker's CPU; nil where it is not bound.
    public var workerCPUs: [Int?] {
        (0..<workers).map { worker in placement.assignments.first { $0.worker == worker }?.cpu }
    }

    /// The hardware threads, by the operating system's numbers, where the work of others slows the workers down: all of the
    /// cores that they are bound to. Where they are not bound, all that this process may use; none where these are more than
    /// the workers, which may be elsewhere then.
    public var contestedCPUs: [Int] {
        if placement.assignments.count == workers {
            return topology.hardwareThreads(sharingCoresWith: workerCPUs.compactMap { $0 })
        }
        return allowance.allowedCPUs.count <= workers ? allowance.allowedCPUs : []
    }

    /// What others have of the workers' CPUs from now on.
    public func contention() -> CPUContention {
        // Stopped by a quota, or with fewer CPUs than there are of them, workers wait for nobody else.
        let hasTimeForAll = allowance.quota == nil && allowance.allowedCPUs.count >= workers
        return CPUContention(on: contestedCPUs, waitingThreads: hasTimeForAll ? workers : 0)
    }

    /// How a worker's thread is bound to its place while it works.
    public var binding: WorkerBinding? {
        guard !placement.assignments.isEmpty else { return nil }
        return WorkerBinding(
            bind: { [binder, reservation] worker in
                withExtendedLifetime(reservation) { (try? binder.bind(worker: worker)) != nil }
            },
            restore: { [binder] worker in _ = binder.restore(worker: worker) })
    }

    /// Bytes of second-level cache of the smallest core in use; 1 MiB where the system does not tell.
    public var cacheBytes: Int { topology.secondLevelCacheBytes }
}

extension GemmBackend {
    /// The threads that may call it at the same time; nil: any number.
    package var mostWorkers: Int? { self == .openBLAS ? BLASRuntime.current().maximumThreads : nil }

    /// Makes it ready for so many workers.
    fileprivate func prepare(workers: Int) throws(BLASError) -> BLASRuntime {
        self == .openBLAS ? try BLASRuntime.prepare(workers: workers) : BLASRuntime.singleThreaded()
    }
}
