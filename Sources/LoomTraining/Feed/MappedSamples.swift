import LoomData
import LoomKernels
import LoomModel
import Synchronization

/// Samples whose inputs stay in files: each batch is read from there. Their targets are in memory, checked and converted.
public final class MappedSamples<Scalar: LoomScalar>: Sendable {
    /// The files.
    public let source: any DataSource
    /// How targets were converted.
    public let conversion: TargetConversion
    /// The shift and scale of the inputs; nil: none.
    public let standardization: Standardization?
    /// The targets, without features.
    let targets: Dataset<Scalar>
    private let inputs: MappedRows
    private let rows: RowSelection
    /// The rows of the samples where they do not follow each other.
    private let rowNumbers: AlignedBuffer<UInt32>?
    private let firstRow: UInt64
    private let mostBytes: Int
    /// Whether all of the files may stay in this process's memory.
    private let fits: Bool
    private let inputsAreStandardized: Bool
    private let readAhead = Atomic(-1)

    /// The samples `rows` of `source`.
    ///
    /// - Parameters:
    ///   - inputs: The inputs of all samples of `source`, where they lie.
    ///   - inputsAreStandardized: Whether `inputs` have been shifted and scaled; otherwise they are when they are read.
    ///   - mostBytes: Bytes of the files that may be in this process's memory; what is beyond is given back to the system.
    /// - Throws: `DataError` for targets that do not fit.
    package init(
        _ source: any DataSource, inputs: MappedRows, rows: RowSelection, conversion: TargetConversion,
        standardization: Standardization?, inputsAreStandardized: Bool = false, mostBytes: Int
    ) throws(DataError) {
        self.source = source
        self.inputs = inputs
        self.rows = rows
        self.conversion = conversion
        self.standardization = standardization
        self.mostBytes = mostBytes
        fits = inputs.count * inputs.rowBytes <= mostBytes
        self.inputsAreStandardized = inputsAreStandardized
        try standardization?.check(of: source)
        targets = try Dataset(source, rows: rows, conversion: conversion, readsInputs: false)
        if case .list(let numbers) = rows { rowNumbers = AlignedBuffer(numbers) } else { rowNumbers = nil }
        firstRow = UInt64(rows.range(of: source.count)?.lowerBound ?? 0)
    }

    private init(_ other: MappedSamples, targets: Dataset<Scalar>) {
        (source, inputs, rows, mostBytes, fits) = (other.source, other.inputs, other.rows, other.mostBytes, other.fits)
        (conversion, standardization) = (other.conversion, other.standardization)
        inputsAreStandardized = other.inputsAreStandardized
        (rowNumbers, firstRow) = (other.rowNumbers, other.firstRow)
        self.targets = targets
    }

    /// The same samples, each of which counts as much as its class does in `classes`, times its number in `samples`; nil: once.
    func weighted(classes: [Double]?, samples: [Double]?) -> MappedSamples {
        MappedSamples(self, targets: targets.weighted(classes: classes, samples: samples))
    }

    /// The number of samples.
    public var count: Int { targets.count }

    /// Those with the numbers `part` of `looked` samples, evenly over all of them.
    func evenlySpaced(_ looked: Int, part: Range<Int>) throws(DataError) -> Dataset<Scalar> {
        let selection: RowSelection =
            if case .list(let numbers) = rows {
                .list(part.map { numbers[RowSelection.place($0, of: looked, in: numbers.count)] })
            } else {
                .every(rows.range(of: source.count) ?? 0..<count, count: looked, part: part)
            }
        return try Dataset(source, rows: selection, conversion: conversion, standardization: standardization)
            .weighted(as: targets) { [count] in RowSelection.place(part.lowerBound + $0, of: looked, in: count) }
    }

    // MARK: In a step

    /// The row of the sample at `position`.
    @inline(__always)
    private func row(_ position: UInt64) -> UInt64 {
        rowNumbers.map { UInt64($0.pointer[Int(truncatingIfNeeded: position)]) } ?? firstRow + position
    }

