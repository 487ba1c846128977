import LoomKernels

/// What a sample should lead to, one entry per sample.
public enum Targets<Scalar: BitwiseCopyable & BinaryFloatingPoint & Sendable>: Sendable {
    /// Class indices, counted from 0 and below `classes`.
    case labels(AlignedBuffer<Int32>, classes: Int)
    /// Samples × columns without padding: 0/1 decisions, one-hot rows, shares of classes, or real values.
    case values(MatrixView<Scalar>)
}

/// Samples in memory, ready to be gathered into minibatches.
///
/// Immutable but for `Standardization.apply(to:)`, which belongs before the training. The views don't keep the memory
/// alive: hold the data set for as long as they are used.
public final class Dataset<Scalar: BitwiseCopyable & BinaryFloatingPoint & Sendable>: Sendable {
    /// Samples × features, row-major without padding: the stride is the number of features.
    public let inputs: MatrixView<Scalar>
    /// The targets; nil for data to predict on.
    public let targets: Targets<Scalar>?
    /// The features' names where they are known.
    public let featureNames: [String]?
    /// The classes' names where they are known.
    public let classNames: [String]?
    /// What the samples came from, for messages.
    public let sourceName: String
    /// How much each sample counts in the loss; nil: once.
    public let weights: AlignedBuffer<Scalar>?

    private let inputStorage: AlignedBuffer<Scalar>
    private let valueStorage: AlignedBuffer<Scalar>?

    /// The number of samples.
    public var count: Int { inputs.rows }
    /// The number of features.
    public var featureCount: Int { inputs.columns }
    /// The bytes of inputs, targets and weights.
    public var byteCount: Int {
        let scalars = inputStorage.count + (valueStorage?.count ?? 0) + (weights?.count ?? 0)
        var labels = 0
        if case .labels(let buffer, _)? = targets { labels = buffer.count }
        return scalars * MemoryLayout<Scalar>.stride + labels * MemoryLayout<Int32>.stride
    }

    private init(
        inputs: MatrixView<Scalar>, targets: Targets<Scalar>?, featureNames: [String]?, classNames: [String]?,
        sourceName: String, inputStorage: AlignedBuffer<Scalar>, valueStorage: AlignedBuffer<Scalar>?
    ) {
        self.inputs = inputs
        self.targets = targets
        self.featureNames = featureNames
        self.classNames = classNames
        self.sourceName = sourceName
        self.inputStorage = inputStorage
        self.valueStorage = valueStorage
        weights = nil
    }

    /// The samples of `other` in the same memory, each of which counts as much as `weights` says.
    init(_ other: Dataset, weights: AlignedBuffer<Scalar>) {
        (inputs, targets, inputStorage, valueStorage) = (
            other.inputs, other.targets, other.inputStorage, other.valueStorage
        )
        (featureNames, classNames, sourceName) = (other.featureNames, other.classNames, other.sourceName)
        self.weights = weights
    }

    /// Takes the samples `rows` of `source`, in that order.
    ///
    /// `conversion` turns the source's target columns into what the loss needs; nil leaves the targets out.
    /// `standardization` shifts and scales the inputs in float64, before they are rounded to `Scalar`. The rows are filled in blocks by `loop`; the result doesn't depend on the number of threads, and an error is always
    /// that of the first bad block. Throws for inputs that are NaN or infinite in `Scalar`, for targets that don't
    /// fit, and for what the source itself refuses. With `readsInputs: false` it has no features. `progress` counts the samples as they are read or made.
    public init(
        _ source: any DataSource, rows: RowSelection = .all, conversion: TargetConversion?,
        standardization: Standardization? = nil, readsInputs: Bool = true, progress: LoadProgress? = nil,
        concurrently loop: ConcurrentLoop = ConcurrentBlocks.dispatch
    ) throws(DataError) {
        try source.checkExtent()
        try standardization?.check(featureCount: source.featureCount, source: source.name)
        let count = rows.count(of: source.count)
        precondition(count > 0, "a data set needs at least one row; a split decides which")
        let features = readsInputs ? source.featureCount : 0
        try Self.checkMemory(of: source, samples: count, features: features, conversion: conversion)
        let inputStorage = AlignedBuffer<Scalar>(uninitializedCount: count * features)
        let inputs = MatrixView(
            pointer: inputStorage.pointer, rows: count, columns: features, stride: features)

        var labels: AlignedBuffer<Int32>?
        var values: MatrixView<Scalar>?
        var valueStorage: AlignedBuffer<Scalar>?
        switch conversion?.result {
        case nil:
            break
        case .labels?:
            labels = AlignedBuffer(uninitializedCount: count)
        case .values(let columns)?:
            let storage = AlignedBuffer<Scalar>(uninitializedCount: count * columns)
            values = MatrixView(pointer: storage.pointer, rows: count, columns: columns, stride: columns)
            valueStorage = storage
        }
        let filler = BlockFiller(
            source: source, selection: rows, conversion: conversion, standardization: standardization, inputs: inputs,
            labels: labels, values: values)
        // Parts of blocks where samples are wide: a whole block in float64 might not fit beside them.
        let partRows = max(1, min(ConcurrentBlocks.rows, (1 << 22) / (max(1, features) * MemoryLayout<Double>.stride)))
        try ConcurrentBlocks.forEach(rowCount: count, by: loop) { _, range throws(DataError) in
            for start in stride(from: range.lowerBound, to: range.upperBound, by: partRows) {
                try filler.fill(start..<min(start + partRows, range.upperBound))
            }
            progress?.add(range.count)
        }

        self.inputStorage = inputStorage
        self.valueStorage = valueStorage
        self.inputs = inputs
        if let labels, case .labels(let classes)? = conversion?.result {
            self.targets = .labels(labels, classes: classes)
        } else {
            self.targets = values.map { .values($0) }
        }
        self.featureNames = source.featureNames
        self.classNames = source.targetColumns.classNames
        self.sourceName = source.name
        weights = nil
    }
}

