import LoomData
import LoomKernels
import LoomModel

/// Samples of a synthetic task that nobody keeps: whoever needs a sample makes it.
public final class GeneratedSamples: Sendable {
    /// What is generated.
    public let source: SyntheticSource
    /// The samples' numbers in the source.
    public let range: Range<Int>
    /// How targets are converted.
    public let conversion: TargetConversion
    /// The shift and scale of the inputs; nil: none.
    public let standardization: Standardization?
    /// How much each class counts in the loss; nil: once.
    public let classWeights: [Double]?

    /// The samples `range` of `source`.
    /// - Throws: `DataError` for more classes than `conversion` has a place for.
    public init(
        _ source: SyntheticSource, range: Range<Int>, conversion: TargetConversion, standardization: Standardization?,
        classWeights: [Double]? = nil
    ) throws(DataError) {
        precondition(!range.isEmpty && range.upperBound <= source.count, "samples that exist")
        try conversion.checkClasses(of: source)
        self.source = source
        self.range = range
        self.conversion = conversion
        self.standardization = standardization
        self.classWeights = classWeights
    }

    /// Elements of float32 scratch memory for each row of a batch, a multiple of 16: what the task needs, then targets, then
    /// inputs where they cannot be made in place.
    package static func scratchColumns<Scalar: LoomScalar>(
        of source: SyntheticSource, standardizes: Bool, for _: Scalar.Type
    ) -> Int {
        source.memoryColumns(includesInputs: !makesInPlace(Scalar.self, standardizes: standardizes))
    }

    fileprivate static func makesInPlace<Scalar: LoomScalar>(_: Scalar.Type, standardizes: Bool) -> Bool {
        Scalar.precision == .float32 && !standardizes
    }
}

/// Generated samples as a step sees them; valid while they live.
struct GeneratedRows: BitwiseCopyable {
    let samples: Unmanaged<GeneratedSamples>
    /// `scratchColumns` elements for each row of a batch.
    let scratch: UnsafeMutablePointer<Float>
    let scratchColumns: Int

    func window(start: Int) -> GeneratedRows {
        GeneratedRows(samples: samples, scratch: scratch + start * scratchColumns, scratchColumns: scratchColumns)
    }

    /// Makes the samples `indices` in the rows `rows` of a batch; the indices become those of the source.
    func make<Scalar: LoomScalar>(
        _ indices: UnsafeMutablePointer<UInt64>, into batchInputs: MatrixView<Scalar>, _ targets: BatchTargets<Scalar>,
        rows: Range<Int>
    ) {
        samples._withUnsafeGuaranteedRef { samples in
            let count = rows.count
            let first = UInt64(samples.range.lowerBound)
            for row in 0..<count { indices[row] += first }
            let inputs = batchInputs.rows(rows)
            let inPlace = GeneratedSamples.makesInPlace(
                Scalar.self, standardizes: samples.standardization != nil)
            let made = samples.source.make(
                indices, count: count, inputs: inPlace ? inputs.asFloat : nil,
                memory: scratch + rows.lowerBound * scratchColumns)
            if !inPlace { made.inputs.store(to: inputs, standardizedBy: samples.standardization) }
            inputs.clearPadding()
            samples.conversion.store(made.targets, labels: targets.labels.map { $0 + rows.lowerBound }) {
                targets.values.rows(rows)
            }
            if let weights = targets.weights, let classWeights = samples.classWeights {
                for row in rows { weights[row] = Scalar(classWeights[targets.classIndex(row: row)]) }
            }
        }
    }
}

extension BatchTargets {
    /// The class of a batch row.
    fileprivate func classIndex(row: Int) -> Int {
        labels.map { Int($0[row]) } ?? SampleClass.index(values, row: row)
    }
}

extension MatrixView {
    /// The same memory, where the elements are `Float`s.
    fileprivate var asFloat: MatrixView<Float> {
        assert(Scalar.self == Float.self, "elements of float32")
        let pointer = UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Float.self)
        return MatrixView<Float>(pointer: pointer, rows: rows, columns: columns, stride: stride)
    }

    /// Sets what lies between a row's last element and the next multiple of 64 bytes to zero.
    func clearPadding() {
        let lanes = Padding.alignmentBytes / MemoryLayout<Scalar>.stride
        let rest = (columns + lanes - 1) / lanes * lanes - columns
        guard rest > 0 else { return }
        for row in 0..<rows {
            UnsafeMutableRawPointer(pointer + row * stride + columns).initializeMemory(
                as: UInt8.self, repeating: 0, count: rest * MemoryLayout<Scalar>.stride)
        }
    }
}
