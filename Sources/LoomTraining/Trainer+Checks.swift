import LoomKernels
import LoomModel

extension Trainer {
    /// Whether network, loss, schedule and data go together.
    /// - Throws: `ModelError` naming what does not fit.
    static func check(
        _ network: Network<Scalar>, loss: LossDescription, schedule: TrainingSchedule, feed: SampleFeed<Scalar>
    ) throws {
        guard feed.featureCount == network.inputs else {
            throw ModelError(
                "the data has \(feed.featureCount) features, but the network expects \(network.inputs) inputs")
        }
        try schedule.check(samples: feed.sampleCount)
        let last = network.layers.last!
        switch feed.targets {
        case .labels(let classes) where classes > network.outputs:
            throw ModelError(
                "the data has \(classes) classes, but the last layer '\(last.name)' has \(last.units) units; "
                    + "give it \(classes)")
        case .values(let columns) where columns != network.outputs:
            throw ModelError(
                "the targets have \(columns) columns, but the last layer '\(last.name)' has \(last.units) "
                    + "units; both must be equal")
        case .labels where loss.kind != .crossEntropy || network.description.output != .softmax:
            throw ModelError("class indices need the output softmax and the loss cross_entropy")
        case nil:
            throw ModelError("the training data has no targets")
        default:
            break
        }
    }
}
