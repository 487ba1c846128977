import LoomKernels
import LoomModel

extension Experiment {
    /// Where mixed precision is probably no faster than float32: the sentence for the user.
    var mixedPrecisionNote: String? {
        guard let products = trainer.bfloat16 else { return nil }
        guard products.isAccelerated else {
            return "bfloat16 is multiplied by float32's instructions here, slower than float32 itself, for the bits of "
                + "\(products.definition.rawValue)"
        }
        let share = trainer.network.packedShare
        guard share < products.definition.smallestPayingShare else { return nil }
        return "mixed_bfloat16 is probably no faster than float32 for this network: its layers fill only "
            + "\(NumberFormat.percentage(share)) of the blocks of 32 × 32 that are multiplied; compare with --set "
            + "training.precision=float32"
    }
}

extension BFloat16Products.Definition {
    /// The share of multiplied numbers that are not padding from which on mixed precision is faster than float32.
    ///
    /// Two cores of Zen 4, mixed over float32: 4-32-16-4 (22 %) 0.57, 32-64-10 (66 %) 1.0, 256-512-10 (92 %) 1.5. Tiles are
    /// twice as fast beside float32; their share is estimated from that.
    fileprivate var smallestPayingShare: Double { self == .tiles ? 0.35 : 0.67 }
}

extension Network {
    /// Weights over those of the blocks of 32 × 32 that they are packed in.
    fileprivate var packedShare: Double {
        let weights = layout.tensors.filter { $0.role == .weights }
        let packed = weights.reduce(0) {
            $0 + PackedMatrix.blocks($1.rows) * PackedMatrix.blocks($1.columns) * PackedMatrix.side * PackedMatrix.side
        }
        return Double(weights.reduce(0) { $0 + $1.count }) / Double(packed)
    }
}