extension Dataset {
    /// Refuses samples whose memory the system would not give.
    private static func checkMemory(
        of source: any DataSource, samples: Int, features: Int, conversion: TargetConversion?
    ) throws(DataError) {
        let columns = if case .values(let columns)? = conversion?.result { columns } else { 1 }
        let bytes = MemoryLayout<Scalar>.stride
        if let inputs = MemorySize.product(samples, features, bytes),
            let targets = MemorySize.product(samples, columns, bytes), MemorySize.canBeReserved(inputs + targets)
        {
            return
        }
        throw DataError(
            .badConfiguration, source: source.name,
            problem: "the system does not give the memory for \(samples) samples of \(source.featureCount) features",
            remedy: "choose fewer samples or features")
    }
}

// MARK: Standardising

extension Dataset {
    /// The samples `rows` of `source`, brought to mean 0 and deviation 1, and how.
    ///
    /// Means and deviations are those of the numbers as they were read, in float64; what is shifted and scaled by them is
    /// rounded to `Scalar` last: features such as times in seconds since 1970, which float32 keeps to two minutes, lose
    /// nothing. Until the end, the samples take the memory of float64, too.
    ///
    /// Throws as the initialiser does, and for features whose squares are infinite in float64.
    public static func standardizing(
        _ source: any DataSource, rows: RowSelection = .all, conversion: TargetConversion?,
        progress: LoadProgress? = nil, concurrently loop: ConcurrentLoop = ConcurrentBlocks.dispatch
    ) throws(DataError) -> (dataset: Dataset, standardization: Standardization) {
        let exact = try Dataset<Double>(
            source, rows: rows, conversion: conversion, progress: progress, concurrently: loop)
        let standardization = Standardization(of: exact, concurrently: loop)
        try standardization.check(of: source)
        if let dataset = exact as? Dataset {
            try standardization.apply(to: dataset, concurrently: loop)
            return (dataset, standardization)
        }
        let dataset = try Dataset(
            rounding: exact, by: standardization, source: source, rows: rows, concurrently: loop)
        return (dataset, standardization)
    }

    /// What `exact` holds, its inputs standardised, rounded to `Scalar`.
    private convenience init(
        rounding exact: Dataset<Double>, by standardization: Standardization, source: any DataSource,
        rows: RowSelection,
        concurrently loop: ConcurrentLoop
    ) throws(DataError) {
        let (count, features) = (exact.count, exact.featureCount)
        let storage = AlignedBuffer<Scalar>(uninitializedCount: count * features)
        let inputs = MatrixView(pointer: storage.pointer, rows: count, columns: features, stride: features)
        var valueStorage: AlignedBuffer<Scalar>?
        var values: (exact: MatrixView<Double>, rounded: MatrixView<Scalar>)?
        var targets: Targets<Scalar>?
        switch exact.targets {
        case nil: break
        case .labels(let labels, let classes): targets = .labels(labels, classes: classes)
        case .values(let matrix):
            let storage = AlignedBuffer<Scalar>(uninitializedCount: count * matrix.columns)
            let rounded = MatrixView(
                pointer: storage.pointer, rows: count, columns: matrix.columns, stride: matrix.columns)
            (valueStorage, values, targets) = (storage, (matrix, rounded), .values(rounded))
        }
        let filler = BlockFiller(
            source: source, selection: rows, conversion: nil, standardization: standardization, inputs: inputs,
            labels: nil,
            values: values?.rounded)
        try ConcurrentBlocks.forEach(rowCount: count, by: loop) { [values] _, range throws(DataError) in
            try filler.round(exact.inputs.rows(range), values: values?.exact.rows(range), range: range)
        }
        self.init(
            inputs: inputs, targets: targets, featureNames: exact.featureNames, classNames: exact.classNames,
            sourceName: exact.sourceName, inputStorage: storage, valueStorage: valueStorage)
    }
}

