import CHardware
import Foundation

/// Whether the processor's counters can be read, and if not, why. Nothing fails without them: figures are missing.
public enum CounterAvailability: Sendable, Equatable {
    /// They count what a thread does, and what the kernel does for it.
    case userAndKernel
    /// They count what a thread does itself: the kernel allows no more.
    case userOnly
    /// They cannot be read; a sentence that says why, and what allows it.
    case unavailable(String)

    /// Of this process, asked by opening counters for the calling thread for a moment.
    public static func current() -> CounterAvailability {
        let counters = ThreadCounters()
        return counters.availability
    }

    /// The sentence of `unavailable`.
    public var refusal: String? {
        if case .unavailable(let sentence) = self { sentence } else { nil }
    }

    /// Why counters are refused with the `errno` value of perf_event_open, on a machine whose `perf_event_paranoid` is
    /// `paranoidLevel`; nil where there is no such setting.
    static func refusal(errno code: Int32, paranoidLevel: Int?) -> String {
        let message = "perf_event_open: \(String(cString: strerror(code)))"
        switch code {
        case EACCES, EPERM:
            // Linux itself knows levels to 2, which leaves user space; Debian's and Ubuntu's kernels know 3 and 4.
            if let paranoidLevel, paranoidLevel > 2 {
                return """
                    the kernel keeps hardware counters for administrators (kernel.perf_event_paranoid is \
                    \(paranoidLevel)): 'sudo sysctl kernel.perf_event_paranoid=2' allows them
                    """
            }
            return """
                a sandbox keeps hardware counters from this process (\(message)): in a container \
                '--cap-add PERFMON' allows them, or else '--security-opt seccomp=unconfined'
                """
        case ENOENT, ENODEV, ENXIO, EOPNOTSUPP:
            return """
                the system shows no hardware counters (\(message)), as most virtual machines do: the hypervisor has to \
                pass them through (QEMU: '-cpu host,pmu=on'), or take a machine of bare metal
                """
        case ENOSYS:
            return """
                the system has no perf_event_open: hardware counters need a Linux kernel with CONFIG_PERF_EVENTS, \
                outside of sandboxes such as gVisor
                """
        case EBUSY:
            return """
                something else has the hardware counters for itself (\(message)): stop other profilers, and the \
                watchdog with 'sudo sysctl kernel.nmi_watchdog=0'
                """
        case EMFILE, ENFILE:
            return "no file is left for hardware counters (\(message)): 'ulimit -n 4096' allows more"
        default:
            return """
                the system refuses hardware counters (\(message), errno \(code)): 'perf stat true' tells whether it \
                allows them to other programs
                """
        }
    }

    /// Why this thread's cycles cannot be counted, as an `errno` of perf_event_open; 0: they can.
    package static func cyclesError() -> Int32 {
        var group = loom_counter_group()
        defer { loom_counters_close(&group) }
        return loom_counters_open(&group, [LOOM_COUNTER_CYCLES], 1, 1)
    }
}
