import LoomKernels

/// What the target columns of a source hold.
public enum TargetForm: Sendable, Equatable {
    /// no targets: data to predict on
    case none
    /// one column of class indices, counted from 0
    case classIndices(classes: Int)
    /// one column of whole numbers: class labels whose base is still open, decisions, or values
    case integers(smallest: Int, largest: Int)
    /// a single 1 per row, otherwise 0; two columns or more
    case oneHot(columns: Int)
    /// 0 or 1 everywhere, and not one-hot; two columns or more
    case decisions(columns: Int)
    /// non-negative rows with sum 1: soft labels; two columns or more
    case shares(columns: Int)
    /// any finite numbers
    case real(columns: Int)

    /// A phrase for messages.
    public var phrase: String {
        switch self {
        case .none: "no targets"
        case .classIndices(let classes): "class indices 0 … \(classes - 1)"
        case .integers(let smallest, let largest): "whole numbers \(smallest) … \(largest)"
        case .oneHot(let columns): "one-hot rows of \(columns) columns"
        case .decisions(let columns): "0/1 in \(columns) columns"
        case .shares(let columns): "shares of \(columns) classes"
        case .real(let columns): "real numbers in \(columns) column\(columns == 1 ? "" : "s")"
        }
    }
}

/// The target columns of a source.
public struct TargetColumns: Sendable, Equatable {
    /// How many columns there are; 0 for data to predict on.
    public var count: Int
    /// The columns' names where they are known.
    public var names: [String]?
    /// What the columns hold, declared or detected.
    public var form: TargetForm
    /// The classes' names, in the order of their indices, where labels are text.
    public var classNames: [String]?
    /// Where the first label stands that is a text.
    package var firstText: String?

    /// Target columns.
    public init(count: Int, names: [String]? = nil, form: TargetForm, classNames: [String]? = nil) {
        self.count = count
        self.names = names
        self.form = form
        self.classNames = classNames
    }

    /// No target columns.
    public static let none = TargetColumns(count: 0, form: .none)
}

/// Detects what target columns hold by looking at every row.
struct TargetSummary: Sendable, Equatable {
    /// How far the sum of a row of shares may be from 1: what float32 values of three digits or more keep to.
    static let shareTolerance = 1e-3

    private let columns: Int
    private var smallest = Double.infinity
    private var largest = -Double.infinity
    private var areIntegers = true
    private var areZeroOne = true
    private var haveSingleOne = true
    private var sumToOne = true

    init(columns: Int) {
        self.columns = columns
    }

    /// Looks at every row of `source`, whose columns `targets` describes but for their form.
    static func form(
        of source: any DataSource, concurrently loop: ConcurrentLoop = ConcurrentBlocks.dispatch
    ) throws(DataError) -> TargetForm {
        let columns = source.targetColumns.count
        let blocks = ConcurrentBlocks.count(rowCount: source.count)
        let summaries = SummaryBlocks(count: blocks, columns: columns)
        try ConcurrentBlocks.forEach(rowCount: source.count, by: loop) { block, range throws(DataError) in
            let rows = RowSelection.all.samples(range)
            try withScratchMatrix(rows: range.count, columns: columns) { targets throws(DataError) in
                try source.fill(rows: rows, inputs: nil, targets: targets)
                try TargetConversion.checkFinite(targets, rows: rows, of: source)
                summaries.add(targets, block: block)
            }
        }
        return summaries.merged.form
    }

    mutating func add(_ rows: MatrixView<Double>) {
        for row in 0..<rows.rows {
            var sum = 0.0
            for column in 0..<columns {
                let value = rows[row, column]
                smallest = min(smallest, value)
                largest = max(largest, value)
                areIntegers = areIntegers && value == value.rounded()
                areZeroOne = areZeroOne && (value == 0 || value == 1)
                sum += value
            }
            haveSingleOne = haveSingleOne && sum == 1
            sumToOne = sumToOne && abs(sum - 1) <= Self.shareTolerance
        }
    }

    mutating func merge(_ other: TargetSummary) {
        smallest = min(smallest, other.smallest)
        largest = max(largest, other.largest)
        areIntegers = areIntegers && other.areIntegers
        areZeroOne = areZeroOne && other.areZeroOne
        haveSingleOne = haveSingleOne && other.haveSingleOne
        sumToOne = sumToOne && other.sumToOne
    }

    var form: TargetForm {
        if columns == 0 { return .none }
        if columns == 1 {
            // Whole numbers beyond 2³¹ are no labels.
            guard areIntegers, max(abs(smallest), abs(largest)) < 0x1p31 else { return .real(columns: 1) }
            return .integers(smallest: Int(smallest), largest: Int(largest))
        }
        if areZeroOne { return haveSingleOne ? .oneHot(columns: columns) : .decisions(columns: columns) }
        if smallest >= 0 && sumToOne { return .shares(columns: columns) }
        return .real(columns: columns)
    }
}

/// One summary per block of rows.
private final class SummaryBlocks: @unchecked Sendable {
    // Sendable: every block is written by one thread, and read after the loop over blocks has ended.
    private let blocks: AlignedBuffer<TargetSummary>

    init(count: Int, columns: Int) {
        blocks = AlignedBuffer(count: count, repeating: TargetSummary(columns: columns))
    }

    func add(_ rows: MatrixView<Double>, block: Int) {
        blocks.pointer[block].add(rows)
    }

    var merged: TargetSummary {
        var result = blocks.pointer[0]
        for summary in blocks.elements.dropFirst() {
            result.merge(summary)
        }
        return result
    }
}

extension TargetSummary: BitwiseCopyable {}
