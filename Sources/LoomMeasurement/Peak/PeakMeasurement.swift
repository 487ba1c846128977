import LoomHardware
import LoomKernels
import LoomPlan
import LoomRuns
import LoomTraining

/// What this machine can do, measured with the workers that a training would have: the arithmetic peak, which is the
/// ceiling that the speed of a training is held against, what large products reach of it, memory and barriers.
///
/// Every figure is measured on the workers' CPUs, bound as in training, in rounds that take turns between all figures.
public struct PeakMeasurement: Sendable {
    /// What is to be measured.
    public struct Request: Sendable {
        /// The precisions of the ceilings and of large products.
        public var precisions: [Precision] = Precision.allCases
        /// Whether the processor's instructions for bfloat16 are measured, which trainings in mixed precision use.
        public var includesBF16 = true
        /// Products to measure besides, as a training step calls them.
        public var products: [PlannedProduct] = []
        /// The precision of `products`.
        public var productPrecision = Precision.float32
        /// Who multiplies `products`.
        public var productProvider = GemmBackend.preferred
        /// What multiplies those whose factors are bfloat16.
        public var bfloat16 = BFloat16Products.accelerated
        /// Bytes of each of the two arrays that bandwidths are measured on; nil: no cache can hold a relevant part of them.
        public var arrayBytes: Int?
        /// How often each figure is measured.
        public var rounds = 7
        /// About how long each figure is measured in all rounds together.
        public var secondsPerFigure = 0.35

        /// What multiplies the products, if they are mixed.
        var bfloat16OfProducts: BFloat16Products? {
            products.contains { $0.shape.operands == .bfloat16 } ? bfloat16 : nil
        }

        /// All ceilings, and no products.
        public init() {}
    }

    /// The arithmetic peak of some instructions, as these rounds measured it.
    public struct Ceiling: Sendable {
        /// The instructions.
        public let instructions: ArithmeticInstructions
        /// The precision of sums, and of factors that are not bfloat16.
        public let precision: Precision
        /// Workers at the same time.
        public let workers: Int
        /// All of them together.
        public let gflops: PeakFigure

        /// The format of the factors: "float32", "float64" or "bfloat16".
        public var format: String { instructions.multipliesBF16 ? "bfloat16" : precision.rawValue }
    }

    /// A product of large matrices.
    public struct LargeProduct: Sendable {
        /// Who multiplies.
        public let provider: GemmBackend
        /// The precision.
        public let precision: Precision
        /// Workers at the same time, each with matrices of its own.
        public let workers: Int
        /// All of them together.
        public let gflops: PeakFigure
    }

    /// Products of 512 × 512 matrices: 2²⁷ multiplications a call, beyond any kernel for small matrices.
    static func largeProduct(_ precision: Precision) -> GemmShape {
        GemmShape(
            .forward, rows: 512, columns: 512, inner: 512, left: .init(stride: 512),
            right: .init(stride: 512, isTransposed: true), resultStride: 512, precision: precision)
    }

    /// A memory bandwidth.
    public struct Bandwidth: Sendable {
        /// What was done, and so how bytes are counted.
        public let traffic: MemoryTraffic
        /// Workers at the same time.
        public let workers: Int
        /// All of them together, in 10⁹ bytes a second.
        public let gigabytesPerSecond: PeakFigure
    }

    /// How long workers take to find together.
    public struct Latency: Sendable {
        /// What is timed.
        public enum Kind: String, Sendable, CaseIterable {
            /// A barrier between running workers: the end of a phase.
            case barrier
            /// A fork and a join around 100 µs of work for each worker, which do not count; without binding: the end of
            /// a phase where workers cannot stay together.
            case forkJoin = "fork_join"
            /// A region without work: fork, check-in, binding, one barrier, restoring, join.
            case region
        }

        /// What is timed.
        public let kind: Kind
        /// The workers that take part.
        public let workers: Int
        /// Of one of them.
        public let microseconds: PeakFigure
    }

    /// A product of the model.
    public struct Product: Sendable {
        /// The product as the step calls it.
        public let planned: PlannedProduct
        /// One worker alone.
        public let oneWorkerGflops: PeakFigure
        /// All workers, each calling it, together.
        public let allWorkersGflops: PeakFigure
    }

