import LoomConfiguration
import LoomData
import LoomHardware
import LoomKernels
import LoomModel
import LoomPlan
import LoomRuns
import LoomTraining

/// Which number of workers, placement, shards and route train a configuration fastest here: found by running its own steps on
/// its own data.
public struct TuneMeasurement: Sendable {
    /// What is asked for.
    public struct Request: Sendable {
        /// Seconds of measurement, loading apart.
        public var budgetSeconds = 60.0
        /// Whether candidates may change the bits of the result.
        public var allowsOtherBits = false
        /// Whether every candidate is measured until the time is over: to see how good a choice is.
        public var isExhaustive = false

        /// The defaults.
        public init() {}
    }

    /// What became of a candidate.
    public enum Standing: String, Sendable, Codable {
        /// It is the choice.
        case chosen
        /// It differs from the fastest by no more than 2 %.
        case asFast = "as_fast"
        /// It is slower than the fastest, clearly.
        case slower
        /// It may be slower: the time was too short to tell.
        case unclear
        /// It left the race early.
        case left
    }

    /// A candidate and what was measured of it.
    public struct Row: Sendable {
        /// What was tried.
        public let candidate: TuneCandidate
        /// Samples of a shard, chosen or asked for.
        public let shardRows: Int
        /// How the gradient travels, chosen or asked for.
        public let route: GradientRoute
        /// Groups of samples, chosen or asked for.
        public let groups: Int
        /// The CPU of each worker; empty: not bound.
        public let cpus: [Int]
        /// Samples a second.
        public let speed: MedianEstimate
        /// Regions that were measured.
        public let rounds: Int
        /// How many times as fast as the configuration as it is.
        public let ratio: MedianEstimate
        /// How many times as fast as the choice, in the regions of both.
        public let ratioToChoice: MedianEstimate
        /// What became of it.
        public let standing: Standing
        /// The stage after which it left; nil: it was there to the end.
        public let leftAfter: Int?
        /// Whether the trained parameters have the bits of the configuration as it is.
        public let keepsBits: Bool
    }

    /// What is told while it runs.
    public struct Progress: Sendable {
        /// The stage, counted from 1.
        public let stage: Int
        /// Candidates that are left.
        public let candidates: Int
        /// Seconds so far.
        public let seconds: Double
        /// The fastest so far.
        public let fastest: TuneCandidate
        /// Times the speed of the configuration as it is.
        public let ratio: Double
    }

    /// All candidates that were measured; the first is the configuration as it is.
    public let rows: [Row]
    /// The place of the choice among them.
    public let choiceIndex: Int
    /// How many times as fast as the best one with one worker the choice is; nil where it has one itself.
    public let ratioToOneWorker: MedianEstimate?
    /// Whether more time would not have changed the choice.
    public let isClear: Bool
    /// Stages of the race.
    public let stages: Int
    /// Seconds that it took.
    public let seconds: Double
    /// What was not tried because there was no time for it; nil: nothing.
    public let leftOut: String?
    /// Combinations that were not tried because they change the result's bits.
    public let otherBits: Int
    /// The part of the time of the machine's cores that others had meanwhile, 0…1; nil where the system does not tell.
    public let otherWorkFraction: Double?
    /// Floating-point operations of a sample.
    public let operationsPerSample: Double

    /// The choice.
    public var choice: Row { rows[choiceIndex] }
    /// The configuration as it is.
    public var own: Row { rows[0] }

    /// The part of free memory that candidates may fill together.
    private static let memoryFraction = 0.25

    /// Reads or makes the data of `configuration`, and tunes it on `machine`, which has a worker for each CPU that may be used.
    /// - Parameter report: Told how far it is, a few times a second at least.
    /// - Throws: as `Experiment.init`, and `TuneError`.
    public init(
        _ configuration: Configuration, _ request: Request, machine: MachineSetup, report: (Progress) -> Void = { _ in }
    ) throws {
        func data<Scalar: LoomScalar>(_: Scalar.Type) throws -> SampleFeed<Scalar> {
            try PreparedData(
                configuration.data, network: configuration.network.description(inputs: 0), loss: configuration.loss
            ).training
        }
        switch configuration.training.precision.scalar {
        case .float32: try self.init(configuration, request, data: data(Float.self), machine: machine, report: report)
        case .float64: try self.init(configuration, request, data: data(Double.self), machine: machine, report: report)
        }
    }

