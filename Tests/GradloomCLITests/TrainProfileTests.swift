import Foundation
import Testing

/// `gradloom train --profile`.
@Suite struct TrainProfileTests {
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

    @Test func theProfileIsThatOfTheTraining() throws {
        let outcome = try workplace.run("train", "teacher.yaml", "--json", "--profile", "p.json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let text = try workplace.read("p.json")
        let event = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let profile = try workplace.run("profile", "teacher.yaml", "--seconds", "0.1", "--json")
        #expect(try Set(event.keys) == Set(profile.lastEvent().keys))
        #expect(event["event"] as? String == "profile" && event["workers"] as? Int == 2)
        #expect(event["overhead_fraction"] is NSNull && event["held_out"] is NSNull)
        let accounted = try #require(event["accounted_fraction"] as? Double)
        #expect(accounted > 0)
        let operations = try #require(event["operations"] as? [[String: Any]])
        for worker in 0..<2 {
            let own = operations.filter { $0["worker"] as? Int == worker }
            let share: Double = own.compactMap { $0["share"] as? Double }.reduce(0, +)
            #expect(abs(share - 1) < 1e-9)
            #expect(own.contains { $0["kind"] as? String == "forward" && $0["layer"] is NSNull })
        }
        let scaling = try #require(event["scaling"] as? [[String: Any]])
        #expect(scaling.count == 1 && scaling[0]["efficiency"] as? Double == 1)
        let provenance = try #require(event["provenance"] as? [String: Any])
        #expect(provenance["configuration"] as? String == "teacher.yaml" && provenance["batch"] as? Int == 128)
        #expect(
            provenance["command"] as? [String] == [
                "gradloom", "train", "teacher.yaml", "--json", "--profile", "p.json",
            ])

        // The same bits as without, and with all that is measured while it runs.
        let other = try workplace.run("train", "teacher.yaml", "--json", "--workers", "1")
        #expect(try hash(outcome) == hash(other))
    }

    private func hash(_ outcome: Outcome) throws -> String {
        try #require(try outcome.lastEvent()["parameter_hash"] as? String)
    }

    @Test func aProfileThatCannotBe() throws {
        let short = try workplace.run(
            "train", "teacher.yaml", "--quiet", "--profile", "p.json", "--set", "training.steps=1")
        #expect(short.exitCode == 1 && !FileManager.default.fileExists(atPath: workplace.url("p.json").path))
        #expect(
            short.errors
                == "error: the training was too short for a profile: no step was measured, and ‘p.json’ was not written\n"
        )
        // Before the first step, not after hours.
        let refused = try workplace.run("train", "teacher.yaml", "--quiet", "--profile", "none/p.json")
        #expect(
            refused.exitCode == 74 && refused.errors.contains("cannot write ‘none/p.json’: cannot create a file in"))
        #expect(try workplace.names(in: "runs").count == 1)
    }
}
