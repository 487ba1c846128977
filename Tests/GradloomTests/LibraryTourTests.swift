import Foundation
import Gradloom
import TestSupport
import Testing

/// The samples of README.md and of the library tour, as they stand there between the marks. Their imports stand above them
/// there.
@Suite struct LibraryTourTests {
    @Test(arguments: [("README.md", 0), ("Sources/Gradloom/Gradloom.docc/LibraryTour.md", 1)])
    func documentedSamplesAreTheCompiledOnes(path: String, first: Int) throws {
        let blocks = try Document(path).blocks(language: "swift").map {
            $0.replacing(#/^(import [A-Za-z]+\n)+\n?/#, with: "")
        }
        let compiled = try Document("Tests/GradloomTests/LibraryTourTests.swift").markedSamples
        // README has the first one, the tour all others.
        #expect(blocks == (first == 0 ? [compiled[0]] : Array(compiled[first...])))
    }

    // MARK: README

    @Test func trainedOnDigits() async throws {
        let folder = try TemporaryFolder()
        #expect(try await Readme.train(folder) > 0.9)
    }

    /// Paths in samples are relative to the root of the repository, and what they write goes elsewhere.
    private enum Readme {
        static func CSVSource(path: String, options: CSVOptions) throws -> Gradloom.CSVSource {
            try Gradloom.CSVSource(path: ProjectFolder.path(path), options: options)
        }

        static func train(_ folder: TemporaryFolder) async throws -> Double {
            // sample begins
            let digits = try CSVSource(path: "configs/data/digits.csv", options: CSVOptions(label: .name("label")))
            let model = try await Model.train(
                digits, validation: .fraction(0.2), network: NetworkSettings(units: [64, 10], output: .softmax),
                optimizer: OptimizerDescription(kind: .adam, learningRate: 0.01),
                training: TrainingSettings(epochs: 40), standardize: true
            ) { event in
                if case .epochEnded(let epoch) = event { print(epoch.epoch + 1, epoch.validation?.accuracy ?? 0) }
            }
            print(try model.predict([Float](repeating: 8, count: 64)))
            // sample ends
            try model.save(to: folder.path("digits.safetensors"))
            return try Model(contentsOf: folder.path("digits.safetensors")).evaluate(digits).accuracy ?? 0
        }
    }

    // MARK: Tour

    @Test func trainedInMemory() async throws {
        // sample begins
        // Two features of each sample: is the point inside the circle?
        let inputs = (0..<2_000).map { _ in Float.random(in: -1...1) }
        let labels = stride(from: 0, to: 2_000, by: 2).map { index in
            let (x, y) = (inputs[index], inputs[index + 1])
            return Float(x * x + y * y < 0.6 ? 1 : 0)
        }
        let source = try MemorySource(inputs: inputs, features: 2, targets: labels, classNames: ["outside", "inside"])

        let model = try await Model.train(
            source, validation: .fraction(0.2), network: NetworkSettings(units: [32, 2], output: .softmax),
            optimizer: OptimizerDescription(kind: .adam, learningRate: 0.01),
            training: TrainingSettings(epochs: 60, batch: 50))
        print(try model.evaluate(source).accuracy ?? 0)
        // sample ends
        #expect(try model.evaluate(source).accuracy! > 0.9)
        #expect(model.className(of: try model.predict([0, 0])) == "inside")
        #expect(try Self.probabilities(model).count == 1000)
        let folder = try TemporaryFolder()
        try Self.saved(model, path: folder.path("circle.safetensors"))
    }

    // sample begins
    /// Noisy sine waves that nobody stores: each is made when the training asks for it.
    struct Waves: DataSource {
        let name = "waves"
        let count = 4_000
        let featureCount = 16
        let targetColumns = TargetColumns(count: 1, names: ["frequency"], form: .real(columns: 1))

        func fill(
            rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
        ) throws(DataError) {
            for (position, row) in rows.enumerated() {
                let frequency = 1 + Double(row % 97) / 97
                for time in 0..<featureCount { inputs?[position, time] = sin(frequency * Double(time) / 3) }
                targets?[position, 0] = frequency
            }
        }
    }
    // sample ends

    @Test func trainedOnAnOwnSource() async throws {
        let model = try await Model.train(
            Waves(), network: NetworkSettings(units: [32, 1], activation: .tanh, output: .identity),
            optimizer: OptimizerDescription(kind: .adam, learningRate: 0.003),
            training: TrainingSettings(epochs: 30, batch: 64))
        let regression = try #require(try model.measure(Waves()).regression)
        #expect("\(regression)" != "" && model.targetNames == ["frequency"])
        let configuration = model.configuration
        #expect(try await Self.watched(configuration, Waves()).step > 0)
    }

    static func watched(_ configuration: Configuration, _ source: some DataSource) async throws -> Model {
        // sample begins
        let session = TrainingSession(configuration, samples: GivenSamples(training: source))
        for await event in session.events {
            switch event {
            case .progress(_, _, let samplesPerSecond): print(samplesPerSecond)
            case .epochEnded(let epoch) where epoch.training.loss < 1e-3: session.stop()
            case .epochEnded, .rolledBack: break
            }
        }
        let model = try await session.model
        // sample ends
        return model
    }

    static func probabilities(_ model: Model) throws -> [Float] {
        // sample begins
        let predictor = model.predictor()
        let probabilities = try (0..<1_000).map { index in
            try predictor.predict([Float(index) / 1_000, 0])[1]
        }
        // sample ends
        return probabilities
    }

    static func saved(_ model: Model, path: String) throws {
        // sample begins
        try model.save(to: path)
        let same = try Model(contentsOf: path)
        print(same.inputs, same.classNames ?? [], same.step)
        // sample ends
    }

    @Test func trainedByAConfiguration() throws {
        #expect(try ByConfiguration.train() > 0.95)
    }

    private enum ByConfiguration {
        private enum Configuration {
            static func load(path: String) throws -> Gradloom.Configuration {
                try .load(path: ProjectFolder.path(path))
            }
        }

        static func train() throws -> Double {
            // sample begins
            let configuration = try Configuration.load(path: "configs/spirals.yaml")
            let machine = try MachineSetup(workers: nil, policy: .auto)
            let experiment = try Experiment<Float>(configuration, machine: machine)
            let result = try experiment.train(checkpoints: nil) { event in
                if case .epochEnded(let epoch) = event {
                    print(epoch.epoch + 1, epoch.training.loss, epoch.validation?.accuracy ?? 0)
                }
            }
            print(result.samplesPerSecond, experiment.trainer.parameters.hash)
            // sample ends
            return result.lastEpoch?.validation?.accuracy ?? 0
        }
    }
}
