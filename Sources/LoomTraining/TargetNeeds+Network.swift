import LoomData
import LoomModel

extension TargetNeeds {
    /// What `loss` on a network with the output map `output` and `outputs` units has to be given as targets.
    public init(loss: LossDescription, output: OutputMap, outputs: Int) {
        switch (loss.kind, output) {
        case (.crossEntropy, .softmax): self = .classes(outputs)
        case (.crossEntropy, _): self = .decisions(outputs)
        case (.squaredSum, _), (.halfSquared, _): self = .values(outputs)
        }
    }
}
