import LoomKernels
import LoomPlan

/// How fast the workers of one machine carry operations out: what a step elsewhere is predicted from.
package struct StepRates: Sendable {
    /// A speed of one worker.
    package struct Speed: Sendable, Equatable {
        /// While no other worker works.
        package let alone: Double
        /// While all workers of the measured machine work.
        package let together: Double

        package init(alone: Double, together: Double) {
            self.alone = alone
            self.together = together
        }

        /// That of one of so many workers.
        func ofOne(of workers: Int) -> Double { workers == 1 ? alone : together }
    }

    /// What operations have in common whose times are in the same relation to those of their products.
    private struct Name: Hashable {
        let kind: OperationKind
        /// Nil: of all layers.
        let layer: Int?
    }

    /// GFLOP/s by shape, of matrices that are in the caches.
    package var products: [GemmShape: Speed] = [:]
    /// 10⁹ bytes a second that the kernel of updates reads and writes in the caches.
    package var gigabytesPerSecond = Speed(alone: 1, together: 1)
    /// Seconds that a barrier of so many workers takes, two at least; nil where none was measured.
    package var barrier: (workers: Int, seconds: Double)?
    /// 10⁹ bytes a second that the memory of one NUMA node gives, by its cores.
    package var memoryGigabytesPerSecond: @Sendable (_ cores: Int) -> Double = { _ in .infinity }
    /// What operations took of one worker, over what they should have taken.
    private var factors: [Name: Double] = [:]

    package init() {}

    // MARK: Operations

    /// Seconds of an operation before it is held against a measurement: those of its products, and where it has none, of
    /// its bytes.
    func plainSeconds(_ operation: Operation, in step: PlannedProgram, workers: Int) -> Double {
        let products = step.program.products(of: operation, step.shapes)
        guard products.isEmpty else {
            return products.reduce(0) { sum, product in
                let gflops = self.products[product.shape]?.ofOne(of: workers) ?? .nan
                return sum + Double(product.callsPerStep) * product.shape.operations / (gflops * 1e9)
            }
        }
        return step.work(of: operation).bytes / (gigabytesPerSecond.ofOne(of: workers) * 1e9)
    }

    /// Holds the operations of `step`, which one worker carries out, against what it was measured to take: seconds of all
    /// operations of a kind and layer.
    package mutating func calibrate(_ step: PlannedProgram, seconds: (OperationKind, _ layer: Int?) -> Double?) {
        precondition(step.program.workers == 1, "a calibration is of one worker")
        var sums: [Name: (measured: Double, plain: Double)] = [:]
        for (_, operation) in step.program.operationsInOrder {
            let name = Name(kind: operation.kind, layer: step.shapes.layer(of: operation))
            sums[name, default: (0, 0)].plain += plainSeconds(operation, in: step, workers: 1)
        }
        for name in Array(sums.keys) {
            guard let measured = seconds(name.kind, name.layer) else { continue }
            sums[name]!.measured += measured
            let ofKind = Name(kind: name.kind, layer: nil)
            if name != ofKind {
                let sum = sums[ofKind] ?? (0, 0)
                sums[ofKind] = (sum.measured + measured, sum.plain + sums[name]!.plain)
            }
        }
        factors = sums.compactMapValues { $0.measured > 0 && $0.plain > 0 ? $0.measured / $0.plain : nil }
    }

    /// Seconds that one of so many workers takes for an operation. Kinds that the calibration has not seen take what their
    /// products or bytes do.
    func seconds(_ operation: Operation, in step: PlannedProgram) -> Double {
        let layer = step.shapes.layer(of: operation)
        let factor =
            factors[Name(kind: operation.kind, layer: layer)] ?? factors[Name(kind: operation.kind, layer: nil)] ?? 1
        return factor * plainSeconds(operation, in: step, workers: step.program.workers)
    }

    // MARK: Barriers

    /// Seconds of a barrier of `workers`: each of them adds to one counter, one after the other.
    func barrierSeconds(workers: Int) -> Double {
        guard workers > 1, let barrier else { return 0 }
        return barrier.seconds * Double(workers - 1) / Double(barrier.workers - 1)
    }
}

/// The program of a step, layer by layer, with what it was planned from.
package struct PlannedProgram: Sendable {
    /// What every worker does, samples passing layer by layer.
    package let program: StepProgram
    /// What it was planned from.
    package let shapes: StepShapes
    /// Buffers of the optimizer's state.
    package let stateBuffers: Int

    package init(_ program: StepProgram, shapes: StepShapes, stateBuffers: Int) {
        self.program = program.separatingLayers(shapes)
        self.shapes = shapes
        self.stateBuffers = stateBuffers
    }

    /// What an operation computes and moves.
    func work(of operation: Operation) -> OperationWork {
        shapes.work(of: operation, in: program, stateBuffers: stateBuffers)
    }

    /// The shapes of all its products.
    var productShapes: Set<GemmShape> { Set(program.products(shapes).map(\.shape)) }

    /// Bytes that a step reads or writes at least once: parameters with all copies, gradients, the optimizer's state, and
    /// inputs, activations and deltas of the batch.
    var workingSetBytes: Double {
        let plan = program.buffers
        let buffers =
            plan.parameterCopies + 1 + plan.partials + plan.messages(workers: program.workers)
            + plan.stateCopies * stateBuffers
        let elements = Double(buffers * shapes.elementCount) + Double(program.batchRows * shapes.elementsPerSample)
        return elements * Double(shapes.elementBytes)
    }
}
