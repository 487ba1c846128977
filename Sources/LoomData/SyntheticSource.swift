import LoomKernels

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
        let noise = CounterRandom(seed: description.seed, purpose: .syntheticNoise)
        let features = featureCount
        // One row of features, for when they aren't wanted themselves, and the teacher's units.
        let isTeacher = description.task == .teacher
        let width = max(features, isTeacher ? max(description.hidden, description.outputCount) : 0)
        try withScratchMatrix(rows: 3, columns: width) { scratch in
            for (position, id) in rows.enumerated() {
                let index = UInt64(id)
                let sample = inputs.map { $0.pointer + position * $0.stride } ?? scratch.pointer
                task.makeInputs(of: index, to: sample)
                if let targets {
                    task.makeTargets(
                        of: index, from: sample, hidden: scratch.pointer + width,
                        outputs: scratch.pointer + 2 * width, to: targets.pointer + position * targets.stride)
                }
                if inputNoise > 0 {
                    for feature in 0..<features {
                        let number = index * UInt64(features) + UInt64(feature)
                        sample[feature] += inputNoise * noise.normal(at: number)
                    }
                }
            }
        }
    }
}
