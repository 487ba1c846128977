import CHardware
import Foundation
import LoomHardware
import LoomKernels
import LoomRuns
import LoomTraining

/// What `gradloom doctor` measures, and with what.
package struct DoctorRequest: Sendable {
    /// About how long all is measured.
    package var seconds = 3.0
    /// The precision of the arithmetic.
    package var precision = Precision.float32
    /// Who multiplies.
    package var gemmBackend = GemmBackend.preferred
    /// What multiplies in mixed precision; nil: the training is not mixed.
    package var bfloat16: BFloat16Products?
    /// A configuration's step, and the memory of its training; nil: without one.
    package var plan: (step: PlannedStep, memory: MemoryPlan)?

    /// Without a configuration.
    package init() {}
}

extension DoctorFacts {
    /// Finds out and measures everything but OpenBLAS's kernels, which take processes of their own.
    package init(
        _ request: DoctorRequest, machine: MachineSetup, settings: SystemSettings = SystemSettings(),
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        let measurement = DoctorMeasurement(request: request, machine: machine, settings: settings)
        let (start, window) = (ContinuousClock.now, CPUDisturbanceWindow(machine.contention()))
        let (arithmetic, noise) = measurement.arithmetic()
        let (governor, throttledSeconds) = (measurement.governor(), window.soFar().throttledSeconds)
        let workSeconds = (ContinuousClock.now - start) / .seconds(1)
        self.init(
            workerCPUs: machine.workerCPUs, stepSeconds: measurement.stepSeconds(), arithmetic: arithmetic,
            cores: Cores(machine.topology, machine.allowance, environment: environment),
            governor: governor, subnormals: measurement.subnormals(), counters: .current(settings),
            clock: measurement.clock(), noise: noise, threads: WorkerTeam.dispatchWidth)
        quota = machine.allowance.quota.map {
            Quota(
                limit: $0,
                throttledFraction: throttledSeconds.map { min(1, $0 / workSeconds / Double(workers)) })
        }
        bfloat16 = measurement.bfloat16()
        refusesTiles = BFloat16Products.tilesAreRefused
        sharing = measurement.sharing()
        barriers = measurement.barriers()
        pages = measurement.pages()
        numa = measurement.numaMemory()
        let disturbance = window.soFar()
        others = Others(
            fraction: disturbance.othersFraction, stolenFraction: disturbance.stolenFraction,
            niceness: CPUContention.niceness)
        if let (step, memory) = request.plan {
            self.step = StepModel(step)
            plan = PlannedTraining(
                workerRows: step.workerRows, shardRows: step.program.shardRows,
                shardMultiple: request.bfloat16 == nil ? 1 : PackedMatrix.side, memory: memory,
                available: MachineMemory.available())
        }
    }
}

/// The measurements behind the facts: each takes its part of the time.
struct DoctorMeasurement {
    let request: DoctorRequest
    let machine: MachineSetup
    let settings: SystemSettings
    let team: WorkerTeam

    init(request: DoctorRequest, machine: MachineSetup, settings: SystemSettings = SystemSettings()) {
        self.request = request
        self.machine = machine
        self.settings = settings
        team = WorkerTeam(workers: machine.workers, binding: machine.binding)
    }

    /// How the time is shared out; the rest is for starting and for what is asked once.
    private enum Share {
        static let rounds = 0.35
        static let products = 0.1
        static let sharing = 0.1
        static let barriers = 0.15
        static let pages = 0.15
        static let numa = 0.1
        static let subnormals = 0.05
    }

    // MARK: Arithmetic

