import LoomKernels

/// What a network's loss wants to be given as targets.
public enum TargetNeeds: Sendable, Equatable {
    /// one class of `count` per sample, or shares of them: softmax with cross entropy
    case classes(Int)
    /// this many independent 0/1 decisions, or probabilities: sigmoid with cross entropy
    case decisions(Int)
    /// this many numbers: the squared losses
    case values(Int)
}

/// The number that class labels start at.
public enum LabelBase: String, Sendable, CaseIterable, Codable {
    /// decided by the labels' range
    case automatic = "auto"
    /// classes are 0 … count − 1
    case zero = "0"
    /// classes are 1 … count
    case one = "1"
    /// two classes are −1 and 1
    case minusOne = "-1"

    /// The label of class `index`.
    package func label(_ index: Int) -> Int {
        switch self {
        case .automatic, .zero: index
        case .one: index + 1
        case .minusOne: 2 * index - 1
        }
    }

    /// The class whose label is `value`, of `classes`; nil: it is none.
    func index(of value: Double, classes: Int) -> Int? {
        guard let value = Int(exactly: value) else { return nil }
        switch self {
        case .automatic, .zero, .one:
            let index = value.subtractingReportingOverflow(label(0))
            return !index.overflow && (0..<classes).contains(index.partialValue) ? index.partialValue : nil
        case .minusOne: return value == -1 ? 0 : value == 1 && classes > 1 ? 1 : nil
        }
    }
}

/// How the target columns of a source become what the loss needs.
///
/// The choice is made once, from the form of all targets, and is the same for every part of the data.
public struct TargetConversion: Sendable, Equatable {
    /// The form of the converted targets.
    public enum Result: Sendable, Equatable {
        /// class indices counted from 0
        case labels(classes: Int)
        /// numbers in this many columns
        case values(columns: Int)
    }
    enum Rule: Sendable, Equatable {
        case labelsFromIntegers
        case labelsFromOneHot
        case oneHotFromIntegers
        case decisionFromIntegers
        /// numbers as they are, within these limits
        case values(within: ClosedRange<Double>, limitedBy: String)
    }

    /// The form of the converted targets.
    public let result: Result
    /// The number that class labels start at: `zero` or `one`. Keep it with the model, for data to evaluate on.
    public let base: LabelBase
    /// What was detected, as a sentence for the user; nil where nothing had to be.
    public let note: String?
    let rule: Rule
    /// The number of classes, where every sample has exactly one, in whatever form the loss wants it; otherwise nil.
    package let classCount: Int?

    /// The conversion from the targets of `source` to what the loss needs.
    ///
    /// `base` declares the number that class labels start at. When automatic, labels from 0 have base 0, and labels
    /// whose largest equals the number of classes have base 1; two classes may be −1 and 1. Throws when targets of this form can't be converted.
    public init(
        from source: any DataSource, to needs: TargetNeeds, base: LabelBase = .automatic
    ) throws(DataError) {
        let form = source.targetColumns.form
        guard let rule = Self.rule(from: form, to: needs) else {
            if case .classes(source.targetColumns.count) = needs, source.targetColumns.count > 1 {
                try Self.refuseRowsWithoutClass(of: source)
            }
            throw Self.mismatch(source: source, form: form, needs: needs)
        }
        if case .values(1) = needs { try Self.refuseRankedTexts(of: source) }
        self.rule = rule
        switch (needs, rule) {
        case (.classes(let classes), .labelsFromIntegers), (.classes(let classes), .labelsFromOneHot):
            self.result = .labels(classes: classes)
        case (.classes(let columns), _), (.decisions(let columns), _), (.values(let columns), _):
            self.result = .values(columns: columns)
        }
        classCount = Self.classCount(form, rule: rule, result: result)
        self.base = Self.resolve(base, form: form, needs: needs, rule: rule)
        self.note = Self.note(form: form, rule: rule, base: self.base, declared: base != .automatic)
    }

    private static func rule(from form: TargetForm, to needs: TargetNeeds) -> Rule? {
        switch needs {
        case .classes(let classes): classRule(form, classes: classes)
        case .decisions(let columns): decisionRule(form, columns: columns)
        case .values(let columns): valueRule(form, columns: columns)
        }
    }

