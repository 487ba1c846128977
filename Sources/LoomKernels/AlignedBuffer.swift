#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Ends the process, with a sentence, when the system refuses memory for a buffer. A program that has a way of its own to say
/// so and to end sets it before it does anything else.
nonisolated(unsafe) package var whenOutOfMemory: @Sendable (_ sentence: String) -> Never = { fatalError($0) }

/// A block of memory aligned to 64 bytes, one cache line and one AVX-512 vector, and freed with its last reference.
///
/// Matrix views into a buffer are plain pointers: whoever hands them out keeps the buffer alive.
/// A new buffer is *not* touched: pages are placed on the NUMA node of the thread that first writes them.
public final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
    // Sendable: the object itself is immutable; who may write which elements when is the business of the phases
    // that use it (disjoint rows or slices, see `TrainingStep`).

    /// The first element, aligned to 64 bytes.
    public let pointer: UnsafeMutablePointer<Element>
    /// The number of elements.
    public let count: Int

    /// The size of a huge page on x86-64 and, with 4 KiB pages, on arm64.
    private static var hugePageBytes: Int { 2 << 20 }

    /// Reserves memory for `count` elements without touching it.
    public init(uninitializedCount count: Int) {
        precondition(count >= 0, "a buffer's element count is not negative")
        // Who can be asked for too much asks `MemorySize` before.
        let (size, isTooLarge) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard !isTooLarge, size <= Int.max - 64 else {
            whenOutOfMemory("out of memory: \(count) elements of \(MemoryLayout<Element>.stride) bytes")
        }
        // One page at least: huge requests come from mmap, untouched; the rounding lets kernels work on whole vectors.
        let bytes = max(64, (size + 63) / 64 * 64)
        var raw: UnsafeMutableRawPointer?
        let alignment = bytes >= Self.hugePageBytes ? Self.hugePageBytes : 64
        guard posix_memalign(&raw, alignment, bytes) == 0, let raw else {
            whenOutOfMemory("out of memory: the system does not give \(bytes) bytes more")
        }
        #if os(Linux)
            // Only advice. Rows of a large matrix lie on different pages, and each costs a walk through the page table.
            if bytes >= Self.hugePageBytes { madvise(raw, bytes, MADV_HUGEPAGE) }
        #endif
        self.pointer = raw.bindMemory(to: Element.self, capacity: count)
        self.count = count
    }

    /// Reserves memory for `count` elements and fills it with `value`.
    public convenience init(count: Int, repeating value: Element) {
        self.init(uninitializedCount: count)
        pointer.initialize(repeating: value, count: count)
    }

    /// Copies `elements`.
    public convenience init(_ elements: some Collection<Element>) {
        self.init(uninitializedCount: elements.count)
        var destination = pointer
        for element in elements {
            destination.initialize(to: element)
            destination += 1
        }
    }

    deinit {
        free(pointer)
    }

    /// The elements as a buffer pointer, valid while this object lives.
    public var elements: UnsafeMutableBufferPointer<Element> {
        UnsafeMutableBufferPointer(start: pointer, count: count)
    }

    /// A copy of the elements.
    public var array: [Element] { withExtendedLifetime(self) { Array(elements) } }
}
