import CHardware
import Foundation

/// Sends SIGINT to the process and waits until it is noted. To the process, not to this thread: Dispatch blocks signals
/// on its threads, so that another one takes it.
func interruptThisProcess() {
    kill(getpid(), SIGINT)
    for _ in 0..<10_000 where loom_requested_signal() == 0 { usleep(1000) }
}