/// Fills disjoint ranges of a data set's rows; one range per call, from any thread.
private struct BlockFiller<Scalar: BitwiseCopyable & BinaryFloatingPoint & Sendable>: Sendable {
    let source: any DataSource
    let selection: RowSelection
    let conversion: TargetConversion?
    let standardization: Standardization?
    let inputs: MatrixView<Scalar>
    let labels: AlignedBuffer<Int32>?
    let values: MatrixView<Scalar>?

    func fill(_ range: Range<Int>) throws(DataError) {
        let rows = selection.samples(range)
        let targetCount = conversion == nil ? 0 : source.targetColumns.count
        try withScratchMatrix(rows: range.count, columns: targetCount) { targets throws(DataError) in
            try withScratchMatrix(rows: range.count, columns: inputs.columns) { block throws(DataError) in
                try source.fill(
                    rows: rows, inputs: inputs.columns == 0 ? nil : block, targets: conversion == nil ? nil : targets)
                let stored = inputs.rows(range)
                let areFinite =
                    if let standardization {
                        ScalarStorage.standardize(
                            block, to: stored, means: standardization.means, deviations: standardization.deviations)
                    } else {
                        ScalarStorage.store(block, to: stored)
                    }
                if !areFinite { throw notFinite(rows: rows, stored: stored) }
            }
            try convert(targets, rows: rows, range: range)
        }
    }

    /// Standardises and rounds inputs that were read, and rounds values.
    func round(
        _ exact: MatrixView<Double>, values exactValues: MatrixView<Double>?, range: Range<Int>
    ) throws(DataError) {
        guard let standardization else { preconditionFailure("rounded without a standardisation") }
        let rows = selection.samples(range)
        let stored = inputs.rows(range)
        guard
            ScalarStorage.standardize(
                exact, to: stored, means: standardization.means, deviations: standardization.deviations)
        else { throw notFinite(rows: rows, stored: stored) }
        if let exactValues, let values, !ScalarStorage.store(exactValues, to: values.rows(range)) {
            throw notFinite(targetRows: rows, stored: values.rows(range))
        }
    }

    private func convert(
        _ targets: MatrixView<Double>, rows: ArraySlice<UInt64>, range: Range<Int>
    ) throws(DataError) {
        guard let conversion else { return }
        if let labels {
            try conversion.writeLabels(targets, rows: rows, of: source, to: labels.pointer + range.lowerBound)
        } else if let values {
            try withScratchMatrix(rows: range.count, columns: values.columns) { converted throws(DataError) in
                try conversion.writeValues(targets, rows: rows, of: source, to: converted)
                if !ScalarStorage.store(converted, to: values.rows(range)) {
                    throw notFinite(targetRows: rows, stored: values.rows(range))
                }
            }
        }
    }

    /// The error for the first element of a block that isn't finite.
    private func notFinite(rows: ArraySlice<UInt64>, stored: MatrixView<Scalar>) -> DataError {
        for row in 0..<stored.rows {
            for column in 0..<stored.columns where !stored[row, column].isFinite {
                let value = stored[row, column]
                let precision = MemoryLayout<Scalar>.size == 4 ? "float32" : "float64"
                return DataError(
                    .badData, source: source.name,
                    place: source.place(row: Int(rows[rows.startIndex + row])) + ", "
                        + source.place(feature: column),
                    problem: value.isNaN ? "the input is NaN" : "the input is infinite in \(precision)",
                    remedy: "inputs must be finite numbers: replace the value or leave the sample out")
            }
        }
        preconditionFailure("called for a block with an element that isn't finite")
    }

    /// The error for the first row of targets that isn't finite: sources refuse NaN and infinity, but a number may be
    /// too large for `Scalar`.
    private func notFinite(targetRows rows: ArraySlice<UInt64>, stored: MatrixView<Scalar>) -> DataError {
        let row = (0..<stored.rows).first { row in
            (0..<stored.columns).contains { !stored[row, $0].isFinite }
        }
        return DataError(
            .badData, source: source.targetName,
            place: row.map { source.place(row: Int(rows[rows.startIndex + $0])) },
            problem:
                "a target is NaN or too large for \(MemoryLayout<Scalar>.size == 4 ? "float32" : "float64")",
            remedy: "scale the targets or train in float64")
    }
}
