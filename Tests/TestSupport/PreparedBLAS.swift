import Foundation
import LoomHardware

/// OpenBLAS limited to one thread a call: with more, its bits vary.
public enum PreparedBLAS {
    // An NSLock, not a Mutex: the thread sanitizer does not see what a Mutex orders, and reports a race now and then.
    private static let lock = NSLock()
    // The self-test takes milliseconds in a debug build, and tests make hundreds of trainers.
    private nonisolated(unsafe) static var checked: Set<Int> = []

    /// Prepares it for `workers` callers at a time; the self-test runs once for every number.
    public static func prepare(workers: Int) throws {
        try lock.withLock {
            guard !checked.contains(workers) else { return }
            _ = try BLASRuntime.prepare(workers: workers)
            checked.insert(workers)
        }
    }
}
