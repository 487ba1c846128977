import LoomHardware
import Synchronization

/// OpenBLAS limited to one thread a call: with more, its bits vary.
public enum PreparedBLAS {
    // The self-test takes milliseconds in a debug build, and tests make hundreds of trainers.
    private static let checked = Mutex<Set<Int>>([])

    /// Prepares it for `workers` callers at a time; the self-test runs once for every number.
    public static func prepare(workers: Int) throws {
        try checked.withLock { checked in
            guard !checked.contains(workers) else { return }
            _ = try BLASRuntime.prepare(workers: workers)
            checked.insert(workers)
        }
    }
}
