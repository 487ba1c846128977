import CKernels
import LoomKernels
import LoomModel
import LoomPlan

/// The operations of mixed precision: their factors are packed, and what they write is in float32.
extension StepBinding {
    func packedRows(_ rows: Range<Int>, _ layers: Range<Int>?) -> PackedRows {
        PackedRows(rows: IndexRange(rows), layers: IndexRange(layers ?? 0..<shapes.layers.count))
    }

    /// The gradient of some slices over some samples, written or added to `result`. That of a bias is the sum of what backward has
    /// added up of every 32 samples.
    func packedGradient(
        _ part: ParameterPart, rows: Range<Int>, into result: MatrixView<Scalar>, accumulates: Bool,
        in mixedPrecision: MixedPrecisionMemory
    ) -> BoundOperation<Scalar> {
        guard case .slices(let index, let grid, let range, _) = part else {
            preconditionFailure("gradients are formed tensor by tensor")
        }
        let tensor = shapes.tensors[index]
        if tensor.parameters.role == .bias {
            let blocks = rows.lowerBound / PackedMatrix.side..<PackedMatrix.blocks(rows.upperBound)
            let sums = mixedPrecision.deltaSums(of: tensor.layer).rows(blocks).columns(grid.range(of: range))
            return .biasGradient(
                operands.keep(
                    BiasGradient(deltas: sums.rebound(), result: result.pointer, accumulates: accumulates)))
        }
        var product = packedProduct(index, grid, range, samples: rows, in: mixedPrecision)
        product.store(in: result.rebound(), accumulates: accumulates)
        return .packedGradient(operands.keep(product))
    }

    /// The gradient of some slices over all samples, and the update of their weights in its product, which packs them.
    func packedUpdate(
        _ part: ParameterPart, rows: Range<Int>, in mixedPrecision: MixedPrecisionMemory
    ) -> loom_bf16_product {
        guard case .slices(let index, let grid, let range, _) = part else {
            preconditionFailure("gradients are formed tensor by tensor")
        }
        var product = packedProduct(index, grid, range, samples: rows, in: mixedPrecision)
        let weights: MatrixView<Float> = view(part, memory.parameters[0]).rebound()
        func pointer(_ buffer: ParameterBuffer<Scalar>?) -> UnsafeMutablePointer<Float>? {
            buffer.map { (view(part, $0).rebound() as MatrixView<Float>).pointer }
        }
        product.epilogue = LOOM_BF16_UPDATE
        product.weights = weights.pointer
        product.weights_stride = weights.stride
        product.first_state = pointer(memory.states[0].first)
        product.second_state = pointer(memory.states[0].second)
        product.packed = forms(part, in: mixedPrecision)
        return product
    }

    /// Where the weights of some slices are packed.
    func forms(_ part: ParameterPart, in mixedPrecision: MixedPrecisionMemory) -> loom_bf16_forms {
        guard case .slices(let index, let grid, let range, _) = part else {
            preconditionFailure("weights are updated tensor by tensor")
        }
        let first = grid.range(of: range).lowerBound
        return mixedPrecision.weightForms(
            index, row: grid.axis == .rows ? first : 0, column: grid.axis == .rows ? 0 : first)
    }

    private func packedProduct(
        _ index: Int, _ grid: SliceGrid, _ slices: Range<Int>, samples: Range<Int>,
        in mixedPrecision: MixedPrecisionMemory
    ) -> loom_bf16_product {
        let tensor = shapes.tensors[index].parameters
        let chosen = grid.range(of: slices)
        return mixedPrecision.gradient(
            of: index, rows: grid.axis == .rows ? chosen : 0..<tensor.rows,
            columns: grid.axis == .rows ? 0..<tensor.columns : chosen, samples: samples)
    }
}

extension MatrixView {
    /// The same memory under the name of another type that it has: float32, in code that is generic otherwise.
    func rebound<Other: LoomScalar>() -> MatrixView<Other> {
        precondition(Other.self == Scalar.self, "mixed precision has parameters in float32")
        return MatrixView<Other>(
            pointer: UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Other.self), rows: rows, columns: columns,
            stride: stride)
    }
}