    private static func classRule(_ form: TargetForm, classes: Int) -> Rule? {
        switch form {
        case .classIndices, .integers: .labelsFromIntegers
        case .oneHot(let columns) where columns == classes: .labelsFromOneHot
        case .shares(let columns) where columns == classes: probability
        default: nil
        }
    }

    private static func decisionRule(_ form: TargetForm, columns wanted: Int) -> Rule? {
        switch form {
        case .integers, .classIndices: wanted == 1 ? .decisionFromIntegers : .oneHotFromIntegers
        case .oneHot(let columns), .decisions(let columns), .shares(let columns), .real(let columns):
            columns == wanted ? probability : nil
        case .none: nil
        }
    }

    private static func valueRule(_ form: TargetForm, columns wanted: Int) -> Rule? {
        switch form {
        case .integers, .classIndices: wanted == 1 ? anyValue : .oneHotFromIntegers
        case .oneHot(let columns), .decisions(let columns), .shares(let columns), .real(let columns):
            columns == wanted ? anyValue : nil
        case .none: nil
        }
    }

    private static func classCount(_ form: TargetForm, rule: Rule, result: Result) -> Int? {
        switch (form, rule, result) {
        case (_, .labelsFromIntegers, .labels(let classes)), (_, .labelsFromOneHot, .labels(let classes)): classes
        case (_, .decisionFromIntegers, _): 2
        case (_, .oneHotFromIntegers, .values(let columns)): columns
        case (.oneHot(let columns), _, _): columns
        case (.classIndices(let classes), _, _): classes
        default: nil
        }
    }

    private static let anyValue = Rule.values(within: -Double.infinity...Double.infinity, limitedBy: "")
    private static let probability = Rule.values(within: 0...1, limitedBy: "a decision is between 0 and 1")

    private static func resolve(
        _ base: LabelBase, form: TargetForm, needs: TargetNeeds, rule: Rule
    ) -> LabelBase {
        guard case .integers(let smallest, let largest) = form else { return .zero }
        guard base == .automatic else { return base }
        let classes: Int
        switch (needs, rule) {
        case (.classes(let count), _), (.decisions(let count), .oneHotFromIntegers),
            (.values(let count), .oneHotFromIntegers):
            classes = count
        case (_, .decisionFromIntegers):
            classes = 2
        default:
            return .zero
        }
        if smallest == -1, largest == 1, classes == 2 { return .minusOne }
        return smallest >= 1 && largest == classes ? .one : .zero
    }

    private static func note(form: TargetForm, rule: Rule, base: LabelBase, declared: Bool) -> String? {
        guard case .integers(let smallest, let largest) = form, !declared else { return nil }
        switch rule {
        case .labelsFromIntegers, .oneHotFromIntegers, .decisionFromIntegers:
            return base == .minusOne
                ? "class labels -1 and 1"
                : "class labels \(smallest) … \(largest), taken to start at \(base.rawValue)"
        default:
            return nil
        }
    }

    /// Refuses texts of more than two kinds as numbers to learn: their places in the alphabet are no quantities.
    private static func refuseRankedTexts(of source: any DataSource) throws(DataError) {
        guard let names = source.targetColumns.classNames, names.count > 2 else { return }
        let shown = names.prefix(5).map { "\"\($0)\"" }.joined(separator: ", ") + (names.count > 5 ? ", …" : "")
        throw DataError(
            .badData, source: source.targetName, place: source.targetColumns.firstText,
            problem: "the targets are texts of \(names.count) kinds (\(shown)), but the loss needs 1 number per sample",
            remedy: "give numbers, or \(names.count) units and the output softmax to learn classes")
    }

