import Testing

@testable import LoomMeasurement

/// Every rule of the verdict, where it must find something and where it must not.
@Suite struct ProfileVerdictTests {
    /// Two workers that have nothing to be told of.
    private static var sound: ProfileFacts {
        var facts = ProfileFacts()
        facts.workers = 2
        facts.bestWorkers = 2
        facts.shares = ["forward": 0.4, "backward": 0.2, "gradient": 0.34, "update": 0.03, "wait": 0.03]
        (facts.loadBalance, facts.stepSeconds) = (0.97, 1e-3)
        (facts.batchRows, facts.shardCount, facts.shardRows) = (256, 16, 16)
        facts.productPeakFraction = 0.8
        return facts
    }

    private static func cause(_ rule: String, _ change: (inout ProfileFacts) -> Void) -> ProfileCause? {
        var facts = sound
        change(&facts)
        return ProfileVerdict(facts).causes.first { $0.rule == rule }
    }

    @Test func nothingToBeToldOf() {
        let verdict = ProfileVerdict(Self.sound)
        #expect(verdict.causes.isEmpty)
        #expect(
            verdict.text
                == "nothing stands out: the products run at 80.0 % of the arithmetic peak, and workers wait 3.0 % of their time"
        )
    }

    @Test func theCostliestIsTheVerdict() {
        var facts = Self.sound
        (facts.otherWorkFraction, facts.throttledFraction) = (0.1, 0.5)
        let verdict = ProfileVerdict(facts)
        #expect(verdict.causes.map(\.rule) == ["throttled", "busy_neighbour"])
        #expect(verdict.text == "a CPU quota kept the workers from running 50.0 % of the time")
        #expect(verdict.causes[0].gain == 1)
    }

    @Test func busyNeighbour() {
        let cause = Self.cause("busy_neighbour") { $0.otherWorkFraction = 0.2 }
        #expect(cause?.share == 0.2 && cause?.gain == 0.25)
        #expect(cause?.remedy == "end them, or leave them cores with --workers 1")
        #expect(Self.cause("busy_neighbour") { $0.otherWorkFraction = 0.05 } == nil)
    }

    @Test func throttled() {
        #expect(Self.cause("throttled") { $0.throttledFraction = 0.25 }?.share == 0.25)
        #expect(Self.cause("throttled") { $0.throttledFraction = 0.04 } == nil)
    }

    @Test func shardsTooFew() {
        let cause = Self.cause("shards_too_few") { ($0.workers, $0.shardCount, $0.batchRows) = (4, 3, 48) }
        #expect(cause?.share == 0.25)
        #expect(cause?.text == "a batch of 48 in 3 shards leaves 1 of 4 workers without samples")
        #expect(cause?.remedy == "--set training.batch=96, or --set parallel.shard_rows=12")
        #expect(Self.cause("shards_too_few") { ($0.workers, $0.shardCount) = (4, 4) } == nil)
    }

    @Test func forkJoin() {
        #expect(Self.cause("fork_join") { $0.isForkJoin = true }?.share == 0.03)
        #expect(Self.cause("fork_join") { ($0.isForkJoin, $0.workers) = (true, 1) } == nil)
    }

    @Test func fewerWorkersAreFaster() {
        let cause = Self.cause("fewer_workers_are_faster") { ($0.bestWorkers, $0.bestSpeedRatio) = (1, 1.25) }
        #expect(cause?.text == "1 worker is 25.0 % faster than 2" && cause?.remedy == "--workers 1")
        #expect(abs(cause!.gain - 0.25) < 1e-12)
        #expect(Self.cause("fewer_workers_are_faster") { ($0.bestWorkers, $0.bestSpeedRatio) = (1, 1.04) } == nil)
    }

    @Test func loadImbalance() {
        let uneven = Self.cause("load_imbalance") {
            ($0.loadBalance, $0.shardCount, $0.batchRows) = (0.75, 3, 48)
        }
        #expect(uneven?.share == 0.25)
        #expect(uneven?.remedy == "a batch that the workers divide evenly: --set training.batch=64")
        #expect(
            Self.cause("load_imbalance") { $0.loadBalance = 0.75 }?.remedy
                == "look for what slows one of them: gradloom doctor")
        #expect(Self.cause("load_imbalance") { $0.loadBalance = 0.96 } == nil)
        // Another program slows one worker: that is told.
        #expect(Self.cause("load_imbalance") { ($0.loadBalance, $0.otherWorkFraction) = (0.75, 0.2) } == nil)
    }

    @Test func batchTooSmall() {
        let cause = Self.cause("batch_too_small") {
            ($0.stepSeconds, $0.shares["wait"]) = (4e-6, 0.3)
        }
        #expect(cause?.text == "a step of 4.0 µs is short beside its barriers: workers wait 30.0 % of their time")
        #expect(cause?.remedy == "--set training.batch=512")
        #expect(Self.cause("batch_too_small") { ($0.stepSeconds, $0.shares["wait"]) = (4e-6, 0.04) } == nil)
        #expect(Self.cause("batch_too_small") { $0.shares["wait"] = 0.3 } == nil)
    }

    @Test func waiting() {
        #expect(Self.cause("waiting") { $0.shares["wait"] = 0.2 }?.share == 0.2)
        #expect(Self.cause("waiting") { $0.shares["wait"] = 0.1 } == nil)
        #expect(Self.cause("waiting") { ($0.shares["wait"], $0.loadBalance) = (0.2, 0.8) } == nil)
    }

    @Test func gathering() {
        #expect(Self.cause("gathering") { $0.shares["gather"] = 0.3 }?.remedy.contains("data.shuffle=false") == true)
        #expect(Self.cause("gathering") { $0.shares["gather"] = 0.1 } == nil)
        #expect(Self.cause("gathering") { ($0.shares["gather"], $0.shuffles) = (0.3, false) } == nil)
    }

    @Test func update() {
        // Half of it goes with half as many updates.
        let cause = Self.cause("update") { ($0.shares["update"], $0.shares["sum"]) = (0.2, 0.2) }
        #expect(cause?.share == 0.2 && cause?.gain == 0.25)
        #expect(Self.cause("update") { $0.shares["update"] = 0.1 } == nil)
    }

    @Test func productsBelowPeak() {
        let cause = Self.cause("products_below_peak") { $0.productPeakFraction = 0.3 }
        #expect(abs(cause!.share - 0.47) < 1e-12 && cause?.remedy == "--set training.batch=512, or wider layers")
        #expect(
            Self.cause("products_below_peak") { ($0.productPeakFraction, $0.usesOpenBLAS) = (0.3, true) }?.remedy
                == "--set parallel.gemm=builtin")
        #expect(
            Self.cause("products_below_peak") { ($0.productPeakFraction, $0.isDouble) = (0.3, true) }?.remedy
                == "--set training.precision=float32")
        #expect(Self.cause("products_below_peak") { $0.productPeakFraction = 0.59 } == nil)
    }

    @Test func sharedCores() {
        let cause = Self.cause("shared_cores") { ($0.workers, $0.workersOnSharedCores) = (4, 4) }
        #expect(cause?.share == 0.5 && cause?.remedy == "one worker a core: --workers 2")
        #expect(Self.cause("shared_cores") { _ in } == nil)
    }

    @Test func unevenSteps() {
        let cause = Self.cause("uneven_steps") { $0.slowStepRatio = 3 }
        #expect(cause?.share == 0.02 && cause?.text == "one step of a hundred takes 3.0 times the median")
        #expect(Self.cause("uneven_steps") { $0.slowStepRatio = 1.2 } == nil)
        #expect(Self.cause("uneven_steps") { ($0.slowStepRatio, $0.otherWorkFraction) = (3, 0.2) } == nil)
    }

    @Test func everyRuleIsTested() {
        #expect(
            ProfileRule.all.map(\.name) == [
                "busy_neighbour", "throttled", "shards_too_few", "fork_join", "fewer_workers_are_faster",
                "load_imbalance", "batch_too_small", "waiting", "gathering", "update", "products_below_peak",
                "shared_cores", "uneven_steps",
            ])
    }
}
