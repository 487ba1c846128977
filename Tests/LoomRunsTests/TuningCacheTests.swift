import Foundation
import LoomConfiguration
import LoomHardware
import Testing

@testable import LoomRuns

@Suite struct TuningCacheTests {
    private let directory = FileManager.default.temporaryDirectory.appendingPathComponent("tuned-\(UUID().uuidString)")

    private func withCache(_ body: (TuningCache) throws -> Void) throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(TuningCache(path: directory.appendingPathComponent("tuned.json").path))
    }

    private func configuration(_ overrides: String...) throws -> Configuration {
        let yaml = """
            data: {synthetic: {task: teacher, samples: 100, inputs: 7, classes: 3}}
            network: {layers: [{units: 9, activation: tanh}, {units: 3}], output: softmax}
            training: {batch: 64}
            """
        return try Configuration(yaml: yaml, file: "a.yaml", overrides: overrides)
    }

    private let choice = TuningCache.Choice(
        workers: 1, placement: "none", shardRows: 32, route: .partition, date: "2026-01-31")

    @Test func aChoiceIsForItsOwnShapes() throws {
        try withCache { cache in
            #expect(cache.tuned(try configuration()) == nil)
            let isKept = cache.keep(choice, for: try .init(configuration(), inputs: 7))
            #expect(isKept)
            #expect(cache.tuned(try configuration())?.choice == choice)
            // What the samples are does not matter, nor how long is trained.
            #expect(cache.tuned(try configuration("data.synthetic.samples=500", "training.epochs=3")) != nil)
            for other in [
                "training.batch=32", "data.synthetic.inputs=8", "network.layers.0.units=10",
                "network.layers.0.activation=relu", "optimizer.kind=adam", "training.precision=float64",
                "loss.l2=0.1", "optimizer.clip_norm=1", "data.shuffle=false", "parallel.groups=1",
                "parallel.gemm=openblas", "parallel.instruction_set=baseline", "parallel.reproducible=fixed_workers",
                "network.output=sigmoid", "network.layers.0.bias=false",
            ] {
                #expect(cache.tuned(try configuration(other)) == nil, "\(other)")
            }
        }
    }

    @Test func theMachineIsPartOfTheKey() throws {
        let key = try TuningCache.Key(configuration(), inputs: 7)
        let text = String(decoding: try JSONEncoder().encode(key), as: UTF8.self)
        for name in ["cpu", "cpu_model", "allowed_cpus", "instruction_set"] { #expect(text.contains("\"\(name)\"")) }
        #expect(text.contains(MachineDescription.processorModel()))
    }

    @Test func onlyWhatIsLeftToTheProgramIsTuned() throws {
        try withCache { cache in
            _ = cache.keep(choice, for: try .init(configuration(), inputs: 7))
            let tuned = try #require(cache.tuned(configuration())?.configuration.parallel)
            #expect(
                tuned.workers == 1 && tuned.placement == .none && tuned.shardRows == 32 && tuned.route == .partition)
            #expect(cache.tuned(try configuration("parallel.workers=2")) == nil)
            let own = try #require(
                cache.tuned(
                    configuration(
                        "parallel.placement=compact", "parallel.shard_rows=16", "parallel.route=all_reduce"))?
                    .configuration.parallel)
            #expect(own.workers == 1 && own.placement == .compact && own.shardRows == 16 && own.route == .allReduce)
        }
    }

    @Test func aDamagedFileCountsAsEmpty() throws {
        try withCache { cache in
            _ = cache.keep(choice, for: try .init(configuration(), inputs: 7))
            for text in ["", "{", "[]", #"{"format": 99, "entries": []}"#] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: cache.path))
                #expect(cache.tuned(try configuration()) == nil)
            }
            let isKept = cache.keep(choice, for: try .init(configuration(), inputs: 7))
            #expect(isKept)
            #expect(cache.tuned(try configuration()) != nil)
        }
    }

    @Test func theMachineIsSetUpAsTuned() throws {
        try withCache { cache in
            _ = cache.keep(choice, for: try .init(configuration(), inputs: 7))
            let tuned = try TunedMachine(configuration(), cache: cache)
            #expect(tuned.machine.workers == 1 && tuned.machine.placement.policy == .none)
            #expect(tuned.configuration.parallel.shardRows == 32)
            #expect(
                tuned.machine.notes.first == "1 worker, placement none, as tuned here on 2026-01-31 (\(cache.path))")
            let other = try TunedMachine(configuration("training.batch=32"), cache: cache)
            #expect(
                !other.machine.notes.contains { $0.contains("tuned") } && other.configuration.parallel.workers == nil)
        }
    }

    /// With 100 samples a batch of 64 has a last one of 36, whose shards of 7 samples are other groups' than by rule.
    @Test func aChoiceThatWouldChangeBitsIsNotUsed() throws {
        try withCache { cache in
            var other = choice
            other.shardRows = 7
            _ = cache.keep(other, for: try .init(configuration(), inputs: 7))
            let tuned = try TunedMachine(configuration(), cache: cache)
            #expect(tuned.configuration.parallel.shardRows == nil && tuned.configuration.parallel.workers == nil)
            #expect(
                tuned.machine.notes.first
                    == "what was tuned here on 2026-01-31 would change the results with these data, and is not used: tune "
                    + "again (\(cache.path))")
            // The configuration's own wish is nothing that tuning changes.
            let own = try TunedMachine(configuration("parallel.shard_rows=7"), cache: cache)
            #expect(own.configuration.parallel.workers == 1 && own.configuration.parallel.shardRows == 7)
        }
    }

    @Test func damageIsTold() throws {
        try withCache { cache in
            #expect(cache.damage == nil)
            _ = cache.keep(choice, for: try .init(configuration(), inputs: 7))
            #expect(cache.damage == nil)
            for (text, isDamaged) in [
                ("", true), ("{", true), ("[]", true), (#"{"format": 1}"#, true), (#"{"format": 99}"#, false),
            ] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: cache.path))
                #expect((cache.damage != nil) == isDamaged, "\(text)")
            }
            try Data("{".utf8).write(to: URL(fileURLWithPath: cache.path))
            #expect(
                try TunedMachine(configuration(), cache: cache).machine.notes.first
                    == "\(cache.path) is damaged, and nothing of it is used; gradloom tune writes it anew")
        }
    }

    @Test func featuresAreCountedWithoutReadingSamples() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        func count(_ text: String, _ options: String = "label: y") throws -> Int {
            let path = directory.appendingPathComponent("x.csv").path
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            let yaml = """
                data: {csv: {path: \(path), \(options)}}
                network: {layers: [{units: 3}], output: softmax}
                """
            return try Configuration(yaml: yaml, file: "a.yaml").data.source.featureCount()
        }
        #expect(try count("a,b,y\n1,2,0\n") == 2)
        // What follows the first line is not looked at, however long it is.
        #expect(try count("a,b,y\n" + String(repeating: "nonsense\n", count: 20_000)) == 2)
        #expect(try count("\"a\nb\",y\n1,0\n") == 1)
        #expect(try count("a,b,y") == 2)
        // A header longer than what is looked at first.
        let names = (0..<20_000).map { "column\($0)" }.joined(separator: ",")
        #expect(try count("\(names),y\n") == 20_000)
        #expect(throws: (any Error).self) { try count("") }
        #expect(throws: (any Error).self) { try count("\"a,b\n1,2\n") }
        #expect(try configuration().data.source.featureCount() == 7)
    }
}