    /// Reads the inputs of the samples at `positions`, which become the numbers of their rows.
    func gather(
        _ positions: UnsafeMutablePointer<UInt64>, into inputs: MatrixView<Scalar>, order: SampleOrder
    ) {
        for index in 0..<inputs.rows { positions[index] = row(positions[index]) }
        let standardization = inputsAreStandardized ? nil : standardization
        if fits || windowsKept(order) > 0 {
            self.inputs.gather(positions, into: inputs, standardizedBy: standardization)
        } else {
            // Few at a time: what is about to come into memory is counted before.
            for start in stride(from: 0, to: inputs.rows, by: Self.rowsCounted) {
                let rows = start..<min(start + Self.rowsCounted, inputs.rows)
                self.inputs.willTouch(rows: rows.count, mostBytes: mostBytes)
                self.inputs.gather(positions + start, into: inputs.rows(rows), standardizedBy: standardization)
            }
        }
        inputs.clearPadding()
    }

    /// Rows that are counted together where pages are given back after so many of them.
    private static var rowsCounted: Int { 16 }

    /// The samples that are read from neighbouring places of the files before those of other places; nil: any place may be next.
    private func windowRows(_ order: SampleOrder) -> Int? {
        order.shuffle ? order.windowRows : max(1, Self.sequentialBytes / max(1, inputs.rowBytes))
    }

    /// How many windows' pages there is room for; 0: for no whole one. A window's blocks begin and end anywhere in the pieces that
    /// the system maps: half as much again.
    private func windowsKept(_ order: SampleOrder) -> Int {
        windowRows(order).map { mostBytes / SampleOrder.windowMemory(rows: $0, rowBytes: inputs.rowBytes) } ?? 0
    }

    /// Asks the system for what comes after the samples around position `start` of `epoch`, once for every window, and gives the
    /// pages of earlier windows back where there is no room for them.
    func readAhead(_ order: SampleOrder, epoch: Int, start: Int) {
        guard let windowRows = windowRows(order) else { return }
        let window = start / windowRows
        let key = epoch &* 1_000_003 &+ window
        guard readAhead.exchange(key, ordering: .relaxed) != key else { return }
        let kept = fits ? 0 : windowsKept(order)
        if kept > 0, window % kept == 0 { inputs.release() }
        // The first window of an epoch was not asked for by the one before it.
        for next in (start == 0 ? window : window + 1)...window + 1 {
            order.forEachRun(ofWindow: next, epoch: epoch, windowRows: windowRows) { positions in
                let (low, high) = (row(UInt64(positions.lowerBound)), row(UInt64(positions.upperBound - 1)))
                inputs.willNeed(Int(low)..<Int(high) + 1)
            }
        }
    }

    /// Samples in the order of the file are asked for in pieces of this size.
    private static var sequentialBytes: Int { 32 << 20 }
}

/// Mapped samples as a step sees them; valid while they live.
struct MappedHandle<Scalar: LoomScalar>: BitwiseCopyable {
    let samples: Unmanaged<MappedSamples<Scalar>>
    let targets: ResidentRows<Scalar>

    /// Reads the samples `indices` into the rows `rows` of a batch; the indices become those of the files' rows.
    func load(
        _ indices: UnsafeMutablePointer<UInt64>, into batchInputs: MatrixView<Scalar>,
        _ batchTargets: BatchTargets<Scalar>,
        rows: Range<Int>, order: SampleOrder, epoch: Int, start: Int
    ) {
        targets.gatherTargets(indices, into: batchTargets, rows: rows)
        samples._withUnsafeGuaranteedRef { samples in
            if rows.lowerBound == 0 { samples.readAhead(order, epoch: epoch, start: start) }
            samples.gather(indices, into: batchInputs.rows(rows), order: order)
        }
    }
}
