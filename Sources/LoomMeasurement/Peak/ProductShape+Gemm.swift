import LoomKernels
import LoomPlan
import LoomTraining

extension ProductShape {
    /// As a backend plans it, in this precision: with matrices whose first rows start on 64-byte boundaries.
    public func gemm(_ precision: Precision) -> GemmShape {
        let role: GemmShape.Role =
            switch kind {
            case .forward: .forward
            case .backward: .backward
            case .gradient: .gradient
            }
        return GemmShape(
            role, rows: rows, columns: columns, inner: inner,
            left: .init(stride: leftStride, isTransposed: kind == .gradient),
            right: .init(stride: rightStride, isTransposed: kind == .forward && !weightsAreTransposed),
            resultStride: resultStride, precision: precision)
    }
}
