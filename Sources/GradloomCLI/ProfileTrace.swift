import Foundation
import LoomMeasurement
import LoomReporting

extension ProfileMeasurement.Count {
    /// The last measured steps of every worker: one track a worker, operations and waits within steps.
    func trace() -> PerfettoTrace {
        var trace = PerfettoTrace(process: "gradloom profile", processIdentifier: getpid())
        trace.categories = ["step", "operation", "wait"]
        var names: [String: Int] = [:]
        func index(_ name: String) -> Int {
            if let known = names[name] { return known }
            names[name] = names.count
            trace.names.append(name)
            return names.count - 1
        }
        let origin = trace.clock.monotonic
        for worker in laps.workers.indices {
            trace.threads.append(.init(name: "worker \(worker)", threadIdentifier: Int(getpid()) + 1 + worker))
            for step in laps.steps(worker: worker) {
                let number = index("step \(step[0].step)")
                trace.slices.append(
                    .init(
                        thread: worker, name: number, category: 0, start: origin + step[0].nanoseconds,
                        end: origin + step[step.count - 1].nanoseconds))
                for (lap, next) in zip(step, step.dropFirst()) {
                    let name = next.name ?? ""
                    trace.slices.append(
                        .init(
                            thread: worker, name: index(name), category: name == StepProfile.wait ? 2 : 1,
                            start: origin + lap.nanoseconds, end: origin + next.nanoseconds))
                }
            }
        }
        return trace
    }
}

extension ProfileLaps {
    /// The laps of each step of `worker`, its beginning first. A ring begins anywhere: a step whose beginning is lost is left
    /// out, and so is one without laps.
    func steps(worker: Int) -> [[Lap]] {
        workers[worker].drop { $0.name != nil }.reduce(into: [[Lap]]()) { steps, lap in
            if lap.name == nil { steps.append([lap]) } else { steps[steps.count - 1].append(lap) }
        }.filter { $0.count > 1 }
    }
}