    /// Tunes `configuration`, whose samples are `data`, on `machine`, which has a worker for each CPU that may be used.
    /// - Parameter report: Told how far it is, a few times a second at least.
    /// - Throws: `TuneError`; `ModelError`, `PlacementError` as training would.
    package init<Scalar: LoomScalar>(
        _ configuration: Configuration, _ request: Request, data: SampleFeed<Scalar>, machine: MachineSetup,
        report: (Progress) -> Void
    ) throws {
        let clock = ContinuousClock()
        let start = clock.now
        func seconds() -> Double { (clock.now - start) / .seconds(1) }
        let network = try Network<Scalar>(configuration.network.description(inputs: data.featureCount))
        let window = CPUDisturbanceWindow(machine.contention())
        var pool = try TrialPool<Scalar>(configuration, data: data, machine: machine)
        let grid = try Self.grid(
            configuration, request, machine: machine, network: network, samples: data.sampleCount,
            stepSeconds: pool.ownStepSeconds())
        pool.entries = grid.entries
        let own = grid.entries[0].candidate
        let free = Double(MachineMemory.available()?.bytes ?? 1 << 30) * Self.memoryFraction
        var race = TuneRace(
            .init(
                seconds: request.budgetSeconds, workers: grid.entries.map(\.candidate.workers),
                changes: grid.entries.map { $0.candidate.changes(from: own) },
                capacity: max(2, Int(free / Double(max(1, pool.bytesOfOwn)))), isExhaustive: request.isExhaustive))
        let entries = grid.entries
        try race.run(
            seconds: seconds, prepare: { try pool.prepare($0) },
            measure: { try pool.measure($0, allowsOtherBits: request.allowsOtherBits) },
            report: { stage, runners, standings in
                let fastest = standings.ranking(of: Array(entries.indices))[0]
                report(
                    Progress(
                        stage: stage, candidates: runners, seconds: seconds(), fastest: entries[fastest].candidate,
                        ratio: standings.score(of: fastest)))
            })
        let finalists = entries.indices.filter { race.leftAfter[$0] == nil }
        let decision = race.standings.decision(among: finalists)
        let measured = entries.indices.filter { !race.standings.speeds(of: $0).isEmpty }
        rows = measured.map { Row(entries[$0], index: $0, race: race, decision: decision) }
        choiceIndex = measured.firstIndex(of: decision.choice)!
        let alone = race.standings.ranking(of: finalists).first { entries[$0].candidate.workers == 1 }
        ratioToOneWorker =
            entries[decision.choice].candidate.workers == 1
            ? nil : alone.flatMap { race.standings.ratio(decision.choice, over: $0) }
        isClear = decision.isClear
        stages = race.stages
        self.seconds = seconds()
        leftOut = grid.extent.leftOut
        otherBits = grid.otherBits
        otherWorkFraction = window.soFar().othersFraction
        operationsPerSample = network.operationsPerSample
    }

    /// As many combinations as the first stage has time for, in half of the budget.
    private static func grid<Scalar: LoomScalar>(
        _ configuration: Configuration, _ request: Request, machine: MachineSetup, network: Network<Scalar>,
        samples: Int,
        stepSeconds: Double
    ) throws -> TuneGrid {
        for extent in TuneGrid.Extent.allCases {
            let grid = try TuneGrid(
                configuration, machine: machine, network: network, samples: samples,
                allowsOtherBits: request.allowsOtherBits, extent: extent)
            let own = Double(grid.entries[0].candidate.workers)
            let seconds = grid.entries.reduce(0.0) { sum, entry in
                // Fewer workers take longer, at most in proportion; a region has two steps, and begins with two for the bits.
                let step = stepSeconds * max(1, own / Double(entry.candidate.workers))
                return sum + Double(TuneRace.Limit.fewestRounds)
                    * max(TuneTrial<Scalar>.shortestRegionSeconds, 2 * step) + 4 * step
            }
            if seconds <= request.budgetSeconds / 2 || extent == .workers { return grid }
        }
        preconditionFailure("the smallest extent is always taken")
    }
}

extension TuneMeasurement.Row {
    fileprivate init(_ entry: TuneGrid.Entry, index: Int, race: TuneRace, decision: TuneStandings.Decision) {
        let speeds = race.standings.speeds(of: index)
        let standing: TuneMeasurement.Standing =
            if index == decision.choice {
                .chosen
            } else if race.leftAfter[index] != nil {
                .left
            } else if index == decision.fastest {
                .asFast
            } else {
                switch decision.comparisons[index] {
                case .slower: .slower
                case .asFast: .asFast
                case .unclear, nil: .unclear
                }
            }
        candidate = entry.candidate
        shardRows = entry.program.shardRows
        route = entry.program.route
        groups = entry.program.sum.groups
        cpus = entry.placement.assignments.map(\.cpu)
        speed = MedianEstimate(speeds)!
        rounds = speeds.count
        let one = MedianEstimate(median: 1, low: 1, high: 1, confidence: 0)
        ratio = race.standings.ratio(index, over: 0) ?? one
        ratioToChoice =
            index == decision.choice ? one : race.standings.ratio(index, over: decision.choice) ?? ratio
        self.standing = standing
        leftAfter = race.leftAfter[index]
        keepsBits = entry.keepsBits
    }
}

/// The candidates that are ready to run; the first one always is.
private struct TrialPool<Scalar: LoomScalar> {
    var entries: [TuneGrid.Entry] = []
    private let configuration: Configuration
    private let data: SampleFeed<Scalar>
    private let machine: MachineSetup
    private let own: TuneTrial<Scalar>
    private var others: [Int: TuneTrial<Scalar>] = [:]

    init(_ configuration: Configuration, data: SampleFeed<Scalar>, machine: MachineSetup) throws {
        self.configuration = configuration
        self.data = data
        self.machine = machine
        let placed = try machine.placed(as: configuration)
        own = try TuneTrial(configuration, data: data, machine: placed)
    }

    var bytesOfOwn: Int { own.bytes }

    func ownStepSeconds() throws -> Double {
        _ = try own.measure()
        return own.stepSeconds
    }

    /// Makes these ready, and gives up others.
    mutating func prepare(_ candidates: [Int]) throws {
        others = others.filter { candidates.contains($0.key) }
        for candidate in candidates where candidate != 0 && others[candidate] == nil {
            let choice = entries[candidate].candidate
            others[candidate] = try TuneTrial(
                configuration.applying(choice), data: data,
                machine: machine.placing(workers: choice.workers, policy: choice.placement))
        }
    }

    /// The speed of a region; nil for one whose parameters have other bits than they should, which nobody may choose.
    func measure(_ candidate: Int, allowsOtherBits: Bool) throws -> Double? {
        guard let trial = candidate == 0 ? own : others[candidate] else { return nil }
        guard allowsOtherBits || trial.hash == own.hash else { return nil }
        return try trial.measure()
    }
}
