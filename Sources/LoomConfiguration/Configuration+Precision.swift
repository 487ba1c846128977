import LoomKernels

extension Configuration {
    /// What multiplies in mixed precision on this machine; nil: factors have the precision of the parameters.
    public var bfloat16Products: BFloat16Products? {
        guard training.precision == .mixedBFloat16 else { return nil }
        // A processor that has neither kind of instructions forms the bits of the one that more processors have.
        let definition =
            switch training.numerics {
            case .automatic: BFloat16Products.accelerated?.definition ?? .dot
            case .tiles: BFloat16Products.Definition.tiles
            case .dot: BFloat16Products.Definition.dot
            }
        let portable = parallel.instructionSet.flatMap { $0 == .avx512 ? nil : $0 }
        return BFloat16Products(definition, portable: portable)
    }

    /// The same with the definition of the bits that this machine chooses: other machines train it to the same bits.
    package func withChosenNumerics() -> Configuration {
        var configuration = self
        if let definition = bfloat16Products?.definition {
            configuration.training.numerics = definition == .tiles ? .tiles : .dot
        }
        return configuration
    }

    /// What speaks against mixed precision on this machine, and what to do; nil: nothing.
    var mixedPrecisionObstacle: (keyPath: String, problem: String)? {
        guard let products = bfloat16Products else { return nil }
        let definition = products.definition
        guard products.kernels != nil else {
            return ("training.precision", "mixed_bfloat16 has products for x86-64 processors only; train in float32")
        }
        guard !training.forcePrecision, !definition.isAccelerated || products.portable != nil else { return nil }
        let reason =
            if products.portable != nil {
                "parallel.instruction_set keeps this processor from its instructions for bfloat16"
            } else if BFloat16Products.tilesAreRefused, definition == .tiles || BFloat16Products.accelerated == nil {
                "the system refuses the use of this processor's tiles (AMX)"
            } else if training.numerics == .automatic {
                "this processor does not accelerate bfloat16"
            } else {
                "this processor does not accelerate \(definition.rawValue)"
            }
        if let other = BFloat16Products.accelerated?.definition, other != definition, products.portable == nil {
            return (
                "training.numerics",
                "\(reason), but \(other.rawValue): leave training.numerics out; to form the bits of \(definition.rawValue) all the "
                    + "same, add --set training.force_precision=true"
            )
        }
        return (
            "training.precision",
            "\(reason): float32 is faster here; to form the bits all the same, add "
                + "--set training.force_precision=true"
        )
    }

    /// Reports keys that mixed precision cannot have beside it.
    func checkMixedPrecision(_ reader: SettingsReader) {
        guard reader.isSound("training"), reader.isSound("parallel") else { return }
        guard training.precision == .mixedBFloat16 else { return }
        if parallel.gemm == .openBLAS {
            reader.report(
                "parallel.gemm", "openblas has no products of bfloat16; leave it out, or train in float32")
        }
        let side = PackedMatrix.side
        if let rows = parallel.shardRows, rows % side != 0 {
            reader.report(
                "parallel.shard_rows",
                "is \(rows), but mixed_bfloat16 packs samples \(side) by \(side): give a multiple of that"
            )
        }
    }
}
