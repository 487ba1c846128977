import LoomKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Samples made by a `SyntheticDescription`, one by one: any row can be made anywhere, at any time, with the same bits.
///
/// The bits are those of this machine's mathematical library (log, sin, cos, tanh).
public struct SyntheticSource: DataSource {
    /// What is generated.
    public let description: SyntheticDescription
    /// `synthetic` and the task's name.
    public let name: String
    /// Class indices, or real values.
    public let targetColumns: TargetColumns
    private let task: PreparedTask
    private let inputNoise: Double

    /// The number of samples.
    public var count: Int { description.samples }
    /// The number of features.
    public var featureCount: Int { description.inputs }
    /// None.
    public var featureNames: [String]? { nil }

    /// A generator; throws for values that make no sense, naming the key.
    public init(_ description: SyntheticDescription) throws(DataError) {
        try description.validate()
        self.description = description
        self.name = "synthetic \(description.task.rawValue)"
        if let classes = description.classes {
            self.targetColumns = TargetColumns(count: 1, form: .classIndices(classes: classes))
        } else {
            self.targetColumns = TargetColumns(
                count: description.targets, form: .real(columns: description.targets))
        }
        self.task = PreparedTask(description)
        self.inputNoise = [.spirals, .xor].contains(description.task) ? description.noise : 0
    }

    /// The sample's number, counted from 0.
    public func place(row: Int) -> String {
        "sample \(row) (counted from 0)"
    }

    /// Makes the samples `rows`.
    public func fill(
        rows: ArraySlice<UInt32>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
    ) throws(DataError) {
        let features = featureCount
        let noise = CounterRandom(seed: description.seed, purpose: .syntheticNoise)
        let sample = AlignedBuffer<Double>(uninitializedCount: features)
        let hidden = AlignedBuffer<Double>(uninitializedCount: max(1, description.hidden))
        let outputCount = max(description.classes ?? 0, description.targets)
        let outputs = AlignedBuffer<Double>(uninitializedCount: outputCount)
        for (position, id) in rows.enumerated() {
            let index = UInt64(id)
            let features = inputs.map { $0.pointer + position * $0.stride } ?? sample.pointer
            task.makeInputs(of: index, to: features)
            if let targets {
                let row = targets.pointer + position * targets.stride
                task.makeTargets(
                    of: index, from: features, hidden: hidden.pointer, outputs: outputs.pointer, to: row)
            }
            if inputNoise > 0 {
                for feature in 0..<featureCount {
                    features[feature] +=
                        inputNoise * noise.normal(at: index * UInt64(featureCount) + UInt64(feature))
                }
            }
        }
    }
}
