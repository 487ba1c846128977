import LoomKernels

/// What the samples of a task are: any of them can be made anywhere, at any time, with the same bits on every machine.
///
/// Samples are made in float32, many at a time, straight into their rows. Nothing is allocated.
package protocol GeneratedTask: Sendable {
    /// Elements of scratch memory for each row, a multiple of 16.
    var scratchColumns: Int { get }

    /// Makes the samples of `rows`.
    func make(_ rows: TaskRows)
}

/// Where samples are made.
package struct TaskRows: BitwiseCopyable {
    /// The samples' numbers.
    package let indices: UnsafePointer<UInt64>
    /// Samples × features.
    package let inputs: MatrixView<Float>
    /// Samples × target columns; a class is a whole number, counted from 0.
    package let targets: MatrixView<Float>
    /// `scratchColumns` elements for each row, aligned to 64 bytes.
    package let scratch: UnsafeMutablePointer<Float>

    /// Rows for as many samples as `inputs` has.
    package init(
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
        switch task {
        case .teacher: TeacherTask(self)
        case .blobs: BlobsTask(self)
        case .spirals: SpiralsTask(self)
        case .xor: XorTask(self)
        case .linear: LinearTask(self)
        case .friedman1: Friedman1Task(self)
        }
    }

    var inputRows: RandomRows { RandomRows(seed: seed, purpose: .syntheticInputs) }

    /// The class of sample `index` where it is chosen before the inputs are made: classes take turns, so that they
    /// are equally frequent, as scikit-learn's generators make them.
    @inline(__always)
    static func turn(_ index: UInt64, classes: Int) -> Int { Int(index % UInt64(classes)) }
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
