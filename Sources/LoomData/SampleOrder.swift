import LoomKernels

/// The order in which an epoch visits the samples: a permutation that any thread can evaluate anywhere.
public struct SampleOrder: BitwiseCopyable, Sendable, Equatable {
    /// The seed: with the epoch's number it alone decides the order.
    public let seed: UInt64
    /// The number of samples.
    public let count: Int
    /// Whether the order is random; otherwise it is the order of the data set.
    public let shuffle: Bool

    /// The orders of `count` samples.
    public init(seed: UInt64, count: Int, shuffle: Bool = true) {
        precondition(count >= 1, "an epoch has at least one sample")
        self.seed = seed
        self.count = count
        self.shuffle = shuffle
    }

    /// Writes the samples at the positions `start` ..< `start + count` of the order of `epoch` (counted from 0).
    public func indices(
        epoch: Int, start: Int, count: Int, into indices: UnsafeMutablePointer<UInt64>
    ) {
        assert(start >= 0 && count >= 0 && start + count <= self.count, "positions inside the epoch")
        guard shuffle else {
            for position in 0..<count {
                indices[position] = UInt64(truncatingIfNeeded: start + position)
            }
            return
        }
        RandomPermutation(key: key(epoch: epoch), size: self.count).indices(start: start, count: count, into: indices)
    }

    /// The permutation's key.
    private func key(epoch: Int) -> UInt64 {
        let bits = CounterRandom(seed: seed, purpose: .epochOrder).bits(at: UInt64(epoch))
        return UInt64(bits.y) << 32 | UInt64(bits.x)
    }
}
