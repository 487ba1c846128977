import Foundation
import LoomConfiguration
import LoomData
import LoomHardware
import LoomKernels
import LoomModel
import LoomRuns
import LoomTraining

/// A trained network: it predicts, is measured, and is saved.
///
///     let model = try await Model.train(source, network: NetworkSettings(units: [64, 10], output: .softmax))
///     let probabilities = try model.predict(sample)
///     try model.save(to: "digits.safetensors")
///
/// A model never changes, and any number of threads may use one at the same time.
public final class Model: Sendable {
    /// What was trained, and how.
    public let configuration: Configuration
    /// What its training came to; nil for a model that was read from a file.
    public let training: TrainingResult?
    /// What the training detected or decided about data and machine, as sentences; none for a model from a file.
    public let notes: [String]
    let file: ModelFile
    private let pool: PredictorPool
    private let wholeMachine: WholeMachineModel

    /// The model that `checkpoint` holds.
    /// - Throws: `ModelError`, `SafetensorsError`: configuration and checkpoint do not fit together.
    init(_ file: ModelFile, training: TrainingResult? = nil, notes: [String] = []) throws {
        (self.file, self.training, self.notes) = (file, training, notes)
        configuration = file.configuration
        let model: SavedModel<Float> = try file.model(workers: 1, policy: PlacementPolicy.none)
        pool = PredictorPool(model)
        classNames = model.classCount.map { (0..<$0).map(model.className) }
        wholeMachine = WholeMachineModel(file)
    }

    // MARK: Facts

    /// The number of features of a sample.
    public var inputs: Int { pool.model.network.inputs }
    /// The number of outputs: classes, decisions or target columns.
    public var outputs: Int { pool.model.network.outputs }
    /// The names of the features, where they are known.
    public var featureNames: [String]? { pool.model.featureNames }
    /// The names of the target columns, where they are known.
    public var targetNames: [String]? { pool.model.targetNames }
    /// The steps of training that it has behind it.
    public var step: Int { pool.model.step }

    /// The classes of a classification, in the order of the outputs (of two classes, one output may be the probability of the
    /// second), as the training data wrote them; nil: it is none.
    public let classNames: [String]?

    // MARK: Predictions

    /// The prediction for one sample, in float32, on the calling thread.
    /// - Parameter sample: `inputs` features, as they were in the training data: a standardisation is part of the model.
    /// - Returns: `outputs` numbers: with softmax, the probability of every class.
    /// - Throws: `ModelError`: another number of features.
    public func predict(_ sample: [Float]) throws(ModelError) -> [Float] {
        let predictor = pool.take()
        defer { pool.giveBack(predictor) }
        return try predictor.predict(sample)
    }

    /// The predictions for any number of samples, in float32, on the calling thread.
    /// - Parameter samples: Samples × `inputs`, row by row.
    /// - Returns: Samples × `outputs`, row by row.
    /// - Throws: `ModelError`: no whole number of samples.
    public func predict(samples: [Float]) throws(ModelError) -> [Float] {
        guard samples.count.isMultiple(of: inputs) else {
            throw ModelError("\(samples.count) numbers are no samples of \(inputs) features each")
        }
        let count = samples.count / inputs
        let predictor = pool.take()
        defer { pool.giveBack(predictor) }
        return [Float](unsafeUninitializedCapacity: count * outputs) { predictions, initialized in
            samples.withUnsafeBufferPointer { samples in
                for row in 0..<count {
                    predictor.predict(
                        UnsafeBufferPointer(rebasing: samples[row * inputs..<(row + 1) * inputs]),
                        into: UnsafeMutableBufferPointer(rebasing: predictions[row * outputs..<(row + 1) * outputs]))
                }
            }
            initialized = count * outputs
        }
    }

    /// The predictions for all samples of `source`, in the precision of the training, by all cores: samples × `outputs`, row by
    /// row. One such call at a time has the cores; others wait.
    /// - Throws: `DataError` for data that do not go with those of the training.
    public func predict(_ source: any DataSource) throws -> [Double] {
        try wholeMachine.use { try $0.predictions(source) }
    }

