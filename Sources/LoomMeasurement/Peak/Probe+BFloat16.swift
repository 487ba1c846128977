import CKernels
import LoomKernels
import LoomTraining

extension Probe {
    /// As `product`, of factors that are packed in bfloat16.
    static func packedProduct(_ shape: GemmShape, _ products: BFloat16Products, team: WorkerTeam) -> Probe? {
        guard let kernels = products.kernels else { return nil }
        let operands = (0..<team.workers).map { _ in PackedOperands(shape) }
        _ = team.seconds { operands[$0].fill(0.5) }
        nonisolated(unsafe) let shared = kernels
        return Probe(
            seconds: { repetitions in
                team.seconds {
                    shared.pointee.begin_region()
                    operands[$0].multiply(shared, times: repetitions)
                    shared.pointee.end_region()
                }
            },
            figure: { [workers = team.workers] in Double(workers) * shape.operations / $0 / 1e9 })
    }
}

/// The packed factors of one product, its result and scratch memory.
private final class PackedOperands: Sendable {
    private let left, right: PackedMatrix
    private let result: AlignedBuffer<Float>
    private let scratch = AlignedBuffer<UInt8>(uninitializedCount: Int(LOOM_BF16_SCRATCH_BYTES))
    private let shape: GemmShape

    init(_ shape: GemmShape) {
        self.shape = shape
        left = PackedMatrix(rows: shape.rows, columns: shape.inner, forms: .left)
        right = PackedMatrix(rows: shape.inner, columns: shape.columns, forms: .right)
        result = AlignedBuffer(uninitializedCount: shape.rows * shape.resultStride)
    }

    func fill(_ value: Float) {
        for matrix in [left, right] { matrix.fill(value) }
        result.elements.initialize(repeating: value)
    }

    func multiply(_ kernels: UnsafePointer<loom_bf16_kernels>, times: Int) {
        var product = loom_bf16_product(
            rows: shape.rows, columns: shape.columns, inner: shape.inner, left: left.forms.leftFactor(),
            right: right.forms.rightFactor())
        product.store(
            in: MatrixView(
                pointer: result.pointer, rows: shape.rows, columns: shape.columns, stride: shape.resultStride),
            accumulates: false)
        for _ in 0..<times { kernels.pointee.multiply(&product, scratch.pointer) }
    }
}
