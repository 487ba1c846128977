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

    private let inputStorage: AlignedBuffer<Scalar>
    private let valueStorage: AlignedBuffer<Scalar>?

    /// The number of samples.
    public var count: Int { inputs.rows }
    /// The number of features.
    public var featureCount: Int { inputs.columns }
    /// The bytes of inputs and targets.
    public var byteCount: Int {
        let scalars = inputStorage.count + (valueStorage?.count ?? 0)
        var labels = 0
        if case .labels(let buffer, _)? = targets { labels = buffer.count }
        return scalars * MemoryLayout<Scalar>.stride + labels * MemoryLayout<Int32>.stride
    }

    /// Takes the samples `rows` of `source`, all of them when nil, in that order.
    ///
    /// `conversion` turns the source's target columns into what the loss needs; nil leaves the targets out. The rows
    /// are filled in blocks by `loop`; the result doesn't depend on the number of threads, and an error is always
    /// that of the first bad block. Throws for inputs that are NaN or infinite in `Scalar`, for targets that don't
    /// fit, and for what the source itself refuses.
    public init(
        _ source: any DataSource, rows: [UInt32]? = nil, conversion: TargetConversion?,
        concurrently loop: ConcurrentLoop = ConcurrentBlocks.dispatch
    ) throws(DataError) {
        try source.checkExtent()
        let count = rows?.count ?? source.count
        precondition(count > 0, "a data set needs at least one row; a split decides which")
        let features = source.featureCount
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
            source: source, ids: rows, conversion: conversion, inputs: inputs, labels: labels, values: values)
        try ConcurrentBlocks.forEach(rowCount: count, by: loop) { _, range throws(DataError) in
            try filler.fill(range)
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
    }
}

/// Fills disjoint ranges of a data set's rows; one range per call, from any thread.
private struct BlockFiller<Scalar: BitwiseCopyable & BinaryFloatingPoint & Sendable>: Sendable {
    let source: any DataSource
    /// The samples in their order; nil: all.
    let ids: [UInt32]?
    let conversion: TargetConversion?
    let inputs: MatrixView<Scalar>
    let labels: AlignedBuffer<Int32>?
    let values: MatrixView<Scalar>?

    func fill(_ range: Range<Int>) throws(DataError) {
        let rows = ids?[range] ?? ConcurrentBlocks.samples(range)
        let targetCount = conversion == nil ? 0 : source.targetColumns.count
        try withScratchMatrix(rows: range.count, columns: targetCount) { targets throws(DataError) in
            try withScratchMatrix(rows: range.count, columns: inputs.columns) { block throws(DataError) in
                try source.fill(rows: rows, inputs: block, targets: conversion == nil ? nil : targets)
                if !ScalarStorage.store(block, to: inputs.rows(range)) {
                    throw notFinite(rows: rows, stored: inputs.rows(range))
                }
            }
            try convert(targets, rows: rows, range: range)
        }
    }

    private func convert(
        _ targets: MatrixView<Double>, rows: ArraySlice<UInt32>, range: Range<Int>
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
    private func notFinite(rows: ArraySlice<UInt32>, stored: MatrixView<Scalar>) -> DataError {
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
    private func notFinite(targetRows rows: ArraySlice<UInt32>, stored: MatrixView<Scalar>) -> DataError {
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
