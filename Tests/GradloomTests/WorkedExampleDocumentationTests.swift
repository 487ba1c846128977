import Foundation
import GradloomInternals
import TestSupport
import Testing

/// The articles of the worked examples against the configurations and the fixtures.
@Suite struct WorkedExampleDocumentationTests {
    private static let folder = "Sources/Gradloom/Gradloom.docc"
    private static let examples = try! Document("\(folder)/WorkedExamples.md")
    private static let errata = try! Document("\(folder)/Errata.md")
    private static let seeds = ProjectFolder.configurations.filter { $0.hasPrefix("configs/seeds/") }

    @Test func everyConfigurationIsNamedAndExists() {
        let named = Set(Self.examples.text.matches(of: /`([a-z0-9][a-z0-9.-]*\.yaml)`/).map { String($0.1) })
        let names = Set(Self.seeds.map { String($0.split(separator: "/").last!) })
        #expect(named == names)
    }

    /// Every row of the fixtures' catalogue has a line.
    @Test func everyRowIsDescribed() {
        let rows = Self.rows(in: Self.examples.text)
        let errata = Self.rows(in: Self.errata.text)
        for id in SeedFixtures.shared.ids {
            for row in SeedFixtures.fixture(id)["catalogue_row"]!.elements!.compactMap(\.string) {
                #expect((row.hasPrefix("E") ? errata : rows).contains(row), "\(id): \(row)")
            }
        }
        #expect(rows.count == 96)
        #expect(errata.count == 79)
    }

    @Test(arguments: seeds)
    func configurationsNameTheirRowsAndCommands(path: String) throws {
        let text = try Document(path).text
        let catalogue = try #require(text.firstMatch(of: /(?m)^# Catalogue: (.*)$/)).1
        let known = Self.rows(in: Self.examples.text).union(Self.rows(in: Self.errata.text))
        let named = Self.rows(in: String(catalogue))
        #expect(!named.isEmpty)
        for row in named { #expect(known.contains(row), "\(path) names \(row)") }
        // Commands in comments are those of this file.
        for command in text.matches(of: /(?m)^#     gradloom [a-z]+ (\S+)/) { #expect(String(command.1) == path) }
    }

    @Test(arguments: seeds)
    func configurationsTrain(path: String) throws {
        let configuration = try Configuration.load(path: ProjectFolder.path(path), overrides: ["training.epochs=2"])
        guard !configuration.network.description(inputs: 1).hasThreshold else {
            #expect(throws: ConfigurationError.self) { try configuration.validateForTraining() }
            return
        }
        try configuration.validateForTraining()
        let machine = try MachineSetup(workers: 1, policy: .none)
        switch configuration.training.precision.scalar {
        case .float32: try train(configuration, machine, Float.self)
        case .float64: try train(configuration, machine, Double.self)
        }
    }

    private func train<Scalar: LoomScalar>(
        _ configuration: Configuration, _ machine: MachineSetup, _: Scalar.Type
    ) throws {
        let experiment = try Experiment<Scalar>(configuration, machine: machine)
        let before = experiment.trainer.parameters.hash
        var losses: [Double] = []
        _ = try experiment.train(checkpoints: nil) { event in
            if case .epochEnded(let epoch) = event { losses.append(epoch.training.loss) }
        }
        #expect(losses.count == 2 && losses.allSatisfy(\.isFinite))
        #expect(experiment.trainer.parameters.hash != before)
    }

    /// `S1.7`, `E4.13`, `SX.1`.
    private static func rows(in text: String) -> Set<String> {
        Set(text.matches(of: /\b[SE][0-4X]\.\d+/).map { String($0.0) })
    }
}
