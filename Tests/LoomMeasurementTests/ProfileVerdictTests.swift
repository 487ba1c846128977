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
        (facts.batchRows, facts.configuredBatchRows, facts.shardCount, facts.shardRows) = (256, 256, 16, 16)
        facts.samples = 2000
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
        #expect(Self.cause("busy_neighbour") { ($0.workers, $0.otherWorkFraction) = (1, 0.2) }?.remedy == "end them")
    }

    @Test func throttled() {
        let cause = Self.cause("throttled") { $0.throttledFraction = 0.25 }
        #expect(cause?.share == 0.25)
        #expect(cause?.remedy == "raise the container's CPU limit, or use fewer workers: --workers 1")
        #expect(
            Self.cause("throttled") { ($0.workers, $0.throttledFraction) = (1, 0.25) }?.remedy
                == "raise the container's CPU limit")
        #expect(Self.cause("throttled") { $0.throttledFraction = 0.04 } == nil)
    }

    @Test func shardsTooFew() {
        let few: (inout ProfileFacts) -> Void = {
            ($0.workers, $0.shardCount, $0.batchRows, $0.configuredBatchRows) = (4, 3, 48, 48)
        }
        let cause = Self.cause("shards_too_few", few)
        #expect(cause?.share == 0.25)
        #expect(cause?.text == "a batch of 48 in 3 shards leaves 1 of 4 workers without samples")
        #expect(cause?.remedy == "--set training.batch=96, or --set parallel.shard_rows=12")
        // No more samples, and then a shard of one sample already.
        func remedy(_ change: (inout ProfileFacts) -> Void) -> String? {
            Self.cause("shards_too_few") {
                few(&$0)
                change(&$0)
            }?.remedy
        }
        #expect(remedy { $0.samples = 48 } == "--set parallel.shard_rows=12")
        #expect(remedy { $0.shardRows = 12 } == "--set training.batch=96")
        let single = Self.cause("shards_too_few") {
            ($0.shardCount, $0.shardRows, $0.batchRows, $0.samples) = (1, 1, 1, 1)
        }
        #expect(single?.text == "a batch of 1 in 1 shard leaves 1 of 2 workers without samples")
        #expect(single?.remedy == "--workers 1")
        #expect(Self.cause("shards_too_few") { ($0.workers, $0.shardCount) = (4, 4) } == nil)
    }

    @Test func forkJoin() {
        let cause = Self.cause("fork_join") { ($0.isForkJoin, $0.workers, $0.maximumWorkers) = (true, 8, 2) }
        #expect(cause?.share == 0.03 && cause?.remedy == "no more workers than free cores: --workers 2")
        #expect(
            Self.cause("fork_join") { ($0.isForkJoin, $0.workers, $0.maximumWorkers) = (true, 2, 2) }?.remedy
                == "no more workers than free cores: --workers 1")
        // It explains why they wait.
        var facts = Self.sound
        (facts.isForkJoin, facts.shares["wait"], facts.stepSeconds, facts.loadBalance) = (true, 0.9, 4e-6, 0.5)
        #expect(ProfileVerdict(facts).causes.map(\.rule) == ["fork_join"])
        #expect(Self.cause("fork_join") { ($0.isForkJoin, $0.workers) = (true, 1) } == nil)
    }

    @Test func fewerWorkersAreFaster() {
        let cause = Self.cause("fewer_workers_are_faster") { ($0.bestWorkers, $0.bestSpeedRatio) = (1, 1.25) }
        #expect(cause?.text == "1 worker is 25.0 % faster than 2" && cause?.remedy == "--workers 1")
        #expect(abs(cause!.gain - 0.25) < 1e-12)
        let many = Self.cause("fewer_workers_are_faster") {
            ($0.workers, $0.bestWorkers, $0.bestSpeedRatio) = (8, 2, 15.609)
        }
        #expect(many?.text == "2 workers are 15.6 times as fast as 8")
        #expect(Self.cause("fewer_workers_are_faster") { ($0.bestWorkers, $0.bestSpeedRatio) = (1, 1.04) } == nil)
    }

    @Test func loadImbalance() {
        let uneven = Self.cause("load_imbalance") {
            ($0.loadBalance, $0.shardCount, $0.batchRows, $0.configuredBatchRows) = (0.75, 3, 48, 48)
        }
        #expect(uneven?.share == 0.25)
        #expect(uneven?.remedy == "a batch that the workers divide evenly: --set training.batch=64")
        #expect(
            Self.cause("load_imbalance") { $0.loadBalance = 0.75 }?.remedy
                == "look for what slows one of them: gradloom doctor")
        let all = Self.cause("load_imbalance") {
            ($0.loadBalance, $0.shardCount, $0.batchRows, $0.samples) = (0.75, 3, 48, 50)
        }
        #expect(all?.remedy == "look for what slows one of them: gradloom doctor")
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
        // Not more than there are; and with weak scaling the batch of one worker.
        let few = Self.cause("batch_too_small") { ($0.stepSeconds, $0.shares["wait"], $0.samples) = (4e-6, 0.3, 300) }
        #expect(few?.remedy == "--set training.batch=300")
        let all = Self.cause("batch_too_small") { ($0.stepSeconds, $0.shares["wait"], $0.samples) = (4e-6, 0.3, 256) }
        #expect(all?.remedy == "fewer barriers to wait at: --workers 1")
        let weak = Self.cause("batch_too_small") {
            ($0.stepSeconds, $0.shares["wait"], $0.configuredBatchRows) = (4e-6, 0.3, 128)
        }
        #expect(weak?.remedy == "--set training.batch=256")
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
        let cause = Self.cause("update") { ($0.shares["update"], $0.shares["penalty"]) = (0.2, 0.2) }
        #expect(cause?.share == 0.4 && cause?.gain == 0.25)
        #expect(cause?.remedy == "half as many updates: --set training.batch=512")
        #expect(
            Self.cause("update") { ($0.shares["update"], $0.samples) = (0.4, 256) }?.remedy
                == "fewer parameters: narrower layers")
        // A penalty belongs to the update, and is named where there is one.
        #expect(
            cause?.text
                == "updating the parameters (update, penalty) takes 40.0 % of the time, once a batch whatever its size")
        #expect(Self.cause("update") { $0.shares["update"] = 0.1 } == nil)
    }

    @Test func productsBelowPeak() {
        let cause = Self.cause("products_below_peak") { $0.shapePeakFraction = 0.3 }
        #expect(abs(cause!.share - 0.47) < 1e-12 && cause?.remedy == "--set training.batch=512, or wider layers")
        #expect(
            cause?.text == "the shapes of the matrix products are slow: alone they reach 30.0 % of the arithmetic peak")
        #expect(
            Self.cause("products_below_peak") { ($0.shapePeakFraction, $0.usesOpenBLAS) = (0.3, true) }?.remedy
                == "--set parallel.gemm=builtin")
        #expect(
            Self.cause("products_below_peak") { ($0.shapePeakFraction, $0.isDouble) = (0.3, true) }?.remedy
                == "--set training.precision=float32")
        #expect(Self.cause("products_below_peak") { $0.shapePeakFraction = 0.59 } == nil)
        // Products that are slow in the training alone have no slow shapes.
        #expect(Self.cause("products_below_peak") { $0.productCeilingFraction = 0.3 } == nil)
        // A training's own profile knows nothing of them alone.
        let alone = Self.cause("products_below_peak") {
            ($0.shapePeakFraction, $0.areProductsMeasuredAlone) = (0.3, false)
        }
        #expect(alone?.text == "matrix products reach 30.0 % of the arithmetic peak, in 94.0 % of the time")
        // Twice as many numbers in a vector do not help where vectors are not full.
        let short = Self.cause("products_below_peak") {
            ($0.shapePeakFraction, $0.isDouble, $0.productSeconds, $0.samples) = (0.3, true, 0.9e-6, 256)
        }
        #expect(short?.remedy == "wider layers")
        // Half of their time is not theirs.
        let half = Self.cause("products_below_peak") { ($0.shapePeakFraction, $0.productCeilingFraction) = (0.3, 0.5) }
        #expect(abs(half!.share - 0.235) < 1e-12)
    }

    @Test func productsBelowCeiling() {
        let cause = Self.cause("products_below_ceiling") { $0.productCeilingFraction = 0.45 }
        // 94 % of the time, of which two fifths more than alone.
        #expect(abs(cause!.share - 0.94 * 0.4) < 1e-12)
        #expect(cause?.text == "matrix products reach 45.0 % of what they reach alone, in 94.0 % of the time")
        #expect(cause?.remedy == "a step that stays in the second-level cache: --set training.batch=128")
        #expect(
            Self.cause("products_below_ceiling") { ($0.productCeilingFraction, $0.fitsCache) = (0.45, true) }?.remedy
                == "gradloom doctor looks for what disturbs them: neighbours, clocks, cores far from each other")
        let short = Self.cause("products_below_ceiling") {
            ($0.productCeilingFraction, $0.fitsCache, $0.productSeconds) = (0.45, true, 0.2e-6)
        }
        #expect(
            short?.text
                == "matrix products of 200 ns are short beside their calls: they reach 45.0 % of what they reach alone, in "
                + "94.0 % of the time")
        #expect(short?.remedy == "--set training.batch=512, or wider layers")
        #expect(Self.cause("products_below_ceiling") { $0.productCeilingFraction = 0.74 } == nil)
        // Slow shapes are slow alone, too.
        #expect(Self.cause("products_below_ceiling") { $0.shapePeakFraction = 0.1 } == nil)
        // A neighbour explains it.
        #expect(
            Self.cause("products_below_ceiling") { ($0.productCeilingFraction, $0.otherWorkFraction) = (0.45, 0.2) }
                == nil)
    }

    @Test func updateMemoryBound() {
        func cause(_ change: (inout ProfileFacts) -> Void) -> ProfileCause? {
            Self.cause("update_memory_bound") {
                ($0.memoryShares, $0.memoryFractions) = (["update": 0.15, "sum": 0.05], ["update": 0.9, "sum": 0.7])
                change(&$0)
            }
        }
        let found = cause { _ in }
        #expect(abs(found!.share - 0.2) < 1e-12 && abs(found!.gain - 1 / 9.0) < 1e-12)
        #expect(found?.remedy == "half as many updates: --set training.batch=512")
        #expect(
            found?.text
                == "updating the parameters is limited by memory: 85.0 % of its bandwidth, in 20.0 % of the time; "
                + "more workers will not help")
        #expect(cause { $0.isDouble = true }?.remedy == "--set training.precision=float32: half the bytes")
        #expect(cause { $0.memoryShares = ["update": 0.04] } == nil)
        #expect(cause { $0.memoryShares = ["forward": 0.4, "gather": 0.4] } == nil)
    }

    @Test func gatherMemoryBound() {
        let cause = Self.cause("gather_memory_bound") {
            ($0.memoryShares, $0.memoryFractions) = (["gather": 0.2], ["gather": 0.8])
        }
        #expect(cause?.share == 0.2 && cause?.remedy.contains("data.shuffle=false") == true)
        #expect(
            cause?.text
                == "copying samples together is limited by memory: 80.0 % of its bandwidth, in 20.0 % of the time")
        #expect(
            Self.cause("gather_memory_bound") { ($0.memoryShares, $0.shuffles) = (["gather": 0.2], false) }?.remedy
                == "fewer inputs for a sample")
        #expect(Self.cause("gather_memory_bound") { $0.memoryShares = ["gather": 0.05, "update": 0.4] } == nil)
    }

    @Test func productsMemoryBound() {
        let cause = Self.cause("products_memory_bound") {
            ($0.memoryShares, $0.memoryFractions) = (
                ["forward": 0.2, "gradient": 0.2], ["forward": 0.8, "gradient": 0.7]
            )
        }
        #expect(cause?.share == 0.4 && cause?.gain == 0.25)
        #expect(cause?.remedy == "weights that serve more samples: --set training.batch=512")
        #expect(
            cause?.text == "matrix products are limited by memory: 75.0 % of its bandwidth, in 40.0 % of the time")
        #expect(Self.cause("products_memory_bound") { $0.memoryShares = ["forward": 0.05] } == nil)
        #expect(Self.cause("products_memory_bound") { $0.memoryShares = ["update": 0.5] } == nil)
    }

    /// Whoever changes the batch has changed it for all rules that want it.
    @Test func oneRemedyIsToldOnce() {
        var facts = Self.sound
        (facts.shares["update"], facts.memoryShares) = (0.4, ["update": 0.4])
        (facts.stepSeconds, facts.shares["wait"]) = (4e-6, 0.3)
        let causes = ProfileVerdict(facts).causes
        #expect(causes.map(\.rule) == ["batch_too_small"])
        #expect(causes[0].others == ["update", "update_memory_bound"] && causes[0].share == 0.3)
        // Another batch is another change.
        (facts.productCeilingFraction, facts.otherWorkFraction) = (0.3, 0)
        #expect(ProfileVerdict(facts).causes.map(\.rule) == ["products_below_ceiling", "batch_too_small"])
    }

    @Test func sharedCores() {
        let cause = Self.cause("shared_cores") { ($0.workers, $0.workersOnSharedCores) = (4, 4) }
        #expect(cause?.share == 0.5 && cause?.remedy == "one worker a core: --workers 2")
        #expect(Self.cause("shared_cores") { _ in } == nil)
    }

    @Test func unevenSteps() {
        let cause = Self.cause("uneven_steps") { $0.slowStepRatio = 3 }
        #expect(cause?.share == 0.02 && cause?.text == "one step of a hundred takes 3.0 times the median")
        #expect(cause?.remedy == "gradloom doctor looks for the reason")
        let preempted = Self.cause("uneven_steps") { ($0.slowStepRatio, $0.slowStepCause) = (3, .preempted) }
        #expect(
            preempted?.text
                == "one step of a hundred takes 3.0 times the median: in most slow ones another thread had a worker's core"
        )
        #expect(preempted?.remedy == "end what else runs on these cores, or leave it one: --workers 1")
        #expect(Self.cause("uneven_steps") { ($0.slowStepRatio, $0.slowStepCause) = (1.2, .preempted) } == nil)
        #expect(Self.cause("uneven_steps") { ($0.slowStepRatio, $0.otherWorkFraction) = (3, 0.2) } == nil)
    }

    @Test func everyRuleIsTested() {
        #expect(
            ProfileRule.all.map(\.name) == [
                "busy_neighbour", "throttled", "shards_too_few", "fork_join", "fewer_workers_are_faster",
                "load_imbalance", "batch_too_small", "waiting", "shared_cores", "uneven_steps", "gathering",
                "gather_memory_bound", "update", "update_memory_bound", "products_memory_bound", "products_below_peak",
                "products_below_ceiling",
            ])
    }
}
