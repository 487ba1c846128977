import LoomHardware
import LoomKernels
import LoomPlan
import LoomTraining

/// What this machine and BLAS can do, measured with the workers that a training would have: the ceilings that the speed
/// of a training is held against.
///
/// Every figure is measured on the workers' CPUs, bound as in training, in rounds that take turns between all figures.
public struct PeakMeasurement: Sendable {
    /// What is to be measured.
    public struct Request: Sendable {
        /// The precisions of the ceilings.
        public var precisions: [Precision] = Precision.allCases
        /// Products to measure besides, as a training step calls them.
        public var products: [PlannedProduct] = []
        /// The precision of `products`.
        public var productPrecision = Precision.float32
        /// Who multiplies `products`; the ceilings are OpenBLAS's.
        public var productProvider = GemmProvider.preferred
        /// How often each figure is measured.
        public var rounds = 7
        /// About how long each figure is measured in all rounds together.
        public var secondsPerFigure = 0.35

        /// All ceilings, and no products.
        public init() {}
    }

    /// A ceiling of matrix products.
    public struct Ceiling: Sendable {
        /// The precision of the products: float32 is SGEMM, float64 DGEMM.
        public let precision: Precision
        /// Workers at the same time.
        public let workers: Int
        /// All of them together.
        public let gflops: PeakFigure
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

    /// The ceilings: one worker, then all.
    public private(set) var ceilings: [Ceiling] = []
    /// The bandwidths: one worker, then all.
    public private(set) var bandwidths: [Bandwidth] = []
    /// The bytes of each of the two arrays that bandwidths were measured on.
    public let arrayBytes: Int
    /// The latencies; none with one worker, and no barrier where workers did not run at the same time.
    public private(set) var latencies: [Latency] = []
    /// The model's products in the order of the request.
    public private(set) var products: [Product] = []
    /// The part of the time of the workers' cores that others had meanwhile, 0…1; nil where the system does not tell, and for
    /// less than a second.
    public private(set) var otherWorkFraction: Double?

    /// Measures `request` with the workers of `machine`.
    public init(_ request: Request, machine: MachineSetup) {
        arrayBytes = machine.bandwidthArrayBytes(availableBytes: MachineMemory.available()?.bytes)
        var teams = [WorkerTeam(workers: 1, binding: machine.binding)]
        if machine.workers > 1 { teams.append(WorkerTeam(workers: machine.workers, binding: machine.binding)) }
        var entries: [Entry] = []
        for precision in request.precisions {
            entries += teams.map { team in
                Entry(.product(GemmCeiling.shape, precision, .openBLAS, team: team)) {
                    $0.ceilings.append(Ceiling(precision: precision, workers: team.workers, gflops: $1))
                }
            }
        }
        entries += Self.bandwidths(bytes: arrayBytes, teams: teams)
        if let team = teams.last, team.workers > 1 { entries += Self.latencies(team) }
        entries += request.products.map { Self.product($0, request, teams: teams) }
        let otherWork = OtherWork(on: machine.contestedCPUs)
        run(entries, request)
        otherWorkFraction = otherWork.fraction()
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
        Entry(teams.map { .product(planned.shape, request.productPrecision, request.productProvider, team: $0) }) {
            $0.products.append(
                Product(planned: planned, oneWorkerGflops: $1[0], allWorkersGflops: $1[$1.count - 1]))
        }
    }
}

extension Probe {
    /// As the generic one, for a precision known at run time.
    fileprivate static func product(
        _ shape: ProductShape, _ precision: Precision, _ provider: GemmProvider, team: WorkerTeam
    ) -> Probe {
        switch precision {
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

    /// The ceiling of all workers in `precision`, where it was measured.
    public func ceiling(_ precision: Precision) -> Ceiling? {
        ceilings.last { $0.precision == precision }
    }
}
