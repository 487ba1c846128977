import LoomKernels

/// What the samples of a task are: any of them can be made anywhere, at any time, with the same bits on every machine.
///
/// Samples are made in float32, many at a time, straight into their rows. Nothing is allocated.
protocol GeneratedTask: Sendable {
    /// Elements of scratch memory for each row, a multiple of 16.
    var scratchColumns: Int { get }

    /// Makes the samples of `rows`.
    func make(_ rows: TaskRows)
}

/// Where samples are made.
struct TaskRows: BitwiseCopyable {
    /// The samples' numbers.
    let indices: UnsafePointer<UInt64>
    /// Samples × features.
    let inputs: MatrixView<Float>
    /// Samples × target columns; a class is a whole number, counted from 0.
    let targets: MatrixView<Float>
    /// `scratchColumns` elements for each row, aligned to 64 bytes.
    let scratch: UnsafeMutablePointer<Float>

    /// Rows for as many samples as `inputs` has.
    init(
        indices: UnsafePointer<UInt64>, inputs: MatrixView<Float>, targets: MatrixView<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        assert(inputs.rows == targets.rows, "a target row for each sample")
        (self.indices, self.inputs, self.targets, self.scratch) = (indices, inputs, targets, scratch)
    }

    /// The number of samples.
    var count: Int { inputs.rows }

    /// The features of the sample in row `row`.
    @inline(__always)
    func input(_ row: Int) -> UnsafeMutablePointer<Float> { inputs.pointer + row * inputs.stride }

    /// The targets of the sample in row `row`.
    @inline(__always)
    func target(_ row: Int) -> UnsafeMutablePointer<Float> { targets.pointer + row * targets.stride }
}

extension SyntheticDescription {
    /// The task, with what is drawn once for all samples.
    func makeTask() -> any GeneratedTask {
        labelNoise > 0 || redundant > 0 || irrelevant > 0 ? AlteredTask(self) : makeUnalteredTask()
    }

    /// The task without what is done to its samples afterwards.
    func makeUnalteredTask() -> any GeneratedTask {
        switch task {
        case .teacher: TeacherTask(self)
        case .blobs, .mixture: BlobsTask(self)
        case .spirals, .rings: CurvesTask(self)
        case .xor: XorTask(self)
        case .parity: ParityTask(self)
        case .logistic: LogisticTask(self)
        case .intervals: IntervalsTask(self)
        case .triangle: TriangleTask(self)
        case .threshold: ThresholdTask(self)
        case .linear: LinearTask(self)
        case .friedman1: Friedman1Task(self)
        case .friedman2, .friedman3: FriedmanCircuitTask(self)
        case .exponentials: ExponentialsTask(self)
        case .letters: LettersTask(self)
        case .voices: VoicesTask(self)
        case .prices: PricesTask(self)
        }
    }

    var inputRows: RandomRows { RandomRows(seed: seed, purpose: .syntheticInputs) }

    /// Which rows of random numbers of one purpose are meant. They are part of every sample's bits.
    enum SubStream {
        // Of the purpose `syntheticChoice`; 0: the label of a sample whose probability is known.
        static let labelNoise: UInt32 = 1
        static let classChoice: UInt32 = 2
        static let cluster: UInt32 = 3
        // Of the purpose `syntheticInputs`; 0: the inputs.
        static let commonFactor: UInt32 = 1
        static let vowels: UInt32 = 2
        // Of the purpose `syntheticNoise`; 0: the noise.
        static let irrelevant: UInt32 = 1
        // Of the purpose `teacher`; from 0 on: the layers.
        static let redundant: UInt32 = 1 << 16
    }
}

/// The class of each sample where it is chosen before the inputs are made: classes take turns, so that they are equally
/// frequent, as scikit-learn's generators make them, or they are drawn by their weights.
struct ClassChoice: Sendable {
    private let classes: Int
    /// The probability of each class and those before it; empty where classes take turns.
    private let cumulative: [Float]
    private let random: RandomRows

