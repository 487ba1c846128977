import LoomConfiguration
import LoomInterchange
import LoomKernels
import LoomModel
import LoomRuns
import LoomTraining

/// What a run writes beside its metrics, for other programs, where that was asked for.
struct RunCompanions {
    private let settings: RunSettings
    private let directory: RunDirectory
    private let table: EpochTable?
    private let board: TensorBoardFile?

    /// Opens the files; what is in them of steps after `step` is removed.
    /// - Throws: `AtomicFile.WriteError`.
    init(_ settings: RunSettings, directory: RunDirectory, step: Int) throws {
        (self.settings, self.directory) = (settings, directory)
        table = settings.csv ? try EpochTable(in: directory.path, keepingUpTo: step) : nil
        board = settings.tensorBoard ? try TensorBoardFile(in: directory.path, keepingUpTo: step) : nil
    }

    /// The files of a training that goes on from an earlier step.
    func rolledBack(to step: Int) throws -> RunCompanions {
        try RunCompanions(settings, directory: directory, step: step)
    }

    /// Adds an epoch that `trainer` has just finished.
    func add<Scalar: LoomScalar>(_ epoch: EpochEvent, of trainer: Trainer<Scalar>) throws {
        let learningRate = trainer.learningRate
        try table?.append(epoch, learningRate: learningRate)
        guard let board else { return }
        let numbers: [(tag: String, value: Double?)] = [
            ("loss/training", epoch.loss), ("loss/validation", epoch.validationLoss),
            ("accuracy/training", epoch.accuracy),
            ("accuracy/validation", epoch.validationAccuracy), ("learning_rate", learningRate),
            ("speed/samples_per_second", epoch.samplesPerSecond),
        ]
        var point = TensorBoardFile.Point(
            step: epoch.step, numbers: numbers.compactMap { tag, value in value.map { (tag, $0) } })
        if settings.histograms {
            let parameters = trainer.parameters
            point.histograms = parameters.layout.tensors.enumerated().map { index, tensor in
                (tensor.name, Histogram(parameters.rows(index).lazy.flatMap { $0 }.map { Double($0) }))
            }
        }
        try board.append(point)
    }
}
