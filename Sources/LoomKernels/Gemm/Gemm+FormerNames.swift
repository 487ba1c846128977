// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// Names that callers still use.

public typealias GemmProvider = GemmBackend
public typealias WeightStep = FusedWeightUpdate

extension GemmBackend {
    @inlinable public var keepsBitsWhenCut: Bool { isPartitionInvariant }
}

extension Gemm {
    @inlinable public var provider: GemmBackend { backend }

    @inlinable
    public func gradient(
        _ deltas: MatrixView<Scalar>, _ x: MatrixView<Scalar>, alpha: Scalar = 1, beta: Scalar = 0,
        into result: MatrixView<Scalar>, step: FusedWeightUpdate<Scalar>?
    ) {
        gradient(deltas, x, alpha: alpha, beta: beta, into: result, update: step)
    }
}

extension GemmMemory {
    public convenience init(provider: GemmBackend, workers count: Int) {
        self.init(backend: provider, workers: count)
    }

    public static func bytes(provider: GemmBackend, workers count: Int) -> Int {
        bytes(backend: provider, workers: count)
    }
}
