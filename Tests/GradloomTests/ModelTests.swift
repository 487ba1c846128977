import Foundation
import Gradloom
import TestSupport
import Testing

/// A trained network in a program.
@Suite struct ModelTests {
    private static func features(_ index: Int) -> [Float] {
        let angle = Float(index) * 2.399_963
        return [1000 + 300 * cos(angle), 0.01 * sin(angle)]
    }

    /// A task of three classes in the plane, whose features are of very different sizes.
    private static func samples(_ count: Int = 600, weights: [Double]? = nil) throws -> MemorySource {
        var inputs: [Float] = []
        var labels: [Float] = []
        for index in 0..<count {
            let place = features(index)
            inputs += place
            labels.append(place[0] > 1150 ? 2 : place[1] > 0 ? 1 : 0)
        }
        return try MemorySource(
            inputs: inputs, features: 2, targets: labels, weights: weights, featureNames: ["east", "north"],
            classNames: ["south", "north", "east"], name: "circle")
    }

    private static func trained(
        _ source: any DataSource, epochs: Int = 20, onEvent: ((TrainingEvent) -> Void)? = nil
    ) async throws -> Model {
        var training = TrainingSettings()
        (training.batch, training.epochs) = (32, epochs)
        return try await Model.train(
            source, validation: .fraction(0.25), network: NetworkSettings(units: [16, 3], output: .softmax),
            optimizer: OptimizerDescription(kind: .adam, learningRate: 0.02), training: training, standardize: true,
            onEvent: onEvent)
    }

    @Test func trainsPredictsAndIsMeasured() async throws {
        let source = try Self.samples()
        var losses: [Double] = []
        let model = try await Self.trained(source) { event in
            if case .epochEnded(let epoch) = event { losses.append(epoch.training.loss) }
        }
        #expect(losses.count == 20 && losses[19] < 0.5 * losses[0])
        #expect(model.training?.end == .completed && model.step == 20 * 15)
        #expect(try model.evaluate(source).accuracy! > 0.95)
        #expect(model.inputs == 2 && model.outputs == 3 && model.featureNames == ["east", "north"])
        #expect(model.classNames == ["south", "north", "east"])
        let east = try model.predict([1300, 0])
        #expect(model.className(of: east) == "east")
        #expect(abs(east.reduce(0, +) - 1) < 1e-6)
    }

    /// One sample, many samples, a source, a predictor, and many tasks at once: the same bits.
    @Test func allWaysOfPredictingHaveTheSameBits() async throws {
        let source = try Self.samples(300)
        let model = try await Self.trained(source, epochs: 2)
        let all = try model.predict(source).map { Float($0) }
        let inputs = (0..<300).flatMap { Self.features($0) }
        #expect(try model.predict(samples: inputs) == all)
        let predictor = model.predictor()
        for index in 0..<300 {
            let sample = Array(inputs[2 * index..<2 * index + 2])
            #expect(try predictor.predict(sample) == Array(all[3 * index..<3 * index + 3]))
        }
        let wrong = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<300).count { index in
                        let prediction = try? model.predict(Array(inputs[2 * index..<2 * index + 2]))
                        return prediction != Array(all[3 * index..<3 * index + 3])
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
    }

    /// Far out, the other classes' probabilities are below the smallest normal number: workers make 0 of them.
    @Test func subnormalProbabilitiesAreZeroInAllWays() async throws {
        let model = try await Self.trained(try Self.samples(300), epochs: 5)
        let inputs: [Float] = (0..<4000).flatMap { [1000 + 20 * Float($0), 0] }
        let all = try model.predict(try MemorySource(inputs: inputs, features: 2)).map { Float($0) }
        let single = try model.predict(samples: inputs)
        #expect(all.contains(0) && single == all)
        #expect(single.allSatisfy { !$0.isSubnormal })
    }