    private static func mismatch(
        source: any DataSource, form: TargetForm, needs: TargetNeeds
    ) -> DataError {
        let expected: String
        let remedy: String
        switch needs {
        case .classes(let count):
            expected = "one class of \(count) per sample"
            remedy = """
                give class indices, one-hot rows or shares with sum 1 in \(count) columns, \
                or change the last layer's units or the loss
                """
        case .decisions(let count):
            expected = "\(count) decision\(count == 1 ? "" : "s") between 0 and 1 per sample"
            remedy =
                "give 0/1 targets in \(count) column\(count == 1 ? "" : "s") or change the last layer's units"
        case .values(let count):
            expected = "\(count) value\(count == 1 ? "" : "s") per sample"
            remedy =
                "give targets in \(count) column\(count == 1 ? "" : "s") or change the last layer's units"
        }
        return DataError(
            .badData, source: source.targetName,
            problem: "the targets are \(form.phrase), but the loss needs \(expected)", remedy: remedy)
    }
}

// MARK: Converting rows

extension TargetConversion {
    /// Class `index` as labels that are numbers write it.
    package func labelText(of index: Int) -> String { String(base.label(index)) }

    /// Class `index` by its name in `names`, or as labels that are numbers write it.
    package func className(_ index: Int, names: [String]?) -> String {
        names.flatMap { index < $0.count ? $0[index] : nil } ?? labelText(of: index)
    }

    /// Refuses targets that are NaN or infinite. `block` holds the raw targets of the samples `rows`.
    static func checkFinite(
        _ block: MatrixView<Double>, rows: ArraySlice<UInt64>, of source: any DataSource
    ) throws(DataError) {
        for row in 0..<block.rows {
            for column in 0..<block.columns where !block[row, column].isFinite {
                throw DataError(
                    .badData, source: source.targetName,
                    place: place(row, column, of: rows, source),
                    problem: "the target is \(block[row, column].isNaN ? "NaN" : "infinite")",
                    remedy: "targets must be finite numbers: replace the value or leave the sample out")
            }
        }
    }

    /// Writes the class indices of the samples `rows`, whose raw targets `block` holds.
    func writeLabels(
        _ block: MatrixView<Double>, rows: ArraySlice<UInt64>, of source: any DataSource,
        to labels: UnsafeMutablePointer<Int32>
    ) throws(DataError) {
        guard case .labels(let classes) = result else { preconditionFailure("the result isn't labels") }
        for row in 0..<block.rows {
            if rule == .labelsFromOneHot {
                labels[row] = Int32(try oneHotIndex(block, row, rows: rows, of: source))
            } else {
                labels[row] = Int32(
                    try classIndex(block[row, 0], row, classes: classes, rows: rows, of: source))
            }
        }
    }

    /// Writes the converted targets of the samples `rows`, whose raw targets `block` holds, to `converted`.
    func writeValues(
        _ block: MatrixView<Double>, rows: ArraySlice<UInt64>, of source: any DataSource,
        to converted: MatrixView<Double>
    ) throws(DataError) {
        switch rule {
        case .labelsFromIntegers, .labelsFromOneHot:
            preconditionFailure("the result isn't values")
        case .oneHotFromIntegers:
            for row in 0..<block.rows {
                let label = try classIndex(
                    block[row, 0], row, classes: converted.columns, rows: rows, of: source)
                for column in 0..<converted.columns {
                    converted[row, column] = column == label ? 1 : 0
                }
            }
        case .decisionFromIntegers:
            for row in 0..<block.rows {
                converted[row, 0] = Double(
                    try classIndex(block[row, 0], row, classes: 2, rows: rows, of: source))
            }
        case .values(let limits, let reason):
            for row in 0..<block.rows {
                for column in 0..<block.columns {
                    let value = block[row, column]
                    guard limits.contains(value) else {
                        throw DataError(
                            .badData, source: source.targetName,
                            place: Self.place(row, column, of: rows, source),
                            problem: "the target is \(value), but \(reason)",
                            remedy: "correct the value or choose a loss for real numbers")
                    }
                    converted[row, column] = value
                }
            }
        }
    }

