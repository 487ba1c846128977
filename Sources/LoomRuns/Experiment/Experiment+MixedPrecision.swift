import LoomKernels
import LoomModel
import LoomPlan

extension Experiment {
    /// Where mixed precision is probably no faster than float32: the sentence for the user.
    var mixedPrecisionNote: String? {
        guard let products = trainer.bfloat16 else { return nil }
        guard products.isAccelerated else {
            return "bfloat16 is multiplied by float32's instructions here, slower than float32 itself, for the bits of "
                + "\(products.definition.rawValue)"
        }
        let reason = products.definition.reasonAgainst(trainer.shapes, batchRows: trainer.epochs.batchRows)
        return reason.map {
            "mixed_bfloat16 is probably no faster than float32: \($0); compare with --set training.precision=float32"
        }
    }
}

extension BFloat16Products.Definition {
    /// The share of multiplied numbers that are not padding from which on mixed precision is faster than float32.
    ///
    /// Two cores of Zen 4, mixed over float32: 4-32-16-4 (22 %) 0.57, 32-64-10 (66 %) 1.0, 256-512-10 (92 %) 1.5. Tiles are
    /// twice as fast beside float32; their share is estimated from that.
    private var smallestPayingShare: Double { self == .tiles ? 0.35 : 0.67 }

    /// The share of samples among the rows of blocks of 32 up to which it is not: two cores of Zen 4, 512-512-512-10, mixed over
    /// float32 with batches of 8 (25 %) 0.76, 16 1.02, 33 (52 %) 1.16.
    private var largestUselessRowShare: Double { self == .tiles ? 0.25 : 0.5 }

    /// Why mixed precision is probably no faster than float32 for such a network; nil: it is.
    package func reasonAgainst(_ shapes: StepShapes, batchRows: Int) -> String? {
        let share = shapes.packedShare
        guard share >= smallestPayingShare else {
            return "the layers fill only \(NumberFormat.percentage(share)) of the blocks of 32 × 32 that are multiplied"
        }
        let rowShare = Double(batchRows) / Double(PackedMatrix.blocks(batchRows) * PackedMatrix.side)
        guard rowShare <= largestUselessRowShare else { return nil }
        return "products take 32 samples at a time, and a batch has \(batchRows)"
    }
}

extension StepShapes {
    /// Weights over those of the blocks of 32 × 32 that they are packed in.
    fileprivate var packedShare: Double {
        let weights = tensors.map(\.parameters).filter { $0.role == .weights }
        let packed = weights.reduce(0) {
            $0 + PackedMatrix.blocks($1.rows) * PackedMatrix.blocks($1.columns) * PackedMatrix.side * PackedMatrix.side
        }
        return Double(weights.reduce(0) { $0 + $1.count }) / Double(packed)
    }
}
