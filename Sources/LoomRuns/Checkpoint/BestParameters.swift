import LoomKernels
import LoomModel
import LoomTraining

/// The parameters with the best validation so far.
final class BestParameters<Scalar: LoomScalar> {
    /// The step after which they were best; nil: none were yet, or they are lost.
    private(set) var step: Int?
    /// The parameters after that step.
    let buffer: ParameterBuffer<Scalar>
    /// Whether they are on disk, or about to be written.
    var isWritten = false
    private let trainer: Trainer<Scalar>

    init(_ trainer: Trainer<Scalar>) {
        self.trainer = trainer
        buffer = ParameterBuffer(layout: trainer.network.layout)
    }

    /// The trainer's parameters are the best now.
    func keep() {
        buffer.copy(from: trainer.parameters)
        (step, isWritten) = (trainer.step, false)
    }

    /// The trainer gets the best parameters.
    func restore() { if step != nil { trainer.parameters.copy(from: buffer) } }

    /// Reads those of `epoch`; where they are missing, later ones may be better, or the last ones stay.
    func load(epoch: Int, from checkpoints: CheckpointStore) throws {
        guard let (path, step) = checkpoints.best(after: trainer.steps(ofEpoch: epoch)) else { return }
        _ = try Checkpoint.restore(Safetensors(contentsOf: path), parameters: buffer)
        (self.step, isWritten) = (step, true)
    }

    /// None were yet.
    func forget() { (step, isWritten) = (nil, false) }
}