    private func classIndex(
        _ value: Double, _ row: Int, classes: Int, rows: ArraySlice<UInt64>, of source: any DataSource
    ) throws(DataError) -> Int {
        guard let index = base.index(of: value, classes: classes) else {
            let shown = value == value.rounded() && abs(value) < 0x1p53 ? "\(Int(value))" : "\(value)"
            throw DataError(
                .badData, source: source.targetName, place: Self.place(row, 0, of: rows, source),
                problem: """
                    the label is \(shown), allowed are \(base.label(0)) \(base == .minusOne ? "and" : "…") \
                    \(base.label(classes - 1)) (\(classes) classes)
                    """,
                remedy: "correct the label, declare the label base, or change the number of output units")
        }
        return index
    }

    private func oneHotIndex(
        _ block: MatrixView<Double>, _ row: Int, rows: ArraySlice<UInt64>, of source: any DataSource
    ) throws(DataError) -> Int {
        let ones = (0..<block.columns).filter { block[row, $0] == 1 }
        let zeros = (0..<block.columns).filter { block[row, $0] == 0 }
        guard ones.count == 1, zeros.count == block.columns - 1 else {
            throw Self.notOneHot(block, row, rows: rows, of: source)
        }
        return ones[0]
    }

    private static func notOneHot(
        _ block: MatrixView<Double>, _ row: Int, rows: ArraySlice<UInt64>, of source: any DataSource
    ) -> DataError {
        let shown = (0..<block.columns).map { "\(block[row, $0])" }.joined(separator: ", ")
        return DataError(
            .badData, source: source.targetName, place: source.place(row: Int(rows[rows.startIndex + row])),
            problem: "the targets [\(shown)] are neither one-hot nor shares of classes with sum 1",
            remedy: "give exactly one 1 and otherwise 0, or use a sigmoid output for independent decisions")
    }

    /// Throws for the first row that is neither one-hot nor shares of classes.
    private static func refuseRowsWithoutClass(of source: any DataSource) throws(DataError) {
        let columns = source.targetColumns.count
        try ConcurrentBlocks.forEach(rowCount: source.count, by: ConcurrentBlocks.dispatch) {
            _, range throws(DataError) in
            let rows = RowSelection.all.samples(range)
            try withScratchMatrix(rows: range.count, columns: columns) { block throws(DataError) in
                try source.fill(rows: rows, inputs: nil, targets: block)
                for row in 0..<range.count {
                    var summary = TargetSummary(columns: columns)
                    summary.add(block.rows(row..<row + 1))
                    switch summary.form {
                    case .oneHot, .shares: continue
                    default: throw notOneHot(block, row, rows: rows, of: source)
                    }
                }
            }
        }
    }

    /// The class indices of all samples of `source`, whose inputs are not read.
    /// - Throws: `DataError` for targets that are no classes, and for a label that is none of them.
    public func labels(
        of source: any DataSource, concurrently loop: ConcurrentLoop = ConcurrentBlocks.dispatch
    ) throws(DataError) -> [Int32] {
        guard let classCount else {
            throw DataError(
                .badConfiguration, source: source.targetName, problem: "the targets are not classes",
                remedy: "give one class per sample")
        }
        let isOneHot = source.targetColumns.count > 1
        let labels = AlignedBuffer<Int32>(uninitializedCount: source.count)
        try ConcurrentBlocks.forEach(rowCount: source.count, by: loop) { _, range throws(DataError) in
            let rows = RowSelection.all.samples(range)
            try withScratchMatrix(rows: range.count, columns: source.targetColumns.count) { block throws(DataError) in
                try source.fill(rows: rows, inputs: nil, targets: block)
                for row in 0..<range.count {
                    let index =
                        isOneHot
                        ? try oneHotIndex(block, row, rows: rows, of: source)
                        : try classIndex(block[row, 0], row, classes: classCount, rows: rows, of: source)
                    labels.pointer[range.lowerBound + row] = Int32(index)
                }
            }
        }
        // A view of the elements does not keep the buffer alive.
        return labels.array
    }

    private static func place(
        _ row: Int, _ column: Int, of rows: ArraySlice<UInt64>, _ source: any DataSource
    ) -> String {
        let sample = source.place(row: Int(rows[rows.startIndex + row]))
        if let names = source.targetColumns.names { return "\(sample), target \(names[column])" }
        return source.targetColumns.count == 1 ? "\(sample), target" : "\(sample), target column \(column)"
    }
}