    init(_ description: SyntheticDescription) {
        classes = description.classes ?? 1
        random = RandomRows(
            seed: description.seed, purpose: .syntheticChoice, subStream: SyntheticDescription.SubStream.classChoice)
        guard let shares = description.classShares else {
            cumulative = []
            return
        }
        let total = shares.reduce(0, +)
        var sum = 0.0
        cumulative = shares.map {
            sum += $0
            return Float(sum / total)
        }
    }

    /// Writes the classes of the samples into their first targets, as far as `label` needs them.
    func choose(_ rows: TaskRows) {
        guard !cumulative.isEmpty else { return }
        random.makeUniforms(rows.indices, into: rows.targets.columns(0..<1))
        cumulative.withUnsafeBufferPointer { bounds in
            // Rounding may leave the last bound below 1: then the last class that has a share is meant.
            let last = (bounds.lastIndex { $0 < bounds[bounds.count - 1] } ?? -1) + 1
            for row in 0..<rows.count {
                let value = rows.target(row)[0]
                var label = 0
                while label < last, value >= bounds[label] { label += 1 }
                rows.target(row)[0] = Float(label)
            }
        }
    }

    /// The class of the sample in row `row`, after `choose`; it becomes its target.
    @inline(__always)
    func label(_ rows: TaskRows, _ row: Int) -> Int {
        guard cumulative.isEmpty else { return Int(rows.target(row)[0]) }
        let label = Int(rows.indices[row] % UInt64(classes))
        rows.target(row)[0] = Float(label)
        return label
    }
}

/// Standard normal inputs, with a common factor where they are correlated.
struct NormalInputs: Sendable {
    private let own: RandomRows
    private let common: RandomRows
    private let ownShare: Float
    private let commonShare: Float

    init(_ description: SyntheticDescription) {
        own = description.inputRows
        common = RandomRows(
            seed: description.seed, purpose: .syntheticInputs,
            subStream: SyntheticDescription.SubStream.commonFactor)
        ownShare = Float((1 - description.correlation).squareRoot())
        commonShare = Float(description.correlation.squareRoot())
    }

    /// Makes the inputs of `rows`; the first target is not yet there afterwards.
    func make(_ rows: TaskRows) {
        own.makeNormals(rows.indices, into: rows.inputs)
        guard commonShare > 0 else { return }
        // The factor takes the place of the first target until that is known.
        common.makeNormals(rows.indices, into: rows.targets.columns(0..<1))
        let features = rows.inputs.columns
        for row in 0..<rows.count {
            let factor = commonShare * rows.target(row)[0]
            let values = rows.input(row)
            for feature in 0..<features { values[feature] = ownShare * values[feature] + factor }
        }
    }
}

/// Normal noise of one deviation on all columns of a matrix.
struct TaskNoise: Sendable {
    private let deviation: Float
    private let random: RandomRows
    /// Elements of scratch memory for each row; 0 without noise.
    let scratchColumns: Int

    init(_ description: SyntheticDescription, columns: Int) {
        deviation = Float(description.noise)
        random = RandomRows(seed: description.seed, purpose: .syntheticNoise)
        scratchColumns = deviation > 0 ? Padding.stride(columns: columns, of: Float.self) : 0
    }

    /// Adds the noise of the samples `indices` to `matrix`; `scratch` is as large as the matrix.
    func add(
        of indices: UnsafePointer<UInt64>, to matrix: MatrixView<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        guard deviation > 0 else { return }
        let columns = matrix.columns
        let noise = MatrixView(pointer: scratch, rows: matrix.rows, columns: columns, stride: scratchColumns)
        random.makeNormals(indices, into: noise)
        for row in 0..<matrix.rows {
            let values = matrix.pointer + row * matrix.stride
            let added = noise.pointer + row * noise.stride
            for column in 0..<columns { values[column] += deviation * added[column] }
        }
    }
}
