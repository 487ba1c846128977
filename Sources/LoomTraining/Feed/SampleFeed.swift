import LoomData
import LoomKernels

/// Where the samples of a training come from.
///
/// Whatever the feed, a sample has its index among all of them, the order of an epoch is that of `SampleOrder`, and a training
/// comes to the same bits.
public enum SampleFeed<Scalar: LoomScalar>: Sendable {
    /// A data set in memory.
    case resident(Dataset<Scalar>)
    /// Samples that workers make in the batch, when it is their turn.
    case generated(GeneratedSamples)
    /// Samples whose inputs are read from files, batch by batch.
    case mapped(MappedSamples<Scalar>)

    /// The samples, where they are in memory.
    public var dataset: Dataset<Scalar>? {
        if case .resident(let data) = self { data } else { nil }
    }

    /// The number of samples.
    public var sampleCount: Int {
        switch self {
        case .resident(let data): data.count
        case .generated(let samples): samples.range.count
        case .mapped(let samples): samples.count
        }
    }

    /// The features of a sample.
    public var featureCount: Int {
        switch self {
        case .resident(let data): data.featureCount
        case .generated(let samples): samples.source.featureCount
        case .mapped(let samples): samples.source.featureCount
        }
    }

    /// The features' names where they are known.
    public var featureNames: [String]? {
        switch self {
        case .resident(let data): data.featureNames
        case .generated: nil
        case .mapped(let samples): samples.source.featureNames
        }
    }

    /// What the samples come from, for messages.
    public var sourceName: String {
        switch self {
        case .resident(let data): data.sourceName
        case .generated(let samples): samples.source.name
        case .mapped(let samples): samples.source.name
        }
    }

    /// Bytes that the samples take for as long as the feed lives.
    public var residentBytes: Int {
        switch self {
        case .resident(let data): data.byteCount
        case .generated: 0
        case .mapped(let samples): samples.targets.byteCount
        }
    }

    /// Whether samples count differently in the loss.
    var hasWeights: Bool {
        switch self {
        case .resident(let data): data.weights != nil
        case .generated(let samples): samples.classWeights != nil
        case .mapped(let samples): samples.targets.weights != nil
        }
    }

    /// The same samples, each of which counts as much as its class does in `classes`, times its number in `samples`; nil: once.
    /// - Throws: `DataError` as the feed's initialiser does.
    package func weighted(classes: [Double]?, samples weights: [Double]?) throws(DataError) -> SampleFeed {
        switch self {
        case .resident(let data): return .resident(data.weighted(classes: classes, samples: weights))
        case .mapped(let samples): return .mapped(samples.weighted(classes: classes, samples: weights))
        case .generated(let samples):
            precondition(weights == nil, "nobody keeps weights of samples that nobody keeps")
            return .generated(
                try GeneratedSamples(
                    samples.source, range: samples.range, conversion: samples.conversion,
                    standardization: samples.standardization, classWeights: classes))
        }
    }

    /// At most `count` of the samples, evenly over all of them, or of these those with the numbers `part`: for what does not
    /// need each. All of those that are in memory.
    /// - Throws: `DataError` as the data set's initialiser does.
    package func evenlySpaced(atMost count: Int, part: Range<Int>? = nil) throws(DataError) -> Dataset<Scalar> {
        let looked = min(count, sampleCount)
        let part = part ?? 0..<looked
        return switch self {
        case .resident(let data): data
        case .generated(let samples):
            try Dataset(
                samples.source, rows: .every(samples.range, count: looked, part: part),
                conversion: samples.conversion, standardization: samples.standardization
            ).weighted(classes: samples.classWeights)
        case .mapped(let samples): try samples.evenlySpaced(looked, part: part)
        }
    }

    /// The targets of all samples where those are in memory; otherwise of at most `count` of them, evenly over all.
    /// - Throws: `DataError` as the data set's initialiser does.
    package func targets(atMost count: Int) throws(DataError) -> Dataset<Scalar> {
        if case .mapped(let samples) = self { samples.targets } else { try evenlySpaced(atMost: count) }
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
        case .generated(let samples): FeedTargets(samples.conversion.result)
        case .mapped(let samples): FeedTargets(samples.conversion.result)
        }
    }

    /// Whether batches need no memory, because their samples follow each other in memory.
    func isReadInPlace(_ order: SampleOrder) -> Bool {
        switch self {
        case .resident: !order.shuffle
        case .generated, .mapped: false
        }
    }

    /// Elements of float32 scratch memory for each row of a batch.
    var scratchColumns: Int {
        switch self {
        case .resident, .mapped: 0
        case .generated(let samples):
            GeneratedSamples.scratchColumns(
                of: samples.source, standardizes: samples.standardization != nil, for: Scalar.self)
        }
    }
}

/// The form of the targets of a feed.
enum FeedTargets {
    /// One class index below `classes`.
    case labels(classes: Int)
    /// As many values.
    case values(columns: Int)

    init(_ result: TargetConversion.Result) {
        switch result {
        case .labels(let classes): self = .labels(classes: classes)
        case .values(let columns): self = .values(columns: columns)
        }
    }
}