    /// The arithmetic peaks: one worker, then all.
    public private(set) var ceilings: [Ceiling] = []
    /// Large products of everybody who can multiply: one worker, then all.
    public private(set) var largeProducts: [LargeProduct] = []
    /// What the cache knew already of the ceilings of all workers.
    private var kept: [Kept] = []
    private let workers: Int
    private let productPrecision: Precision
    private let productInstructions: ArithmeticInstructions
    /// The bandwidths: one worker, then all.
    public private(set) var bandwidths: [Bandwidth] = []
    /// The bytes of each of the two arrays that bandwidths were measured on.
    public let arrayBytes: Int
    /// The latencies; none with one worker, and no barrier where workers did not run at the same time.
    public private(set) var latencies: [Latency] = []
    /// The model's products in the order of the request.
    public private(set) var products: [Product] = []
    /// The part of the time of the workers' cores that others had meanwhile, 0…1; nil where the system does not tell.
    public private(set) var otherWorkFraction: Double?
    /// Of it, what programs of low priority had; nil where the system does not tell, and for less than a second.
    public private(set) var nicedWorkFraction: Double?

    /// Measures `request` with the workers of `machine`.
    public init(_ request: Request, machine: MachineSetup) {
        arrayBytes =
            request.arrayBytes ?? machine.bandwidthArrayBytes(availableBytes: MachineMemory.available()?.bytes)
        workers = machine.workers
        productPrecision = request.productPrecision
        productInstructions = .inUse(by: request.productProvider, request.bfloat16OfProducts)
        var teams = [WorkerTeam(workers: 1, binding: machine.binding)]
        if machine.workers > 1 { teams.append(WorkerTeam(workers: machine.workers, binding: machine.binding)) }
        var entries: [Entry] = []
        let formats = Set(request.precisions + (request.products.isEmpty ? [] : [request.productPrecision]))
        for precision in Precision.allCases where formats.contains(precision) {
            // The kernels may be told to use narrower vectors than OpenBLAS takes.
            let inUse = Set(GemmBackend.allCases.map(ArithmeticInstructions.inUse(by:)))
            for instructions in ArithmeticInstructions.allCases where inUse.contains(instructions) {
                entries += Self.ceilings(instructions, precision, teams: teams)
            }
        }
        if request.includesBF16 {
            for instructions in ArithmeticInstructions.allCases where instructions.multipliesBF16 {
                entries += Self.ceilings(instructions, .float32, teams: teams)
            }
        }
        for precision in request.precisions {
            for provider in GemmBackend.allCases {
                entries += teams.filter { provider.canServe(workers: $0.workers) }.map { team in
                    Entry(.product(Self.largeProduct(precision), provider, team: team)) {
                        $0.largeProducts.append(
                            LargeProduct(
                                provider: provider, precision: precision, workers: team.workers, gflops: $1))
                    }
                }
            }
        }
        entries += Self.bandwidths(bytes: arrayBytes, teams: teams)
        if let team = teams.last, team.workers > 1 { entries += Self.latencies(team) }
        entries += request.products.map { Self.product($0, request, teams: teams) }
        let contention = machine.contention()
        run(entries, request)
        otherWorkFraction = contention.fraction()
        nicedWorkFraction = contention.nicedFraction()
    }

    /// What would have been measured.
    init(workers: Int, ceilings: [Ceiling], largeProducts: [LargeProduct]) {
        self.workers = workers
        self.ceilings = ceilings
        self.largeProducts = largeProducts
        arrayBytes = 0
        productPrecision = .float32
        productInstructions = .inUse(by: .preferred)
    }

    /// Probes and the place that their figures go to.
    private struct Entry {
        let probes: [Probe]
        let record: (inout PeakMeasurement, [PeakFigure]) -> Void

        init(_ probe: Probe, record: @escaping (inout PeakMeasurement, PeakFigure) -> Void) {
            self.init([probe]) { record(&$0, $1[0]) }
        }

        init(_ probes: [Probe], record: @escaping (inout PeakMeasurement, [PeakFigure]) -> Void) {
            self.probes = probes
            self.record = record
        }
    }

