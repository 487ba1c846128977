import CKernels

/// The matrices that a gradient is the sum of, added along a binary tree, and where else a result goes.
///
/// All are as long as a parameter buffer and laid out like it, so that one offset fits every part of them. The memory of
/// both lists belongs to whoever plans a step.
public struct Addends: BitwiseCopyable, @unchecked Sendable {
    // Sendable: the lists are written once, before any worker reads them.

    /// The addends after the first with their offsets from it, and how many sums end with each; nil: there is only one.
    @usableFromInline let list: UnsafePointer<loom_addend>?
    /// The number of addends, the first one included.
    @usableFromInline let count: Int
    /// Elements from the result to its copies.
    @usableFromInline let mirrors: UnsafePointer<Int>?
    /// The number of copies.
    @usableFromInline let mirrorCount: Int

    /// `count` addends, the first of which has the offset 0; the result is written to `mirrorCount` more places.
    @inlinable
    public init(
        list: UnsafePointer<loom_addend>? = nil, count: Int = 1, mirrors: UnsafePointer<Int>? = nil,
        mirrorCount: Int = 0
    ) {
        assert(
            count >= 1 && (count == 1 || list != nil) && (mirrorCount == 0 || mirrors != nil), "lists of these lengths")
        self.list = list
        self.count = count
        self.mirrors = mirrors
        self.mirrorCount = mirrorCount
    }
}