    @Test func anotherNumberOfFeaturesIsRefused() async throws {
        let model = try await Self.trained(try Self.samples(100), epochs: 1)
        let mistake = ModelError("the sample has 3 features, but the network has 2 inputs")
        #expect(throws: mistake) { try model.predict([1, 2, 3]) }
        #expect(throws: mistake) { try model.predictor().predict([1, 2, 3]) }
        #expect(throws: ModelError("3 numbers are no samples of 2 features each")) {
            try model.predict(samples: [1, 2, 3])
        }
        #expect(model.className(of: [1]) == nil)
    }

    @Test func savedAndReadItIsTheSame() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("model.safetensors")
        let source = try Self.samples(200)
        let model = try await Self.trained(source, epochs: 3)
        try model.save(to: path)
        let read = try Model(contentsOf: URL(fileURLWithPath: path))
        #expect(try read.predict(source) == model.predict(source))
        #expect(read.classNames == model.classNames && read.featureNames == model.featureNames)
        #expect(read.step == model.step && read.training == nil)
        #expect(read.configuration == model.configuration)
        // What was read is saved as what was trained.
        try read.save(to: folder.path("again.safetensors"))
        #expect(try folder.data("again.safetensors") == folder.data("model.safetensors"))
    }

    /// Its tensors look like those of an optimizer.
    @Test func aLayerMayBeCalledOptimizer() async throws {
        let folder = try TemporaryFolder()
        let layers = [LayerDescription(name: "optimizer", units: 3)]
        let model = try await Model.train(
            try Self.samples(60), network: NetworkSettings(layers: layers, output: .softmax))
        try model.save(to: folder.path("m.safetensors"))
        #expect(try Model(contentsOf: folder.path("m.safetensors")).predict([1000, 0]) == model.predict([1000, 0]))
    }

    @Test func whatIsNoModelIsRefused() throws {
        let folder = try TemporaryFolder()
        let plain = folder.path("plain.safetensors")
        try Safetensors(tensors: [], metadata: [:]).write(to: plain)
        let error = #expect(throws: ModelError.self) { try Model(contentsOf: plain) }
        #expect(error?.description.contains("has no configuration in its metadata, so it is no saved model") == true)
        #expect(throws: RunDirectoryError.notFound(path: "nowhere")) { try Model(contentsOf: "nowhere") }
        let other = #expect(throws: ModelError.self) { try Model(contentsOf: ProjectFolder.path("README.md")) }
        #expect(other?.description.contains("neither a run directory nor a file with a saved model") == true)
        try Data("damaged".utf8).write(to: URL(fileURLWithPath: plain))
        #expect(throws: SafetensorsError.self) { try Model(contentsOf: plain) }
    }

    /// A model trained in float64 is kept in float64.
    @Test func float64IsKept() async throws {
        let folder = try TemporaryFolder()
        var training = TrainingSettings()
        (training.batch, training.epochs, training.precision) = (4, 2, .float64)
        let source = try MemorySource(
            inputs: [0.1, 0.7, 0.3, 0.9] as [Double], features: 1, targets: [1, 2, 3, 4.5] as [Double])
        let model = try await Model.train(
            source, network: NetworkSettings(units: [3, 1], activation: .tanh, output: .identity), training: training)
        let predictions = try model.predict(source)
        #expect(predictions.contains { Double(Float($0)) != $0 })
        let single = try model.predict([0.1])[0]
        #expect(abs(Double(single) - predictions[0]) < 1e-6 && model.classNames == nil)
        try model.save(to: folder.path("m.safetensors"))
        #expect(try Model(contentsOf: folder.path("m.safetensors")).predict(source) == predictions)
    }

    /// Going on from a model is going on from its parameters.
    @Test func trainingGoesOnFromAModel() async throws {
        let source = try Self.samples()
        let first = try await Self.trained(source, epochs: 20)
        var configuration = first.configuration
        configuration.training.epochs = 1
        configuration.training.batch = 450
        var losses: [Double] = []
        _ = try await Model.train(configuration, samples: GivenSamples(training: source), from: first) { event in
            if case .epochEnded(let epoch) = event { losses.append(epoch.training.loss) }
        }
        let expected = try first.evaluate(source).loss
        #expect(losses.count == 1 && abs(losses[0] - expected) < 0.05)
    }

    @Test func weightsCount() async throws {
        // All samples of the classes south and north have no weight.
        let unweighted = try Self.samples()
        var targets = [Double](repeating: 0, count: 600)
        targets.withUnsafeMutableBufferPointer { targets in
            let view = MatrixView(pointer: targets.baseAddress!, rows: 600, columns: 1, stride: 1)
            let rows = (0..<600).map { UInt64($0) }
            try? unweighted.fill(rows: rows[...], inputs: nil, targets: view)
        }
        let model = try await Self.trained(try Self.samples(weights: targets.map { $0 == 2 ? 1 : 0 }))
        #expect(model.className(of: try model.predict([1000, 0.01])) == "east")
        #expect(model.className(of: try model.predict([700, 0])) == "east")
    }
}