    /// Rounds of a millisecond with the instructions in use, and as many with the widest ones in turn where these are
    /// others.
    func arithmetic() -> (Arithmetic, Noise) {
        let inUse = ArithmeticInstructions.inUse(by: request.gemmBackend, request.bfloat16)
        let supported = InstructionSet.allCases.last(where: \.isSupported)?.rawValue
        let widest = supported.flatMap(ArithmeticInstructions.init(rawValue:)) ?? inUse
        let loops = (inUse == widest ? [inUse] : [inUse, widest]).map { RegisterLoop($0, request.precision) }
        let rounds = max(40, Int(request.seconds * Share.rounds / 1e-3))
        // What one call does where there is no loop for the architecture: something that takes time.
        let times = team.nanoseconds(rounds: rounds) { _, round in
            if let loop = loops[round % loops.count] { loop.run() } else { spin(nanoseconds: 1_000_000) }
        }
        // By loop, then by worker.
        let ofLoops = loops.indices.map { index in
            times.map { all in stride(from: index, to: rounds, by: loops.count).map { all[$0] } }
        }
        let gflops = zip(loops, ofLoops).map { loop, times in
            times.map { (loop?.operations ?? 1) / PeakFigure(samples: $0).median }
        }
        let classes = machine.topology.cores.flatMap { core in
            core.threads.map { ($0.osIndex, core.performanceClass) }
        }
        let arithmetic = Arithmetic(
            inUse: inUse.title, widest: widest.title, inUseGflops: gflops[0].reduce(0, +),
            widestGflops: gflops[gflops.count - 1].reduce(0, +), workerGflops: gflops[0],
            performanceClasses: machine.workerCPUs.map { cpu in classes.first { $0.0 == cpu }?.1 })
        return (arithmetic, Noise(nanoseconds: ofLoops[0]))
    }

    /// How long the products of the step take, each at its own speed with all workers at work.
    func stepSeconds() -> Double {
        let products =
            request.plan?.step.products.map { ($0.shape, $0.callsPerStep) } ?? Self.referenceProducts(team.workers)
        let probes = products.map { Probe.product($0.0, request.gemmBackend, bfloat16: request.bfloat16, team: team) }
        let rounds = 3
        let figures = Probe.measure(
            probes, rounds: rounds, seconds: request.seconds * Share.products / Double(rounds * probes.count))
        return zip(products, figures).reduce(0) { sum, next in
            sum + Double(next.0.1) * next.0.0.operations / (next.1.highest * 1e9)
        }
    }

    /// The products of `StepModel.reference` and how often they are called: of each layer the forward one stands for the
    /// others, which have as many operations.
    private static func referenceProducts(_ workers: Int) -> [(GemmShape, Int)] {
        func product(_ columns: Int, _ inner: Int, resultStride: Int) -> GemmShape {
            GemmShape(
                .forward, rows: max(1, 128 / workers), columns: columns, inner: inner, left: .init(stride: inner),
                right: .init(stride: inner, isTransposed: true), resultStride: resultStride, precision: .float32)
        }
        return [(product(128, 784, resultStride: 128), 2 * workers), (product(10, 128, resultStride: 16), 3 * workers)]
    }

    /// Workers that share cores, beside as many as there are cores; nil where none do.
    func sharing() -> CoreSharing? {
        let assignments = machine.placement.assignments
        let cores = Set(assignments.map(\.core)).count
        guard cores < assignments.count,
            let loop = RegisterLoop(.inUse(by: request.gemmBackend), request.precision)
        else { return nil }
        let others = Self.cpusOfOwnCores(machine.topology, machine.allowance, workers: machine.workers)
        guard let apart = team(on: others) else { return nil }
        let rounds = max(5, Int(request.seconds * Share.sharing / 1e-3 / 6))
        var gflops: (together: [Double], apart: [Double]) = ([], [])
        func slowest(_ team: WorkerTeam) -> Double {
            let medians = team.nanoseconds(rounds: rounds) { _, _ in loop.run() }.map {
                PeakFigure(samples: $0).median
            }
            return Double(team.workers) * loop.operations / medians.max()!
        }
        for _ in 0..<3 {
            gflops.together.append(slowest(team))
            gflops.apart.append(slowest(apart))
        }
        return CoreSharing(
            cores: cores, gflops: PeakFigure(samples: gflops.together).median, otherCPUs: others,
            otherGflops: PeakFigure(samples: gflops.apart).median)
    }

