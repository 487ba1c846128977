import LoomHardware
import LoomKernels
import LoomPlan
import LoomTraining

/// How fast a program's products are alone: the same shapes, prepared as in training, again and again on matrices that stay
/// in the caches, on all workers at the same time.
struct ProductCeilings {
    private let program: StepProgram
    private let shapes: StepShapes
    /// The speed of one worker, in GFLOP/s.
    private let gflops: [GemmShape: Double]

    /// Operations of one worker that multiply for one layer.
    struct Place: Hashable {
        let layer: String
        let role: GemmShape.Role
    }

    /// Measures all shapes of `program` on `team`, in rounds that take turns.
    init(
        _ program: StepProgram, shapes: StepShapes, provider: GemmBackend, bfloat16: BFloat16Products?, team: WorkerTeam
    ) {
        var rest = program.products(shapes).map(\.shape).uniqued[...]
        let mostBytes = max(256 << 20, (MachineMemory.available()?.bytes ?? .max) / 16)
        var gflops: [GemmShape: Double] = [:]
        while !rest.isEmpty {
            // The matrices of some shapes at a time, so that those of a large network find room beside the training.
            var bytes = 0
            let some = rest.prefix { shape in
                defer { bytes += team.workers * shape.operandBytes }
                return bytes == 0 || bytes + team.workers * shape.operandBytes <= mostBytes
            }
            rest = rest.dropFirst(some.count)
            let figures = Probe.measure(
                some.map { .product($0, provider, bfloat16: bfloat16, team: team) }, rounds: Self.rounds,
                seconds: Self.secondsPerRound)
            for (shape, figure) in zip(some, figures) { gflops[shape] = figure.highest / Double(team.workers) }
        }
        self.init(program, shapes: shapes, gflops: gflops)
    }

    /// Ceilings that are known.
    init(_ program: StepProgram, shapes: StepShapes, gflops: [GemmShape: Double]) {
        self.program = program
        self.shapes = shapes
        self.gflops = gflops
    }

    private static let rounds = 5
    /// Ten shapes take a sixth of a second in all.
    private static let secondsPerRound = 0.002

    /// What each layer's operations of `worker` would reach alone, in GFLOP/s: their products' operations over the time that
    /// the products take alone.
    func gflops(worker: Int) -> [Place: Double] {
        let byPlace = Dictionary(grouping: program.products(shapes, of: worker)) { product in
            Place(layer: product.layer, role: product.shape.role)
        }
        return byPlace.compactMapValues { products in
            var (operations, seconds) = (0.0, 0.0)
            for product in products {
                guard let speed = gflops[product.shape], speed > 0 else { return nil }
                let own = Double(product.callsPerStep) * product.shape.operations
                operations += own
                seconds += own / speed
            }
            return operations / seconds
        }
    }
}

extension StepProfile {
    /// Sets the ceilings of all entries that multiply. Where the training was faster than that, its speed is the ceiling:
    /// it has shown that the figure was too low.
    /// - Parameter ceilings: What the products of each layer of a worker reach alone.
    mutating func setCeilings(_ ceilings: (_ worker: Int) -> [ProductCeilings.Place: Double]) {
        let byWorker = (0..<workers).map(ceilings)
        for index in entries.indices {
            let entry = entries[index]
            guard let layer = entry.layer, let gflops = entry.gflops, let role = GemmShape.Role(operation: entry.kind),
                let ceiling = byWorker[entry.worker][.init(layer: layer, role: role)]
            else { continue }
            entries[index].ceilingGflops = max(ceiling, gflops)
        }
    }

    /// Sets what limits each entry.
    /// - Parameter dataBytes: Bytes of the inputs of all samples, which gathering goes through in an epoch.
    mutating func setLimits(_ roofs: Roofs, dataBytes: Double) {
        let ofStep = (0..<workers).map { worker in
            entries.filter { $0.worker == worker }.reduce(0) { $0 + $1.bytesPerStep }
        }
        for index in entries.indices {
            let entry = entries[index]
            entries[index].limit = roofs.limit(
                gflops: entry.gflops, gigabytesPerSecond: entry.gigabytesPerSecond,
                residentBytes: entry.kind == OperationKind.gather.rawValue
                    ? max(dataBytes, ofStep[entry.worker]) : ofStep[entry.worker],
                isShared: workers > 1 && OperationKind.readingOthers.contains(entry.kind))
        }
    }
}

extension OperationKind {
    /// Those that read what other workers have written in the same step.
    fileprivate static let readingOthers = Set([OperationKind.sum, .update, .copy].map(\.rawValue))
}

extension GemmShape.Role {
    /// The products of operations of a kind; nil: it does not multiply.
    fileprivate init?(operation kind: String) {
        switch OperationKind(rawValue: kind) {
        case .forward: self = .forward
        case .backward: self = .backward
        case .gradient, .fusedUpdate: self = .gradient
        default: return nil
        }
    }
}

extension GemmShape {
    /// Bytes of both factors and the result.
    fileprivate var operandBytes: Int {
        let elementBytes = precision == .float32 ? MemoryLayout<Float>.stride : MemoryLayout<Double>.stride
        return (rows * inner + inner * columns + rows * columns) * elementBytes
    }
}

extension Sequence where Element: Hashable {
    /// Each element once, in the order in which they come.
    fileprivate var uniqued: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
