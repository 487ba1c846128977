import Dispatch
import Foundation

/// Calls `body` once for each of 0 ..< `iterations`, in any order and on any threads, and returns when all are done.
public typealias ConcurrentLoop = (_ iterations: Int, _ body: @escaping @Sendable (Int) -> Void) -> Void

/// Work on rows, cut into blocks whose borders depend on the row count alone: results don't depend on threads.
public enum ConcurrentBlocks {
    /// The rows of a block. 1,024 rows of 64 features in float64 are 512 KiB and stay in a core's L2 cache between
    /// being made and being stored.
    static let rows = 1024

    /// The loop used unless another one is given: `DispatchQueue.concurrentPerform`.
    @Sendable public static func dispatch(
        _ iterations: Int, _ body: @escaping @Sendable (Int) -> Void
    ) {
        DispatchQueue.concurrentPerform(iterations: iterations, execute: body)
    }

    /// The number of blocks that `rowCount` rows make.
    static func count(rowCount: Int) -> Int {
        (rowCount + rows - 1) / rows
    }

    /// Calls `body` with every block and its rows. The error thrown is the one of the lowest failing block, whatever
    /// the threads did: blocks above a failed one may be left out, blocks below never are.
    static func forEach(
        rowCount: Int, by loop: ConcurrentLoop,
        _ body: @escaping @Sendable (_ block: Int, _ rows: Range<Int>) throws(DataError) -> Void
    ) throws(DataError) {
        let failure = LowestFailure()
        loop(count(rowCount: rowCount)) { block in
            guard failure.mayMatter(block) else { return }
            do throws(DataError) {
                try body(block, block * rows..<min(rowCount, (block + 1) * rows))
            } catch {
                failure.record(error, block: block)
            }
        }
        if let error = failure.error { throw error }
    }
}

/// The error of the lowest failing block.
private final class LowestFailure: @unchecked Sendable {
    // Sendable: every access to the stored properties holds the lock.
    private let lock = NSLock()
    private var block = Int.max
    private var stored: DataError?

    var error: DataError? {
        lock.withLock { stored }
    }

    func mayMatter(_ candidate: Int) -> Bool {
        lock.withLock { candidate < block }
    }

    func record(_ error: DataError, block candidate: Int) {
        lock.withLock {
            if candidate < block {
                block = candidate
                stored = error
            }
        }
    }
}