    /// One allowed CPU of every core, for as many workers as there are such, those of the fastest kind first.
    static func cpusOfOwnCores(_ topology: Topology, _ allowance: CPUAllowance, workers: Int) -> [Int] {
        let allowed = Set(allowance.allowedCPUs)
        let cores = topology.cores.compactMap { core in
            core.threads.map(\.osIndex).first(where: allowed.contains).map { (core.performanceClass, $0) }
        }
        let fastest = Set(cores.map(\.0)).sorted(by: >)
        return Array(fastest.flatMap { kind in cores.filter { $0.0 == kind }.map(\.1) }.prefix(workers))
    }

    private func team(on cpus: [Int]) -> WorkerTeam? {
        guard let binder = try? ThreadBinder(cpus: cpus) else { return nil }
        let binding = WorkerBinding(
            bind: { worker in (try? binder.bind(worker: worker)) != nil }, restore: { _ = binder.restore(worker: $0) })
        return WorkerTeam(workers: cpus.count, binding: binding)
    }

    // MARK: Waiting

    /// The barriers of every two workers; of many workers, those of neighbours and those with the first one.
    func barriers() -> [PairBarrier] {
        let cpus = machine.workerCPUs.compactMap { $0 }
        guard cpus.count == machine.workers, cpus.count > 1 else { return [] }
        let pairs = Self.pairs(workers: cpus.count).map { [cpus[$0.0], cpus[$0.1]] }
        // The lowest of many short rounds: others get a core for some milliseconds at a time.
        let rounds = 15
        let seconds = max(0.002, request.seconds * Share.barriers / Double(pairs.count * rounds))
        return pairs.compactMap { pair in
            // A region that was refused has no barriers.
            guard let team = team(on: pair), team.run(EmptySteps(), steps: 0..<1).mode == .gang else { return nil }
            let probe = Probe(seconds: { team.seconds(of: EmptySteps(), steps: $0) }, figure: { $0 * 1e9 })
            return PairBarrier(
                cpus: pair, nanoseconds: Probe.measure([probe], rounds: rounds, seconds: seconds)[0].lowest)
        }
    }

    static func pairs(workers: Int) -> [(Int, Int)] {
        let all = (0..<workers).flatMap { first in (first + 1..<workers).map { (first, $0) } }
        return workers <= 8 ? all : all.filter { $0.0 == 0 || $0.1 == $0.0 + 1 }
    }

    /// Of a reading of the clock: the lowest of several measurements.
    func clock() -> Clock {
        let probe = Probe(
            seconds: { count in
                let start = loom_monotonic_nanoseconds()
                var last = start
                for _ in 0..<count { last = loom_monotonic_nanoseconds() }
                return Double(max(1, last - start)) * 1e-9
            }, figure: { $0 * 1e9 })
        return Clock(
            source: settings.clockSource(), available: settings.availableClockSources(),
            nanoseconds: Probe.measure([probe], rounds: 5, seconds: 0.002)[0].lowest)
    }

    /// Right after the workers have worked.
    func governor() -> Governor? {
        let cpus = machine.workerCPUs.compactMap { $0 }
        let names = Set(cpus.compactMap(settings.governor(of:))).sorted()
        guard !names.isEmpty else { return nil }
        return Governor(
            names: names, gigahertz: cpus.compactMap(settings.gigahertz(of:)).min(),
            sustainedGigahertz: cpus.compactMap(settings.sustainedGigahertz(of:)).min())
    }

    // MARK: Numbers and memory

