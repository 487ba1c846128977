import CKernels
import LoomKernels
import LoomModel
import LoomPlan

/// Gives the operations of a program the addresses of their operands in a `StepMemory`, and plans their products.
struct StepBinding<Scalar: LoomScalar> {
    private let program: StepProgram
    let memory: StepMemory<Scalar>
    let shapes: StepShapes
    private let inOddSteps: Bool
    let operands: StepOperands
    /// The products of forward and backward, by the number of their rows.
    private let products: [Int: NetworkProducts<Scalar>]

    /// - Parameters:
    ///   - inOddSteps: Messages lie in one of two buffers in even steps, and in the other one in odd steps.
    ///   - operands: Keeps what bound operations point to.
    init(
        _ program: StepProgram, memory: StepMemory<Scalar>, shapes: StepShapes, inOddSteps: Bool, operands: StepOperands
    ) {
        self.program = program
        self.memory = memory
        self.shapes = shapes
        self.inOddSteps = inOddSteps
        self.operands = operands
        let callShapes = program.callRows.map {
            CallShape(rowsPerForwardCall: $0.forward ?? .max, rowsPerBackwardCall: $0.backward ?? .max)
        }
        let counts = program.phases.flatMap { $0.operations.joined() }.compactMap { operation in
            switch operation {
            // In mixed precision they are `packedRows`.
            case .forward(let rows, _), .backward(let rows, _): memory.mixedPrecision == nil ? rows.count : nil
            default: nil
            }
        }
        // All workers' memory has the same strides.
        let handle = memory.workerHandles[0]
        products = Dictionary(
            uniqueKeysWithValues: Set(counts).map { count in
                let products = NetworkProductsMemory(
                    handle.network, rows: count, callShapes: callShapes, data: handle.feed.pointee.anyData)
                return (count, operands.keep(products))
            })
    }

    /// The bound operations of each phase and worker, and of the recovery.
    func bind() -> BoundProgramMemory<Scalar> {
        let operations = (program.phases.map(\.operations) + [program.recovery]).flatMap { phase in
            phase.enumerated().map { worker, operations in operations.map { bind($0, worker: worker) } }
        }
        return BoundProgramMemory(program, operations: operations)
    }

    private func bind(_ operation: LoomPlan.Operation, worker: Int) -> BoundOperation<Scalar> {
        let own = min(worker, memory.parameters.count - 1)
        switch operation {
        case .gather(let rows): return .gather(IndexRange(rows))
        case .forward(let rows, let layers):
            if memory.mixedPrecision != nil { return .packedForward(operands.keep(packedRows(rows, layers))) }
            return .forward(operands.keep(networkRows(rows, layers)))
        case .loss(let shards): return .loss(shards: IndexRange(shards))
        case .backward(let rows, let layers):
            if memory.mixedPrecision != nil { return .packedBackward(operands.keep(packedRows(rows, layers))) }
            return .backward(operands.keep(networkRows(rows, layers)))
        case .gradient(let part, let rows, let buffer, let accumulates):
            return gradient(part, rows: rows, into: buffer, accumulates: accumulates, worker: worker)
        case .fusedUpdate(let part, let rows):
            if let mixedPrecision = memory.mixedPrecision {
                return .packedFusedUpdate(operands.keep(packedUpdate(part, rows: rows, in: mixedPrecision)))
            }
            return .fusedUpdate(operands.keep(fusedUpdate(part, rows: rows, own: own, worker: worker)))
        case .sum(let part, let addends, let destinations):
            let first = base(destinations[0])
            return .sum(
                operands.keep(
                    GradientTotal(
                        first: view(part, base(addends[0].buffer)).pointer,
                        addends: operands.addends(
                            offsets(addends), mirrors: destinations.dropFirst().map { base($0) - first }),
                        result: view(part, first))))
        case .penalty(let part): return penalty(part, memory.parameters[own])
        case .addPenalty(let part):
            return .addPenalty(
                operands.keep(
                    PenaltyGradient(weights: view(part, memory.parameters[own]), gradient: view(part, memory.gradient)))
            )
        case .squares(let part): return .squares(operands.keep(squares(part, of: memory.gradient)))
        case .update(let part, let addends, let mirrors):
            let update = update(part, addends, mirrors: mirrors, own: own, worker: worker)
            if let mixedPrecision = memory.mixedPrecision, update.isWeights {
                return .packedUpdate(
                    operands.keep(PackedUpdate(update: update, forms: forms(part, in: mixedPrecision))))
            }
            return .update(operands.keep(update))
        case .copy(let part, let workers):
            let parameters = view(part, memory.parameters[own])
            return .copy(
                operands.keep(
                    GradientTotal(
                        first: parameters.pointer,
                        addends: operands.addends([], mirrors: distances(to: workers, own: own)), result: parameters)))
        case .prefetch(let part): return .prefetch(operands.keep(view(part, memory.parameters[own])))
        }
    }

