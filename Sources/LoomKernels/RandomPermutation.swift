import CKernels

/// A pseudo-random order of 0 … size − 1 that is evaluated anywhere without a table: a bijection that its key decides.
package struct RandomPermutation: Sendable {
    private let key: UInt64
    private let size: UInt64

    /// The order of `size` numbers under `key`.
    package init(key: UInt64, size: Int) {
        self.key = key
        self.size = UInt64(size)
    }

    /// Writes what stands at the positions `start` ..< `start + count`.
    package func indices(start: Int, count: Int, into indices: UnsafeMutablePointer<UInt64>) {
        assert(start >= 0 && count >= 0 && start + count <= size, "positions inside the order")
        Float.kernels.pointee.permute(key, size, UInt64(start), UInt64(count), indices)
    }
}
