import Foundation
import TestSupport
import Testing

/// Runs that earlier versions left go on.
@Suite struct EarlierRunTests {
    /// The fixture `earlier-runs.json`.
    private struct Fixture: Decodable {
        struct Run: Decodable {
            let revision: String
            let configuration, metrics: String
            let checkpoints: [String: Data]

            enum CodingKeys: String, CodingKey {
                case revision, checkpoints
                case configuration = "config.yaml"
                case metrics = "metrics.jsonl"
            }
        }
        let hash: String
        let data: String
        let runs: [Run]

        enum CodingKeys: String, CodingKey {
            case runs
            case data = "data.csv"
            case hash = "hash_after_six_epochs"
        }

        static func load() throws -> Fixture {
            let path = ProjectFolder.path("Tests/Fixtures/earlier-runs.json")
            return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        }
    }

    @Test(arguments: 0..<3) func everyFormOfCheckpointIsRead(index: Int) throws {
        let fixture = try Fixture.load()
        #expect(fixture.runs.count == 3)
        let (run, workplace) = (fixture.runs[index], try Workplace())
        try workplace.write(fixture.data, to: "data.csv")
        try workplace.write(
            run.configuration.replacing("DATA", with: workplace.url("data.csv").path), to: "runs/old/config.yaml")
        try workplace.write(run.metrics, to: "runs/old/metrics.jsonl")
        for (name, bytes) in run.checkpoints { try workplace.write(bytes, to: "runs/old/checkpoints/" + name) }
        let evaluated = try workplace.run("evaluate", "runs/old", "--json")
        #expect(evaluated.exitCode == 0, "\(evaluated.errors)")
        #expect(try evaluated.lastEvent()["step"] as? Int == 9)

        // What the bits were is not known of the first form, and the next ones had others with Adam: this is momentum.
        let arguments = ["train", "--resume", "runs/old", "--json", "--set", "training.epochs=6"]
        let refused = try workplace.run(arguments)
        #expect(refused.exitCode == 78 && refused.errors.contains("--accept-numerics"))
        let outcome = try workplace.run(arguments + ["--accept-numerics"])
        #expect(outcome.exitCode == 0, "\(run.revision): \(outcome.errors)")
        #expect(try outcome.lastEvent()["parameter_hash"] as? String == fixture.hash, "\(run.revision)")
        let epochs = try workplace.read("runs/old/metrics.jsonl").matches(of: /"epoch":(\d+),"event":"epoch"/)
        #expect(epochs.map { String($0.1) } == ["1", "2", "3", "4", "5", "6"])
    }
}
