import Foundation
import LoomTraining

/// Sends SIGINT to the process and waits until it has raised `stop`. To the process, not to this thread: Dispatch blocks
/// signals on its threads, so that another one takes it.
public func interruptThisProcess(noting stop: StopRequest) {
    kill(getpid(), SIGINT)
    for _ in 0..<10_000 where !stop.isRaised { usleep(1000) }
}
