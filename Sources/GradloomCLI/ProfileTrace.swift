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
        for (worker, laps) in laps.workers.enumerated() {
            trace.threads.append(.init(name: "worker \(worker)", threadIdentifier: Int(getpid()) + 1 + worker))
            // A ring begins anywhere: steps whose beginning is lost are left out.
            for step in laps.drop(while: { $0.name != nil }).split(whereSeparatorBegins: { $0.name == nil }) {
                guard let first = step.first, let last = step.last, step.count > 1 else { continue }
                let number = index("step \(first.step)")
                trace.slices.append(
                    .init(
                        thread: worker, name: number, category: 0, start: origin + first.nanoseconds,
                        end: origin + last.nanoseconds))
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

extension Collection {
    /// Parts that begin with an element for which `begins` is true.
    fileprivate func split(whereSeparatorBegins begins: (Element) -> Bool) -> [[Element]] {
        reduce(into: []) { parts, element in
            if begins(element) || parts.isEmpty {
                parts.append([element])
            } else {
                parts[parts.count - 1].append(element)
            }
        }
    }
}