/// How a training in a program goes on, and ends.
@Suite struct TrainingSessionTests {
    /// Samples without end, made by a type of the program's own.
    private struct Parity: DataSource {
        let name = "parity"
        let count: Int
        let featureCount = 4
        let targetColumns = TargetColumns(count: 1, form: .classIndices(classes: 2))

        func fill(
            rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
        ) throws(DataError) {
            for (position, row) in rows.enumerated() {
                if row == 13, count == 666 {
                    throw DataError(.badData, source: name, problem: "no luck", remedy: "none")
                }
                let bits = Int(row) % 16
                for bit in 0..<4 { inputs?[position, bit] = Double(bits >> bit & 1) }
                targets?[position, 0] = Double(bits.nonzeroBitCount & 1)
            }
        }
    }

    private static func settings(epochs: Int) -> TrainingSettings {
        var training = TrainingSettings()
        (training.batch, training.epochs) = (16, epochs)
        return training
    }

    private static let network = NetworkSettings(units: [16, 2], activation: .tanh, output: .softmax)
    private static let adam = OptimizerDescription(kind: .adam, learningRate: 0.01)

    private static func session(_ source: Parity, epochs: Int, rate: Double = 0.01) -> TrainingSession {
        TrainingSession(
            Configuration(
                data: DataDescription(source: .custom(CustomDescription(name: "parity"))), network: network,
                optimizer: OptimizerDescription(kind: .sgd, learningRate: rate), training: settings(epochs: epochs)),
            samples: GivenSamples(training: source))
    }

    @Test func samplesOfAnOwnTypeTrain() async throws {
        let model = try await Model.train(
            Parity(count: 64), network: Self.network, optimizer: Self.adam, training: Self.settings(epochs: 400))
        #expect(try model.evaluate(Parity(count: 16)).accuracy == 1)
        #expect(model.classNames == ["0", "1"])
    }

