import Foundation

/// What changed beyond noise between profiles before and after a change of program, configuration or machine.
///
/// Each profile is a run: with four and more on each side the noise between runs is measured, with fewer it is assumed
/// (`ChangeRule`).
public struct ProfileComparison: Sendable, Equatable {
    /// What a gate has to know.
    public enum Outcome: String, Sendable, Codable {
        /// No number of workers is slower by more than matters.
        case noWorse = "no_worse"
        /// Some number of workers is.
        case worse
        /// Noise is larger than what matters.
        case cannotTell = "cannot_tell"
    }

    /// The speed of one number of workers.
    public struct Speed: Sendable, Equatable {
        /// The workers.
        public let workers: Int
        /// Samples a second: the median of the runs' medians; nil without samples.
        public let before, after: Double?
        /// Of the time that a sample takes.
        public let change: Change
    }

    /// A time in seconds of a step with the largest number of workers.
    public struct Duration: Sendable, Equatable {
        /// Seconds: the median of the runs' medians; nil where the runs have no such operation.
        public let before, after: Double?
        /// Of these seconds.
        public let change: Change
    }

    /// The operations of one kind and layer.
    public struct Operation: Sendable, Equatable {
        /// "forward", "wait" and so on.
        public let kind: String
        /// The layer; for waits the phase; nil where an operation belongs to all layers.
        public let layer: String?
        /// Seconds of a step, the mean of all workers.
        public let time: Duration
    }

    /// Something that differs between profiles, so that their times cannot be compared, or only with care.
    public struct Difference: Sendable, Equatable, Codable {
        /// What it is: "processor", "batch" and so on.
        public let what: String
        /// What the profiles have, in the order in which they were given, each once.
        public let before, after: [String]

        /// One sentence.
        public var text: String {
            "the profiles differ in \(what): \(before.joined(separator: " and ")) before, "
                + "\(after.joined(separator: " and ")) after"
        }
    }

    /// The rule that changes were held against.
    public let rule: ChangeRule
    /// How many profiles there were.
    public let runsBefore, runsAfter: Int
    /// The numbers of workers that all profiles have, ascending.
    public let speeds: [Speed]
    /// A step with the largest number of workers; nil where profiles have different ones.
    public let step: Duration?
    /// In the order of the program; none where profiles have different largest numbers of workers.
    public let operations: [Operation]
    /// Why the profiles are not comparable; mostly none.
    public let differences: [Difference]

    /// Compares profiles of at least one run each.
    public init(before: [ProfileRecord], after: [ProfileRecord], rule: ChangeRule = ChangeRule()) {
        precondition(!before.isEmpty && !after.isEmpty, "a comparison needs profiles before and after")
        self.rule = rule
        (runsBefore, runsAfter) = (before.count, after.count)
        let all = before + after
        let counts = all.map { Set($0.scaling.map(\.workers)) }
        speeds = counts.dropFirst().reduce(counts[0]) { $0.intersection($1) }.sorted().map { workers in
            Self.speed(workers, before: before, after: after, rule: rule)
        }
        differences = Self.differences(before: before, after: after)
        guard Set(all.map(\.workers)).count == 1 else {
            (step, operations) = (nil, [])
            return
        }
        step = Duration(
            before: before.map(\.samples.stepSeconds), after: after.map(\.samples.stepSeconds), rule: rule)
        var keys: [OperationKey] = []
        for operation in all.flatMap(\.samples.operations) where !keys.contains(OperationKey(operation)) {
            keys.append(OperationKey(operation))
        }
        operations = keys.map { key in
            Operation(
                kind: key.kind, layer: key.layer,
                time: Duration(
                    before: before.map { $0.seconds(of: key) }, after: after.map { $0.seconds(of: key) }, rule: rule))
        }
    }

    /// What the speeds say: operations say where a change is, and have no part in it.
    public var outcome: Outcome {
        if speeds.contains(where: { $0.change.verdict == .worse }) { return .worse }
        return !speeds.isEmpty && speeds.allSatisfy(\.change.isNoWorse) ? .noWorse : .cannotTell
    }

    /// The smallest slow-down, as a part, that so few runs can show whatever their samples are; nil where there are enough
    /// runs of both, whose medians show the noise between them.
    public var smallestVisibleChange: Double? {
        guard min(runsBefore, runsAfter) < ChangeRule.fewestRuns else { return nil }
        return (1 + rule.relevantChange) * exp(rule.reachOfRunNoise(before: runsBefore, after: runsAfter)) - 1
    }

    private static func speed(
        _ workers: Int, before: [ProfileRecord], after: [ProfileRecord], rule: ChangeRule
    ) -> Speed {
        func samples(_ records: [ProfileRecord]) -> [[Double]] {
            records.map { $0.scaling.first { $0.workers == workers }!.samplesPerSecond }
        }
        func times(_ runs: [[Double]]) -> [[Double]] { runs.map { $0.map { 1 / $0 } } }
        let (old, new) = (times(samples(before)), times(samples(after)))
        return Speed(
            workers: workers, before: medianOfMedians(old).map { 1 / $0 }, after: medianOfMedians(new).map { 1 / $0 },
            change: changeVerdict(before: old, after: new, rule: rule))
    }

    private static func differences(before: [ProfileRecord], after: [ProfileRecord]) -> [Difference] {
        let facts: [(String, (ProfileRecord) -> String)] = [
            ("processor", { $0.provenance.processor }),
            ("processor model", { $0.provenance.processorModel }),
            ("instruction set", { $0.provenance.instructionSet }),
            ("network", { $0.provenance.network }),
            ("loss", { $0.provenance.loss }),
            ("optimizer", { $0.provenance.optimizer }),
            ("matrix products", { $0.provenance.gemm }),
            ("batch", { "\($0.provenance.batch)" }),
            ("precision", { $0.provenance.precision }),
            ("scaling", { $0.scalingKind }),
            ("worker counts", { $0.scaling.map { "\($0.workers)" }.joined(separator: ", ") }),
        ]
        return facts.compactMap { what, value in
            func values(_ records: [ProfileRecord]) -> [String] {
                records.map(value).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
            }
            let (old, new) = (values(before), values(after))
            return Set(old + new).count > 1 ? Difference(what: what, before: old, after: new) : nil
        }
    }
}

extension ProfileComparison.Duration {
    fileprivate init(before: [[Double]], after: [[Double]], rule: ChangeRule) {
        self.init(
            before: medianOfMedians(before), after: medianOfMedians(after),
            change: changeVerdict(before: before, after: after, rule: rule))
    }
}

/// What the operations have in common that are looked at together.
private struct OperationKey: Equatable {
    let kind: String
    let layer: String?

    init(_ operation: ProfileRecord.Samples.Operation) {
        (kind, layer) = (operation.kind, operation.layer)
    }
}

extension ProfileRecord {
    /// Seconds of a step that the operations take in each region, the mean of all workers: one without such an operation
    /// counts, too.
    fileprivate func seconds(of key: OperationKey) -> [Double] {
        let lists = samples.operations.filter { OperationKey($0) == key }.map(\.seconds)
        return (0..<(lists.map(\.count).min() ?? 0)).map { region in
            lists.reduce(0) { $0 + $1[region] } / Double(workers)
        }
    }
}