    private mutating func run(_ entries: [Entry], _ request: Request) {
        var figures = Probe.measure(
            entries.flatMap(\.probes), rounds: request.rounds,
            seconds: request.secondsPerFigure / Double(request.rounds))[...]
        for entry in entries {
            entry.record(&self, Array(figures.prefix(entry.probes.count)))
            figures = figures.dropFirst(entry.probes.count)
        }
    }

    private static func ceilings(
        _ instructions: ArithmeticInstructions, _ precision: Precision, teams: [WorkerTeam]
    ) -> [Entry] {
        teams.compactMap { team in
            Probe.arithmetic(instructions, precision, team: team).map { probe in
                Entry(probe) {
                    $0.ceilings.append(
                        Ceiling(
                            instructions: instructions, precision: precision, workers: team.workers, gflops: $1))
                }
            }
        }
    }

    private static func bandwidths(bytes: Int, teams: [WorkerTeam]) -> [Entry] {
        let arrays = teams.map { BandwidthArrays(bytes: bytes, team: $0) }
        return MemoryTraffic.allCases.flatMap { traffic in
            zip(teams, arrays).map { team, arrays in
                Entry(arrays.probe(traffic, team: team)) {
                    $0.bandwidths.append(
                        Bandwidth(traffic: traffic, workers: team.workers, gigabytesPerSecond: $1))
                }
            }
        }
    }

    private static func latencies(_ team: WorkerTeam) -> [Entry] {
        func entry(_ kind: Latency.Kind, _ seconds: @escaping (Int) -> Double) -> Entry {
            Entry(Probe(seconds: seconds, figure: { $0 * 1e6 })) {
                $0.latencies.append(Latency(kind: kind, workers: team.workers, microseconds: $1))
            }
        }
        let forked = WorkerTeam(workers: team.workers, request: .forkJoin)
        var entries: [Entry] = []
        // A region that was refused has no barriers.
        if team.run(EmptySteps(), steps: 0..<1).mode == .gang {
            entries.append(entry(.barrier) { team.seconds(of: EmptySteps(), steps: $0) })
        }
        let busy = BusySteps(nanoseconds: 100_000)
        entries.append(
            entry(.forkJoin) { count in
                forked.seconds(of: busy, steps: count) - Double(count) * Double(busy.nanoseconds) * 1e-9
            })
        entries.append(
            entry(.region) { count in
                (0..<count).reduce(0) { sum, _ in sum + team.seconds(of: EmptySteps(), steps: 1) }
            })
        return entries
    }

    private static func product(_ planned: PlannedProduct, _ request: Request, teams: [WorkerTeam]) -> Entry {
        Entry(
            teams.map { .product(planned.shape, request.productProvider, bfloat16: request.bfloat16, team: $0) }
        ) {
            $0.products.append(
                Product(planned: planned, oneWorkerGflops: $1[0], allWorkersGflops: $1[$1.count - 1]))
        }
    }
}

extension Probe {
    /// As the generic one, in the precision of `shape`; where its factors are bfloat16, by `bfloat16`.
    static func product(
        _ shape: GemmShape, _ provider: GemmBackend, bfloat16: BFloat16Products? = nil, team: WorkerTeam
    ) -> Probe {
        if shape.operands == .bfloat16,
            let probe = packedProduct(shape, bfloat16 ?? .accelerated ?? BFloat16Products(.dot), team: team)
        {
            return probe
        }
        return switch shape.precision {
        case .float32: product(shape, Float.self, provider: provider, team: team)
        case .float64: product(shape, Double.self, provider: provider, team: team)
        }
    }
}

extension PeakMeasurement {
    /// The floating-point operations of all products of a step, a second, if nothing else took time: what the BLAS makes
    /// of the model's shapes, all workers together, in GFLOP/s. Nil without products.
    public var productsGflops: Double? {
        guard !products.isEmpty else { return nil }
        let operations = products.map { Double($0.planned.callsPerStep) * $0.planned.shape.operations }
        let seconds = zip(products, operations).map { $1 / $0.allWorkersGflops.median }
        return operations.reduce(0, +) / seconds.reduce(0, +)
    }
}

// MARK: Ceilings