    /// A predictor for a thread that has many single samples: it allocates nothing.
    public func predictor() -> Predictor<Float> { pool.model.predictor() }

    /// The class that `prediction` says, as the training data wrote it: that with the largest probability, of equal ones the
    /// first; with one output the second class from 0.5 on. Nil: this is no classification.
    public func className(of prediction: [Float]) -> String? {
        guard let classNames, prediction.count == outputs else { return nil }
        if outputs == 1 { return classNames[prediction[0] >= 0.5 ? 1 : 0] }
        return classNames[prediction.indices.reduce(0) { prediction[$1] > prediction[$0] ? $1 : $0 }]
    }

    /// The loss of the training and the accuracy on `source`.
    /// - Throws: `DataError` for data that do not go with those of the training.
    public func evaluate(_ source: any DataSource) throws -> Evaluation { try measure(source).evaluation }

    /// The same, with the other measures of the task.
    /// - Throws: `DataError` for data that do not go with those of the training.
    public func measure(_ source: any DataSource) throws -> PredictionMeasures {
        try wholeMachine.use { try $0.measure(source) }
    }

    // MARK: Files

    /// Writes the model into one safetensors file, whole or not at all: parameters, standardisation, names, and the
    /// configuration in the metadata. Commands take it in the place of a run.
    /// - Throws: `AtomicFile.WriteError`.
    public func save(to path: String) throws { try file.write(to: path) }

    /// Writes the model into the file at `url`.
    /// - Throws: `AtomicFile.WriteError`.
    public func save(to url: URL) throws { try save(to: url.path) }

    /// Reads a model from a file that `save(to:)` wrote, or the best one, or else the newest, of a run directory.
    /// - Throws: `SafetensorsError`, `ModelError`, `ConfigurationError`, `RunDirectoryError`, `RunError`: what is wrong with it.
    public convenience init(contentsOf path: String) throws { try self.init(ModelFile(path)) }

    /// Reads a model from a file or a run directory.
    /// - Throws: As `init(contentsOf:)` of a path.
    public convenience init(contentsOf url: URL) throws { try self.init(contentsOf: url.path) }
}

/// Predictors that nobody uses at the moment.
private final class PredictorPool: @unchecked Sendable {
    // Sendable: the list is used under the lock, a predictor by whoever took it, and nobody evaluates with `model`.
    let model: SavedModel<Float>
    private let lock = NSLock()
    private var idle: [Predictor<Float>] = []

    init(_ model: SavedModel<Float>) { self.model = model }

    func take() -> Predictor<Float> {
        lock.withLock { idle.popLast() } ?? model.predictor()
    }

    func giveBack(_ predictor: Predictor<Float>) { lock.withLock { idle.append(predictor) } }
}

/// The model with all cores, made when it is first used.
private final class WholeMachineModel: @unchecked Sendable {
    // Sendable: the model is made and used under the lock.
    private let file: ModelFile
    private let lock = NSLock()
    private var model: (any SourcePredicting)?

    init(_ file: ModelFile) { self.file = file }

    func use<Result>(_ body: (any SourcePredicting) throws -> Result) throws -> Result {
        try lock.withLock {
            let model = try self.model ?? made()
            self.model = model
            return try body(model)
        }
    }

    private func made() throws -> any SourcePredicting {
        // Nobody is bound to a place, and no CPU is kept from a training.
        switch file.configuration.training.precision.scalar {
        case .float32: try file.model(policy: PlacementPolicy.none) as SavedModel<Float>
        case .float64: try file.model(policy: PlacementPolicy.none) as SavedModel<Double>
        }
    }
}

/// A model in either precision.
private protocol SourcePredicting {
    func predictions(_ source: any DataSource) throws -> [Double]
    func measure(_ source: any DataSource) throws -> PredictionMeasures
}

extension SavedModel: SourcePredicting {
    fileprivate func predictions(_ source: any DataSource) throws -> [Double] {
        try predict(source).array.map { Double($0) }
    }
}