    /// Products of 64 × 64 numbers: 10⁻²⁰ · 10⁻²⁰ is below the normal range, and so is the sum of 64 of them.
    func subnormals() -> Subnormals {
        let mode = loom_floating_point_mode()
        let factors = AlignedBuffer<Float>([1e-30, 1e-15])
        let flushes = AlignedBuffer<Int32>(count: machine.workers * 16, repeating: 0)
        _ = team.seconds { worker in
            let isZero = factors.pointer[0] * factors.pointer[1] == 0
            flushes.pointer[worker * 16] = isZero ? loom_mode_flushes_subnormals(loom_floating_point_mode()) : 0
        }
        let shape = GemmShape(
            .forward, rows: 64, columns: 64, inner: 64, left: .init(stride: 64),
            right: .init(stride: 64, isTransposed: true), resultStride: 64, precision: .float32)
        let one = WorkerTeam(workers: 1, binding: machine.binding)
        func probe(_ value: Float, mode: UInt64? = nil) -> Probe {
            var probe = Probe.product(
                shape, Float.self, provider: request.gemmBackend, team: one, filledWith: value, floatingPointMode: mode)
            probe = Probe(seconds: probe.seconds, figure: { $0 })
            return probe
        }
        let seconds = Probe.measure(
            [probe(0.5), probe(1e-20), probe(1e-20, mode: mode)], rounds: 5,
            seconds: request.seconds * Share.subnormals / 15
        ).map(\.lowest)
        return Subnormals(
            flushingWorkers: (0..<machine.workers).count { flushes.pointer[$0 * 16] != 0 },
            ratio: seconds[1] / seconds[0], unflushedRatio: seconds[2] / seconds[0])
    }

    /// Rows gathered from memory as a training reserves it, and from small pages; and, where the first are not huge, from
    /// pages that were made huge.
    func pages() -> Pages? {
        guard let mode = settings.hugePageMode() else { return nil }
        let available = MachineMemory.available()?.bytes ?? .max
        let bytes = min(128 << 20, max(8 << 20, available / 16))
        let reserved = GatheredRows(bytes: bytes)
        let small = GatheredRows(bytes: bytes, advice: .small)
        guard let hugeFraction = settings.hugePageFraction(at: reserved.address) else { return nil }
        var rows = [reserved, small]
        if hugeFraction < DoctorThresholds.hugePageFraction {
            let huge = GatheredRows(bytes: bytes, advice: .collapsed)
            let fraction = settings.hugePageFraction(at: huge.address) ?? 0
            if fraction >= DoctorThresholds.hugePageFraction { rows.append(huge) }
        }
        let one = WorkerTeam(workers: 1, binding: machine.binding)
        let rounds = 5
        let nanoseconds = Probe.measure(
            rows.map { $0.probe(team: one) }, rounds: rounds,
            seconds: request.seconds * Share.pages / Double(rounds * rows.count)
        ).map(\.lowest)
        return Pages(
            mode: mode, processMayHaveThem: settings.processMayHaveHugePages() ?? true, hugeFraction: hugeFraction,
            rowNanoseconds: nanoseconds[0], smallRowNanoseconds: nanoseconds[1],
            hugeRowNanoseconds: nanoseconds.count > 2 ? nanoseconds[2] : nil)
    }

    /// Where memory is that workers touch first; nil with one NUMA node, or workers that are not bound.
    func numaMemory() -> NUMAMemory? {
        let nodes = machine.topology.packages.flatMap(\.numaNodes)
        let ofWorkers = machine.placement.assignments.compactMap { assignment in
            nodes.first { $0.index == assignment.numaNode }?.osIndex
        }
        guard machine.topology.numaNodeCount > 1, ofWorkers.count == machine.workers else { return nil }
        return numaMemory(nodesOfWorkers: ofWorkers, nodes: machine.topology.numaNodeCount)
    }