extension PeakMeasurement {
    /// What the cache has for a ceiling of all workers.
    private struct Kept {
        let instructions: ArithmeticInstructions
        let precision: Precision
        let gflops: Double
    }

    /// The ceiling of what `provider` multiplies in `precision` on so many workers, in GFLOP/s: the highest speed at which
    /// anything with its instructions was seen, in any round and, for all workers, in any measurement that the cache knows
    /// of. So no share of it is above 1 (see `ArithmeticPeak`).
    public func ceiling(of provider: GemmBackend, _ precision: Precision, workers: Int) -> Double {
        ceiling(.inUse(by: provider), precision, workers: workers)
    }

    /// The same of the instructions that multiply the planned products.
    public var productCeilingGflops: Double { ceiling(productInstructions, productPrecision, workers: workers) }

    private func ceiling(_ instructions: ArithmeticInstructions, _ precision: Precision, workers: Int) -> Double {
        let known = workers == self.workers ? kept : []
        return max(
            measured(instructions, precision, workers: workers),
            known.first { $0.instructions == instructions && $0.precision == precision }?.gflops ?? 0)
    }

    private func measured(
        _ instructions: ArithmeticInstructions, _ precision: Precision, workers: Int
    ) -> Double {
        func isMeant(_ provider: GemmBackend) -> Bool { ArithmeticInstructions.inUse(by: provider) == instructions }
        let loops = ceilings.filter {
            $0.instructions == instructions && $0.precision == precision && $0.workers == workers
        }
        let large = largeProducts.filter {
            isMeant($0.provider) && $0.precision == precision && $0.workers == workers
        }
        let planned = productInstructions == instructions && precision == productPrecision ? products : []
        return
            (loops.map(\.gflops.highest) + large.map(\.gflops.highest)
            + planned.map { (workers == 1 ? $0.oneWorkerGflops : $0.allWorkersGflops).highest }).max() ?? 0
    }

    /// Keeps the ceilings of all workers in `cache`, where they are higher than what it has, and takes over what it has
    /// where that is higher; false where it cannot be written.
    public mutating func refresh(_ cache: CeilingCache, machine: MachineSetup) -> Bool {
        var isWritten = true
        for ceiling in ceilings where ceiling.workers == workers {
            let (instructions, precision) = (ceiling.instructions, ceiling.precision)
            let figure = CeilingCache.Figure(
                gflops: measured(instructions, precision, workers: workers), otherWorkFraction: otherWorkFraction)
            let key = CeilingCache.Key(machine, instructions: instructions, precision: precision)
            if let known = cache.keep(figure, for: key) {
                kept.append(Kept(instructions: instructions, precision: precision, gflops: known.gflops))
            } else {
                isWritten = false
            }
        }
        return isWritten
    }

    /// The best large product of any provider as a part of its ceiling, 0…1, with all workers.
    public func bestShare(_ provider: GemmBackend) -> Double? {
        largeProducts.filter { $0.provider == provider && $0.workers == workers }.map {
            $0.gflops.median / ceiling(of: provider, $0.precision, workers: workers)
        }.max()
    }
}

extension PeakMeasurement {
    /// How fast OpenBLAS multiplies large matrices on one worker, which is bound to `cpu`: GFLOP/s, the best of a few rounds
    /// that take about `seconds` together.
    /// - Throws: as `MachineSetup.init`.
    public static func openBLASGflops(cpu: Int?, precision: Precision, seconds: Double) throws -> Double {
        // Whoever asks has reserved the CPU.
        _ = try BLASRuntime.prepare(workers: 1)
        let binder = try ThreadBinder(cpus: cpu.map { [$0] } ?? [])
        try? binder.bind(worker: 0)
        defer { binder.restore(worker: 0) }
        let probe = Probe.product(largeProduct(precision), .openBLAS, team: WorkerTeam(workers: 1))
        return Probe.measure([probe], rounds: 5, seconds: seconds / 5)[0].highest
    }
}

extension GemmBackend {
    /// Whether so many workers may call it at the same time: an OpenBLAS that is not safe, or was built for fewer, is not
    /// measured.
    fileprivate func canServe(workers: Int) -> Bool {
        self == .builtin || (try? BLASRuntime.prepare(workers: workers)) != nil
    }
}
