import Foundation
import Testing

/// What a training tells of its time, in events and to people.
@Suite struct TrainTimeTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(
            """
            data: {synthetic: {task: teacher, samples: 6000, inputs: 24, classes: 5}, validation: 0.2}
            network: {layers: [{name: hidden, units: 48, activation: relu}, {name: output, units: 5}], output: softmax}
            training: {batch: 128, epochs: 8}
            parallel: {gemm: builtin, placement: none, workers: 2, groups: 2}
            run: {checkpoint: {every: epoch}}
            """, to: "teacher.yaml")
    }

    @Test func theTimeOfTheWholeTrainingIsTold() throws {
        let outcome = try workplace.run("train", "teacher.yaml", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let events = try outcome.events()
        let done = try #require(events.last)
        let time = try #require(done["time"] as? [String: Double])
        func seconds(_ part: String) throws -> Double { try #require(time[part + "_seconds"]) }
        let all = try #require(time["seconds"])
        let parts = try ["loading", "validation", "checkpoint"].map(seconds)
        let training = try seconds("training")
        #expect(training > 0 && parts.allSatisfy { $0 > 0 })
        let sum: Double = parts.reduce(training, +)
        #expect(sum < all)
        let epochs = events.filter { $0["event"] as? String == "epoch" }
        let ofEpochs: Double = epochs.compactMap { $0["seconds"] as? Double }.reduce(0, +)
        #expect(abs(ofEpochs - training) < 1e-9)

        let fractions = try #require(done["step_fractions"] as? [String: Double])
        #expect(Set(fractions.keys) == ["products", "waiting", "gathering", "update", "loss_function"])
        let total: Double = fractions.values.reduce(0, +)
        #expect(abs(total - 1) < 1e-9 && fractions.values.allSatisfy { $0 > 0 })
        // The largest is one of the parts or of the steps' activities, as a fraction of all.
        var candidates: [String: Double] = [
            "loading": parts[0] / all, "validation": parts[1] / all, "checkpoints": parts[2] / all,
        ]
        for (name, fraction) in fractions where name != "products" { candidates[name] = fraction * training / all }
        let largest = try #require(done["largest_overhead"] as? [String: Any])
        let expected = try #require(candidates.max { $0.value < $1.value })
        let fraction = try #require(largest["fraction"] as? Double)
        #expect(largest["name"] as? String == expected.key && abs(fraction - expected.value) < 1e-9)

        // Of an epoch, without what is no training; the first steps are not measured.
        for epoch in epochs {
            let ceiling = try #require(epoch["ceiling_fraction"] as? Double)
            #expect(ceiling > 0 && ceiling <= 1)
        }
        let ofLastEpoch = try #require(epochs.last?["largest_overhead"] as? [String: Any])
        let name = try #require(ofLastEpoch["name"] as? String)
        #expect(name != "products" && fractions[name] != nil)
    }

    @Test func peopleAreToldToo() throws {
        let outcome = try workplace.run("train", "teacher.yaml")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        for pattern in [
            #"  steps +\d.* % products, \d.* % waiting, \d.* % gathering, \d.* % update, \d.* % loss function"#,
            #"  time +\d.* % loading, \d.* % training, \d.* % validation, \d.* % checkpoints, \d.* % other"#,
            #"  overhead +\d.* % of the time \(the largest: [a-z ]+\)"#,
        ] {
            let line = try Regex(pattern)
            #expect(outcome.output.split(separator: "\n").contains { $0.wholeMatch(of: line) != nil }, "\(pattern)")
        }
        let epochs = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("epoch 8/8") }
        #expect(epochs.last?.contains(#/samples/s  \d+ % of the peak  [a-z ]+ \d+ %  /#) == true, "\(epochs)")
    }
}
