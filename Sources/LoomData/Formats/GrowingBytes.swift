import Foundation

/// Bytes whose number is not known before all of them are there.
///
/// Large blocks of malloc(3) grow without being copied: glibc moves their pages.
struct GrowingBytes: ~Copyable {
    private var start: UnsafeMutableRawPointer?
    private(set) var capacity = 0
    /// The number of bytes that are there.
    var count = 0

    /// Where further bytes go.
    var free: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: start.map { $0 + count }, count: capacity - count)
    }

    /// The bytes that are there.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    deinit { Foundation.free(start) }

    /// Makes room for `bytes` more at least, and for half of what is there; false where the system does not give it.
    mutating func reserve(_ bytes: Int) -> Bool {
        guard capacity - count < bytes else { return true }
        return reserve(exactly: max(count + bytes, capacity + capacity / 2))
    }

    /// Makes room for `total` bytes in all.
    mutating func reserve(exactly total: Int) -> Bool {
        guard let moved = realloc(start, max(1, total)) else { return false }
        (start, capacity) = (moved, total)
        return true
    }

    /// Hands the bytes over: whoever gets them frees them.
    consuming func finish() -> UnsafeRawBufferPointer {
        if count < capacity, let smaller = realloc(start, max(1, count)) { start = smaller }
        let result = UnsafeRawBufferPointer(start: start, count: count)
        start = nil
        return result
    }
}