    private func networkRows(_ rows: Range<Int>, _ layers: Range<Int>?) -> NetworkRows<Scalar> {
        NetworkRows(
            rows: IndexRange(rows), layers: IndexRange(layers ?? 0..<shapes.layers.count),
            products: products[rows.count]!)
    }

    // MARK: Gradients

    private func gradient(
        _ part: ParameterPart, rows: Range<Int>, into buffer: GradientBuffer, accumulates: Bool, worker: Int
    ) -> BoundOperation<Scalar> {
        guard case .slices(let index, let grid, let range, _) = part else {
            preconditionFailure("gradients are formed tensor by tensor")
        }
        let tensor = shapes.tensors[index]
        let result = view(part, base(buffer))
        if let mixedPrecision = memory.mixedPrecision {
            return packedGradient(part, rows: rows, into: result, accumulates: accumulates, in: mixedPrecision)
        }
        guard tensor.parameters.role == .bias else {
            return .weightGradient(
                operands.keep(
                    WeightGradient(
                        product: product(part, rows: rows, worker: worker, into: result, accumulates: accumulates),
                        result: result, accumulates: accumulates)))
        }
        let deltas = memory.workerHandles[worker].network.deltas(of: tensor.layer).rows(rows)
        return .biasGradient(
            operands.keep(
                BiasGradient(
                    deltas: deltas.columns(grid.range(of: range)), result: result.pointer, accumulates: accumulates)))
    }

    private func fusedUpdate(
        _ part: ParameterPart, rows: Range<Int>, own: Int, worker: Int
    ) -> FusedUpdate<Scalar> {
        let weights = view(part, memory.parameters[own])
        let velocity = state(of: worker).first.map { view(part, $0) }
        let product = product(
            part, rows: rows, worker: worker, into: velocity ?? weights, accumulates: true,
            epilogue: velocity == nil ? .none : .fusedWeightUpdate(weightsStride: weights.stride))
        return FusedUpdate(product: product, weights: weights, velocity: velocity)
    }

    /// The gradient of some slices over some samples, written or added to `result`.
    private func product(
        _ part: ParameterPart, rows: Range<Int>, worker: Int, into result: MatrixView<Scalar>, accumulates: Bool,
        epilogue: GemmEpilogue = .none
    ) -> GradientProduct<Scalar> {
        guard case .slices(let index, let grid, let range, _) = part else {
            preconditionFailure("gradients are formed tensor by tensor")
        }
        let tensor = shapes.tensors[index]
        let handle = memory.workerHandles[worker]
        let deltas = handle.network.deltas(of: tensor.layer).rows(rows)
        let isInPlace = tensor.source == nil && handle.feed.pointee.readsInPlace
        let x = handle.network.sourceOutputs(tensor.source ?? -1, data: handle.feed.pointee.anyData).columns(
            tensor.sourceColumns
        ).rows(rows)
        var (left, right) = tensor.parameters.isTransposed ? (x, deltas) : (deltas, x)
        if grid.axis == .rows {
            left = left.columns(grid.range(of: range))
        } else {
            right = right.columns(grid.range(of: range))
        }
        let isTransposed = tensor.parameters.isTransposed
        let shape = GemmShape(
            .gradient, GemmOperand(left, transposed: true), GemmOperand(right), into: result, accumulates: accumulates)
        let prepared = memory.gemmBackend.prepare(shape, epilogue: epilogue, of: Scalar.self)
        return GradientProduct(
            left: left, right: right, leftIsInPlace: isInPlace && isTransposed,
            rightIsInPlace: isInPlace && !isTransposed, prepared: operands.keep(prepared))
    }

    // MARK: Parameters

