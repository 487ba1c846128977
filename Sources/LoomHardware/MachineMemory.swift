import CHardware
import Foundation

/// The memory that a process can still have, and what limits it.
public struct MachineMemory: Sendable, Equatable {
    /// What sets the limit.
    public enum Limit: Sendable, Equatable {
        /// The machine's free and reclaimable memory (`MemAvailable`).
        case machine
        /// A control group; its path below the mount point.
        case controlGroup(path: String)
    }

    /// Bytes that can be had without taking them from anybody.
    public let bytes: Int
    /// What sets the limit.
    public let limit: Limit

    /// An amount and what limits it.
    public init(bytes: Int, limit: Limit) {
        self.bytes = bytes
        self.limit = limit
    }

    /// The least of what the machine and the control groups of this process leave; nil where the system does not tell.
    public static func available() -> MachineMemory? {
        available(controlGroups: ControlGroups())
    }

    static func available(controlGroups: ControlGroups) -> MachineMemory? {
        let machine = controlGroups.machineMemoryAvailable().map { MachineMemory(bytes: $0, limit: .machine) }
        let group = controlGroups.memoryAvailable().map {
            MachineMemory(bytes: $0.bytes, limit: .controlGroup(path: $0.path))
        }
        return [machine, group].compactMap { $0 }.min { $0.bytes < $1.bytes }
    }
}

/// What this process itself has in memory.
public enum ResidentMemory {
    /// Bytes in memory now; nil where the system does not tell.
    public static func bytes() -> Int? { field("VmRSS:") }

    /// The most that has been in memory at a time. From /proc, not from `getrusage`: its maximum counts the pages of the
    /// process that started this one, too.
    public static func peakBytes() -> Int? { field("VmHWM:") }

    /// From now on every freed block of this many bytes or more goes back to the system at once, in the whole process:
    /// for programs to call at their start.
    ///
    /// Otherwise glibc raises that bound to the size of what was freed last, up to 32 MiB (mallopt(3)), and a training
    /// keeps what only its planning needed: measured, 80 MiB on top of 260. Does nothing with other C libraries.
    public static func returnFreedBlocks(ofAtLeast bytes: Int) {
        loom_return_freed_blocks(Int32(clamping: bytes))
    }

    private static func field(_ name: String) -> Int? {
        guard let status = SystemFile.text("/proc/self/status") else { return nil }
        return kibibytes(name, of: status)
    }
}

/// The bytes of a line such as `MemAvailable:   123 kB`.
func kibibytes(_ name: String, of text: String) -> Int? {
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
}
