import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomPlan
import LoomRuns
import LoomTraining

/// Measures what a machine's workers do in how long, for `StepSimulation`.
struct RateMeter {
    private(set) var ratesHere = StepRates()
    /// Those of this machine, with the other one's memory.
    var rates: StepRates { withMemory(given) }
    private let backend: GemmBackend
    private let bfloat16: BFloat16Products?
    private let machine: MachineSetup
    private let seconds: Double
    private let one, all: WorkerTeam
    /// 10⁹ bytes a second of memory, all workers together; nil where it has not been measured.
    private var memory: Double?
    private var given: Double?

    private static let rounds = 3
    /// Shorter rounds are noise of the clock.
    private static let shortestSeconds = 0.0005
    /// Bytes of matrices of all products that take turns.
    private static let mostBytes = 256 << 20
    /// Bytes of each array that the kernel of updates goes over: a part of a second-level cache.
    private static let cachedBytes = 128 << 10

    init(_ configuration: Configuration, machine: MachineSetup, seconds: Double) {
        backend = configuration.parallel.gemmBackend
        bfloat16 = configuration.bfloat16Products
        self.machine = machine
        self.seconds = seconds
        one = WorkerTeam(workers: 1, binding: machine.binding)
        all = machine.workers > 1 ? WorkerTeam(workers: machine.workers, binding: machine.binding) : one
        measureBarrier()
        let speeds = Probe.measure(
            [one, all].map { team in
                BandwidthArrays(bytes: Self.cachedBytes * team.workers, team: team).probe(.update, team: team)
            }, rounds: Self.rounds, seconds: 0.005)
        ratesHere.gigabytesPerSecond = .init(
            alone: speeds[0].median, together: speeds[1].median / Double(all.workers))
    }

    private mutating func measureBarrier() {
        // A region that was refused has no barriers.
        guard all.workers > 1, all.run(EmptySteps(), steps: 0..<1).mode == .gang else { return }
        let probe = Probe(seconds: { [all] in all.seconds(of: EmptySteps(), steps: $0) }, figure: { $0 })
        ratesHere.barrier = (
            all.workers, Probe.measure([probe], rounds: 2 * Self.rounds + 1, seconds: 0.005)[0].median
        )
    }

    // MARK: Products

    /// Measures all products of `steps`: those of one worker alone, all others on every worker at the same time.
    mutating func measureProducts(of steps: [PlannedProgram]) {
        let ofOne = steps.filter { $0.program.workers == 1 }.reduce(into: Set()) { $0.formUnion($1.productShapes) }
        let ofMore = steps.filter { $0.program.workers > 1 }.reduce(into: Set()) { $0.formUnion($1.productShapes) }
        let wanted = [(ofOne, one), (ofMore, all)].flatMap { shapes, team in
            shapes.sorted { $0.operations < $1.operations }.map { (shape: $0, team: team) }
        }
        guard !wanted.isEmpty else { return }
        let perRound = max(Self.shortestSeconds, seconds / Double(Self.rounds * wanted.count))
        var alone: [GemmShape: Double] = [:]
        var together: [GemmShape: Double] = [:]
        var rest = wanted[...]
        while !rest.isEmpty {
            // At least one; as many more as there is memory for.
            var bytes = 0
            let part = rest.prefix { shape, team in
                defer { bytes += shape.operandBytes * team.workers }
                return bytes <= Self.mostBytes
            }
            rest = rest.dropFirst(part.count)
            let figures = Probe.measure(
                part.map { Probe.product($0.shape, backend, bfloat16: bfloat16, team: $0.team) }, rounds: Self.rounds,
                seconds: perRound)
            for ((shape, team), figure) in zip(part, figures) {
                if team.workers == 1 { alone[shape] = figure.median }
                if team.workers > 1 || all.workers == 1 { together[shape] = figure.median / Double(team.workers) }
            }
        }
        for shape in ofOne.union(ofMore) {
            let (first, second) = (alone[shape] ?? together[shape], together[shape] ?? alone[shape])
            if let first, let second { ratesHere.products[shape] = .init(alone: first, together: second) }
        }
    }