    private func update(
        _ part: ParameterPart, _ addends: [Addend], mirrors: [Int], own: Int, worker: Int
    ) -> ParameterUpdate<Scalar> {
        let state = state(of: worker)
        return ParameterUpdate(
            weights: view(part, memory.parameters[own]), gradients: view(part, base(addends[0].buffer)).pointer,
            addends: operands.addends(offsets(addends), mirrors: distances(to: mirrors, own: own)),
            firstState: state.first.map { view(part, $0).pointer },
            secondState: state.second.map { view(part, $0).pointer }, isWeights: shapes.isWeights(part))
    }

    private func state(of worker: Int) -> OptimizerState<Scalar> {
        memory.states[min(worker, memory.states.count - 1)]
    }

    private func penalty(_ part: ParameterPart, _ parameters: ParameterBuffer<Scalar>) -> BoundOperation<Scalar> {
        guard case .slices(_, _, let range, let place) = part, !shapes.isWeights(part) else {
            return .penalty(operands.keep(squares(part, of: parameters)))
        }
        return .noPenalty(slices: IndexRange(place..<place + range.count))
    }

    private func squares(_ part: ParameterPart, of buffer: ParameterBuffer<Scalar>) -> SliceSquares<Scalar> {
        guard case .slices(let index, let grid, let range, let place) = part else {
            preconditionFailure("squares are added up slice by slice")
        }
        return SliceSquares(
            tensor: buffer.view(index), grid: grid, slices: IndexRange(range), firstPlace: place)
    }

    // MARK: Addresses

    private func base(_ buffer: GradientBuffer) -> UnsafeMutablePointer<Scalar> {
        memory.base(of: buffer, inOddSteps: inOddSteps)
    }

    private func offsets(_ addends: [Addend]) -> [loom_addend] {
        let first = base(addends[0].buffer)
        return addends.map { loom_addend(offset: base($0.buffer) - first, merges: $0.merges) }
    }

    private func distances(to workers: [Int], own: Int) -> [Int] {
        workers.map { memory.parameters[$0].view(0).pointer - memory.parameters[own].view(0).pointer }
    }

    func view(_ part: ParameterPart, _ buffer: ParameterBuffer<Scalar>) -> MatrixView<Scalar> {
        view(part, buffer.view(0).pointer)
    }

    /// A part of a buffer in the layout of the parameters whose element 0 is at `base`.
    func view(_ part: ParameterPart, _ base: UnsafeMutablePointer<Scalar>) -> MatrixView<Scalar> {
        switch part {
        case .elements(let range):
            return MatrixView(pointer: base + range.lowerBound, rows: 1, columns: range.count, stride: range.count)
        case .slices(let index, let grid, let range, _):
            let tensor = shapes.tensors[index].parameters
            let whole = MatrixView(
                pointer: base + tensor.offset, rows: tensor.rows, columns: tensor.columns, stride: tensor.stride)
            return grid.block(grid.range(of: range), of: whole)
        }
    }
}

/// Keeps the operands of bound operations, and their lists of addends and mirrors.
final class StepOperands: @unchecked Sendable {
    // Sendable: filled while programs are bound, on one thread, and only read afterwards.
    private var buffers: [AnyObject] = []

    /// Keeps a value; its address is valid while this object lives.
    func keep<Value: BitwiseCopyable>(_ value: Value) -> UnsafePointer<Value> {
        let buffer = AlignedBuffer(count: 1, repeating: value)
        buffers.append(buffer)
        return UnsafePointer(buffer.pointer)
    }

    /// Keeps the memory of some products.
    func keep<Scalar>(_ memory: NetworkProductsMemory<Scalar>) -> NetworkProducts<Scalar> {
        buffers.append(memory)
        return memory.products
    }

    /// Addends with these offsets, and mirrors at these distances; valid while this object lives.
    func addends(_ list: [loom_addend], mirrors distances: [Int]) -> Addends {
        let (list, distances) = (AlignedBuffer(list), AlignedBuffer(distances))
        buffers += [list, distances]
        return Addends(
            list: list.count > 1 ? UnsafePointer(list.pointer) : nil, count: max(1, list.count),
            mirrors: distances.count > 0 ? UnsafePointer(distances.pointer) : nil, mirrorCount: distances.count)
    }
}
