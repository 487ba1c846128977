import CAllocationCounter
import Foundation

/// Counts allocations, so that code that promises none can be held to it.
///
/// The counter stands in for malloc, calloc, realloc, memalign, aligned_alloc and posix_memalign in the whole process:
/// Swift's objects, C++'s `new` and BLAS buffers are seen, on every thread. Memory from mmap itself is not.
public enum AllocationGate {
    /// Why nothing can be counted here.
    public enum Failure: Error, CustomStringConvertible {
        /// The C library does not let an executable stand in for malloc.
        case unavailable
        /// An allocation that was made on purpose was not seen.
        case blind(to: String)

        /// The sentence for the user.
        public var description: String {
            switch self {
            case .unavailable: "allocations can be counted with glibc only"
            case .blind(let kind): "the counter does not see \(kind): its figures would mean nothing"
            }
        }
    }

    /// The allocations that all threads make while `body` runs. One call at a time.
    public static func countMallocs(_ body: () throws -> Void) rethrows -> Int {
        allocation_counter_start()
        // A body that throws must not leave the counter running.
        var count: Int64 = 0
        do {
            defer { count = allocation_counter_stop() }
            try body()
        }
        return Int(count)
    }

    /// Makes allocations of every kind, and checks that each is seen, and that code without any counts as 0.
    ///
    /// - Throws: `Failure`.
    public static func prove() throws {
        guard allocation_counter_is_available() else { throw Failure.unavailable }
        let kinds: [(name: String, allocate: () -> UnsafeMutableRawPointer?)] = [
            ("malloc", { malloc(1000) }), ("calloc", { calloc(10, 100) }),
            ("realloc", { realloc(nil, 1000) }),
            ("aligned_alloc", { aligned_alloc(64, 1024) }),
            (
                "posix_memalign",
                {
                    var pointer: UnsafeMutableRawPointer?
                    return posix_memalign(&pointer, 64, 1000) == 0 ? pointer : nil
                }
            ),
        ]
        for kind in kinds {
            var pointer: UnsafeMutableRawPointer?
            guard countMallocs({ pointer = kind.allocate() }) == 1 else { throw Failure.blind(to: kind.name) }
            free(pointer)
        }
        // The optimizer keeps objects that it sees through on the stack: a length that it cannot know goes to the heap.
        // The first array also makes the runtime allocate its type's metadata.
        let length = 8 + Int(getpid())
        var array = Array(repeating: 0, count: length)
        guard countMallocs({ array = Array(repeating: 1, count: length) }) == 1, array[length - 1] == 1 else {
            throw Failure.blind(to: "Swift objects")
        }
        let seenElsewhere = countMallocs {
            DispatchQueue.concurrentPerform(iterations: 64) { _ in
                // Not malloc: the optimizer removes a pair of malloc and free.
                var pointer: UnsafeMutableRawPointer?
                if posix_memalign(&pointer, 64, 1000) == 0 { free(pointer) }
            }
        }
        guard seenElsewhere >= 64 else { throw Failure.blind(to: "other threads") }
        var sum = 0
        guard countMallocs({ for value in 0..<1000 { sum &+= value } }) == 0, sum == 499_500 else {
            throw Failure.blind(to: "the absence of allocations")
        }
    }
}
