import CHardware
import Foundation

/// Why the system does not let a process do what every command needs.
public struct ProcessLimitError: Error, CustomStringConvertible, Equatable {
    /// The sentence for the user.
    public let description: String
}

/// How many threads and files a process may have. Dispatch waits for ever for a thread that cannot be started, and crashes
/// without a descriptor for its events: who uses it looks before.
public enum ProcessLimits {
    /// Starts `threads` threads and opens `files` files, all at the same time, and ends and closes them.
    /// - Throws: `ProcessLimitError`: the system has refused one.
    public static func check(threads: Int, files: Int) throws(ProcessLimitError) {
        let started = Int(loom_startable_threads(Int32(threads)))
        guard started == threads else {
            throw ProcessLimitError(
                description:
                    "the system starts only \(started) of the \(threads) threads that the CPUs here ask for: raise "
                    + "the user's limit of processes (ulimit -u), that of the address space (ulimit -v) or the control "
                    + "group's pids.max, or allow fewer CPUs (taskset)")
        }
        var descriptors: [Int32] = []
        defer { descriptors.forEach { close($0) } }
        while descriptors.count < files {
            let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw ProcessLimitError(
                    description:
                        "the system opens only \(descriptors.count) of the \(files) files that are needed here "
                        + "(\(String(cString: strerror(errno)))): raise the limit of open files (ulimit -n)")
            }
            descriptors.append(descriptor)
        }
    }
}