    @Test func whatTheSamplesThrowIsThrown() async throws {
        let error = await #expect(throws: DataError.self) {
            try await Model.train(Parity(count: 666), network: Self.network)
        }
        #expect(error?.problem == "no luck")
    }

    @Test func otherSamplesValidate() async throws {
        var validated: [Int] = []
        _ = try await Model.train(
            Parity(count: 64), validation: .source(Parity(count: 16)), network: Self.network,
            training: Self.settings(epochs: 2)
        ) { event in
            if case .epochEnded(let epoch) = event { validated.append(epoch.validation?.samples ?? 0) }
        }
        #expect(validated == [16, 16])
    }

    /// What has other columns would be read beyond its rows.
    @Test func otherFeaturesDoNotValidate() async throws {
        let narrow = try MemorySource(inputs: [1, 2, 3, 4, 5, 6] as [Float], features: 3, targets: [0, 1])
        let error = await #expect(throws: DataError.self) {
            try await Model.train(Parity(count: 64), validation: .source(narrow), network: Self.network)
        }
        #expect(error?.problem == "3 feature columns for validation, but 4 for training")
    }

    @Test func eventsComeWhileItTrainsAndEndWithIt() async throws {
        let session = Self.session(Parity(count: 64), epochs: 5)
        var epochs: [Int] = []
        for await event in session.events {
            if case .epochEnded(let epoch) = event { epochs.append(epoch.epoch) }
        }
        #expect(epochs == [0, 1, 2, 3, 4])
        #expect(try await session.model.training?.end == .completed)
    }

    /// The model behind a view, say: what it shows changes on the main actor alone.
    @MainActor private final class Display {
        private(set) var losses: [Double] = []

        func train() async throws {
            _ = try await Model.train(
                Parity(count: 64), network: TrainingSessionTests.network,
                training: TrainingSessionTests.settings(epochs: 3)
            ) { event in
                MainActor.assertIsolated()
                if case .epochEnded(let epoch) = event { self.losses.append(epoch.training.loss) }
            }
        }
    }

    @Test @MainActor func eventsComeOnTheActorOfTheCaller() async throws {
        let display = Display()
        try await display.train()
        #expect(display.losses.count == 3)
    }

    // Trainings that take hours unless they are ended. Tests wait for their beginning on their own threads: where others keep the
    // pool of tasks busy, an event would come late, and until then the training has the cores.
    private static let hours = 100_000_000

    @Test func stoppedItKeepsWhatItHas() async throws {
        for milliseconds in [100, 400, 1600, 6400, 25_600] {
            let session = Self.session(Parity(count: 64), epochs: Self.hours)
            usleep(UInt32(milliseconds * 1000))
            session.stop()
            do {
                let model = try await session.model
                #expect(model.training?.end == .interrupted && model.step > 0)
                return
            } catch TrainingError.stoppedBeforeFirstStep {
                // It had not begun yet.
            }
        }
        Issue.record("no training had begun")
    }

    /// Whether it has begun or not.
    @Test(arguments: [0, 300])
    func aCancelledTaskEndsItsTraining(milliseconds: Int) async throws {
        let task = Task {
            try await Model.train(
                Parity(count: 64), network: Self.network, optimizer: Self.adam,
                training: Self.settings(epochs: Self.hours))
        }
        usleep(UInt32(milliseconds * 1000))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func divergenceIsAnError() async throws {
        let session = Self.session(Parity(count: 64), epochs: 100, rate: 1e38)
        let error = await #expect(throws: TrainingError.self) { try await session.model }
        guard case .diverged? = error else { throw error! }
    }

    /// What a file could not say is refused where code says it.
    @Test func settingsInCodeAreChecked() async throws {
        var training = Self.settings(epochs: 1)
        training.batch = 0
        let error = await #expect(throws: ConfigurationError.self) {
            try await Model.train(Parity(count: 64), network: Self.network, training: training)
        }
        #expect(error?.description.contains("training.batch") == true, "\(String(describing: error))")
        await #expect(throws: ConfigurationError.self) {
            try await Model.train(Parity(count: 64), network: NetworkSettings(units: [], output: .softmax))
        }
    }

    @Test func samplesInMemoryAreChecked() {
        func problem(_ body: () throws -> Void) -> String? {
            do { try body() } catch { return (error as? DataError)?.problem }
            return nil
        }
        let values: [Float] = [1, 2, 3, 4]
        #expect(problem { _ = try MemorySource(inputs: values, features: 3) } == "4 numbers are no rows of 3")
        #expect(problem { _ = try MemorySource(inputs: values, features: 0) } == "4 numbers are no rows of 0")
        #expect(problem { _ = try MemorySource(inputs: [Float](), features: 2) } == "the data set is empty")
        #expect(
            problem { _ = try MemorySource(inputs: values, features: 2, targets: [1]) }
                == "1 rows of targets, but 2 of inputs in samples")
        #expect(
            problem { _ = try MemorySource(inputs: values, features: 2, targets: [1, 2], weights: [1]) }
                == "1 weights, but 2 samples")
        #expect(
            problem { _ = try MemorySource(inputs: values, features: 2, targets: [1, 2], weights: [1, -1]) }
                == "the weight is -1.0, expected a finite number, 0 or more")
        #expect(
            problem { _ = try MemorySource(inputs: values, features: 2, targets: [1, 2], classNames: ["a", "b"]) }
                == "the targets are whole numbers 1 … 2, but there are names of 2 classes")
        #expect(
            problem { _ = try MemorySource(inputs: values, features: 2, featureNames: ["a"]) }
                == "1 names of features, but 2 features")
    }

    @Test func targetsThatAreNotFiniteAreRefused() {
        #expect(throws: DataError.self) {
            try MemorySource(inputs: [1, 2] as [Float], features: 1, targets: [1, .nan])
        }
    }
}