    /// As `StepRates.calibrate`.
    mutating func calibrate(_ step: PlannedProgram, seconds: (OperationKind, _ layer: Int?) -> Double?) {
        ratesHere.calibrate(step, seconds: seconds)
    }

    // MARK: Memory

    /// - Parameter given: 10⁹ bytes a second of a NUMA node of the other machine.
    mutating func measureMemory(isNeeded: Bool, given: Double?) {
        self.given = given
        guard isNeeded else { return }
        let arrays = BandwidthArrays(
            bytes: machine.bandwidthArrayBytes(availableBytes: MachineMemory.available()?.bytes), team: all)
        memory = Probe.measure([arrays.probe(.update, team: all)], rounds: Self.rounds, seconds: 0.05)[0].median
        ratesHere = withMemory(nil)
    }

    private func withMemory(_ given: Double?) -> StepRates {
        var rates = ratesHere
        if let given {
            rates.memoryGigabytesPerSecond = { _ in given }
        } else if let memory {
            let ofCore = memory / Double(all.workers)
            rates.memoryGigabytesPerSecond = { Double($0) * ofCore }
        }
        return rates
    }

    // MARK: Assumptions

    func assumptions(_ request: StepSimulation.Request, there: Plans) -> [String] {
        let processor = machine.machine.processor
        let others = all.workers == 1 ? "the only worker" : "all \(all.workers) workers"
        return [
            "A core there multiplies as fast as one here, \(processor) with \(machine.instructionSet.rawValue): the clock, "
                + "the instructions and the caches' speed of that machine are not known.",
            "The rates of two and more workers are those of \(others) here at work.",
            "Beside its products an operation takes as much time as with one worker here, in proportion.",
            cacheSentence(request.topology),
            barrierSentence(largest: there.steps.map(\.program.workers).max() ?? 1),
            "What another core wrote is read as fast as here, however far that core is.",
            memorySentence(request, there: there),
            "Nothing else runs there, and no worker is slower than another one with the same work.",
        ]
    }

    private func cacheSentence(_ topology: Topology) -> String {
        let size = NumberFormat.bytes(topology.secondLevelCacheBytes)
        return topology.cores.contains { $0.l2Bytes != nil }
            ? "Steps are planned for second-level caches of \(size), as the topology says."
            : "The topology says nothing of second-level caches: steps are planned for \(size)."
    }

    private func barrierSentence(largest: Int) -> String {
        guard let barrier = ratesHere.barrier else {
            return
                "Barriers cost nothing: \(all.workers == 1 ? "one worker" : "workers that do not run at the same time") "
                + "here cannot show what they cost."
        }
        let time = NumberFormat.duration(seconds: barrier.seconds)
        let there = NumberFormat.duration(seconds: ratesHere.barrierSeconds(workers: largest))
        return
            "A barrier of \(barrier.workers) workers takes \(time) here, and one of more workers in proportion to the "
            + "workers less one: \(there) with \(largest)."
    }

    private func memorySentence(_ request: StepSimulation.Request, there: Plans) -> String {
        guard !there.fitsCaches else {
            return "The last-level caches hold a step and all samples: memory is no limit."
        }
        let what =
            zip(there.steps, there.places).allSatisfy(StepPrediction.holdsStep)
            ? "The last-level caches hold a step, but not all samples, which are gathered from memory"
            : "The last-level caches do not hold a step of every number of workers: all matrices come from memory then, "
                + "each once an operation"
        if let given { return what + "; each NUMA node has \(gigabytes(given)) GB/s, as given." }
        return what
            + "; each NUMA node has \(gigabytes((memory ?? 0) / Double(all.workers))) GB/s for each of its cores, as "
            + "\(all.workers == 1 ? "the one worker" : "all \(all.workers) workers") here: many cores may have less, which "
            + "--memory-bandwidth says."
    }

    private func gigabytes(_ value: Double) -> String { NumberFormat.gigaflops(value) }
}

extension GemmShape {
    /// Bytes of its three matrices, as far as they are read and written.
    fileprivate var operandBytes: Int {
        (rows * inner + inner * columns + rows * columns) * OperandFormat(precision).bytes
    }
}