    func numaMemory(nodesOfWorkers: [Int], nodes: Int) -> NUMAMemory? {
        // More than the workers' second-level caches hold, and little to touch.
        let bytes = machine.workers * max(16 << 20, 4 * machine.cacheBytes)
        let placed = BandwidthArrays(bytes: bytes, team: team)
        guard let away = placed.awayFraction(nodesOfWorkers: nodesOfWorkers) else { return nil }
        var arrays = [placed]
        if away >= DoctorThresholds.pagesAwayFraction {
            let local = BandwidthArrays(bytes: bytes, team: team, nodes: nodesOfWorkers)
            if let fraction = local.awayFraction(nodesOfWorkers: nodesOfWorkers),
                fraction < DoctorThresholds.pagesAwayFraction
            {
                arrays.append(local)
            }
        }
        let rounds = 5
        let figures = Probe.measure(
            arrays.map { $0.probe(.copy, team: team) }, rounds: rounds,
            seconds: request.seconds * Share.numa / Double(rounds * arrays.count)
        ).map(\.median)
        return NUMAMemory(
            nodes: nodes, awayFraction: away, gigabytesPerSecond: figures[0],
            localGigabytesPerSecond: figures.count > 1 ? figures[1] : nil)
    }
}

extension BandwidthArrays {
    /// The part of the pages that is not on the nodes of the workers whose they are; nil where the system does not tell.
    func awayFraction(nodesOfWorkers: [Int]) -> Double? {
        let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))
        var (away, known) = (0, 0)
        for (part, node) in zip(parts, nodesOfWorkers) {
            let count = part.source.count * MemoryLayout<Float>.stride / pageBytes
            var nodes = [Int32](repeating: 0, count: count)
            guard loom_nodes_of_pages(part.source.pointer, UInt64(pageBytes), UInt64(count), &nodes) == 0 else {
                return nil
            }
            // Negative: a page that is not there.
            known += nodes.count(where: { $0 >= 0 })
            away += nodes.count(where: { $0 >= 0 && $0 != Int32(node) })
        }
        return known > 0 ? Double(away) / Double(known) : nil
    }
}

/// Large memory whose rows are gathered in random order, as samples are.
private final class GatheredRows: Sendable {
    enum Advice {
        case asReserved, small, collapsed
    }

    private static let columns = Int(Pages.rowBytes) / MemoryLayout<Float>.stride
    private static let rowsPerBatch = 128
    private let memory: AlignedBuffer<Float>
    private let batch = AlignedBuffer<Float>(count: rowsPerBatch * columns, repeating: 0)
    private let indices: AlignedBuffer<UInt64>

    init(bytes: Int, advice: Advice = .asReserved) {
        let rows = bytes / Int(Pages.rowBytes)
        memory = AlignedBuffer(uninitializedCount: rows * Self.columns)
        #if os(Linux)
            if advice == .small { madvise(memory.pointer, bytes, MADV_NOHUGEPAGE) }
        #endif
        memory.elements.initialize(repeating: 0.5)
        if advice == .collapsed { _ = loom_collapse_pages(memory.pointer, UInt64(bytes)) }
        // Whole batches in an order without a pattern: the high bits of Knuth's generator.
        var state: UInt64 = 1
        indices = AlignedBuffer(
            (0..<rows / Self.rowsPerBatch * Self.rowsPerBatch).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return (state >> 33) % UInt64(rows)
            })
    }

    var address: UInt { UInt(bitPattern: memory.pointer) }

    /// Nanoseconds of a row.
    func probe(team: WorkerTeam) -> Probe {
        Probe(
            seconds: { repetitions in team.seconds { _ in self.gather(batches: repetitions) } },
            figure: { $0 / Double(Self.rowsPerBatch) * 1e9 })
    }

    private func gather(batches: Int) {
        let rows = memory.count / Self.columns
        let source = MatrixView(pointer: memory.pointer, rows: rows, columns: Self.columns, stride: Self.columns)
        let destination = MatrixView(
            pointer: batch.pointer, rows: Self.rowsPerBatch, columns: Self.columns, stride: Self.columns)
        let inOneTurn = indices.count / Self.rowsPerBatch
        for batch in 0..<batches {
            let start = batch % inOneTurn * Self.rowsPerBatch
            Float.gatherRows(UnsafePointer(indices.pointer) + start, of: source, into: destination)
        }
    }
}
