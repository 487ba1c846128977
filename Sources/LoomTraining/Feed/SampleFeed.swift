import LoomData
import LoomKernels

/// Where the samples of a training come from.
///
/// Whatever the feed, a sample has its index among all of them, and the order of an epoch is that of `SampleOrder`.
public enum SampleFeed<Scalar: LoomScalar>: Sendable {
    /// A data set in memory.
    case resident(Dataset<Scalar>)

    /// The number of samples.
    public var sampleCount: Int {
        switch self {
        case .resident(let data): data.count
        }
    }

    /// The features of a sample.
    public var featureCount: Int {
        switch self {
        case .resident(let data): data.featureCount
        }
    }

    /// What a sample's output is compared with; nil: nothing.
    var targets: FeedTargets? {
        switch self {
        case .resident(let data):
            switch data.targets {
            case .labels(_, let classes): .labels(classes: classes)
            case .values(let values): .values(columns: values.columns)
            case nil: nil
            }
        }
    }

    /// The feed with the memory of a batch of up to `capacity` samples: gathered there where the
    /// order is random, and read where they lie where it is that of the data set.
    func reserve(order: SampleOrder, capacity: Int) -> ResidentFeed<Scalar> {
        switch self {
        case .resident(let data):
            ResidentFeed(dataset: data, order: order, capacity: capacity)
        }
    }
}

/// The form of the targets of a feed.
enum FeedTargets {
    /// One class index below `classes`.
    case labels(classes: Int)
    /// As many values.
    case values(columns: Int)
}
