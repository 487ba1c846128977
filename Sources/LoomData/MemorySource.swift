import LoomKernels

/// Samples in the memory of a program: flat arrays of its own, row by row.
public struct MemorySource: DataSource {
    /// What messages call the samples.
    public var name: String { arrays.name }
    /// What messages call the targets.
    public var targetName: String { arrays.targetName }
    /// The number of samples.
    public var count: Int { arrays.count }
    /// The number of features.
    public var featureCount: Int { arrays.featureCount }
    /// The features' names where they were given.
    public var featureNames: [String]? { arrays.featureNames }
    /// The target columns, with their detected form.
    public private(set) var targetColumns: TargetColumns
    private let arrays: ArraySource
    private let weights: [Double]?

    /// Samples of `features` numbers each.
    /// - Parameters:
    ///   - inputs: Samples × features, row by row.
    ///   - features: The numbers of a sample.
    ///   - targets: Samples × `targetColumns`, row by row; nil: samples to predict on. One column of whole numbers may be class
    ///     labels.
    ///   - weights: How much each sample counts in the loss; nil: once.
    ///   - classNames: The names of the classes, where `targets` are their indices, counted from 0.
    ///   - name: What messages call the samples.
    /// - Throws: `DataError` for no samples, arrays that have no whole number of rows or different ones, targets that are not
    ///   finite, and weights that are no weights.
    public init<Element: MemorySourceElement>(
        inputs: [Element], features: Int, targets: [Element]? = nil, targetColumns: Int = 1, weights: [Double]? = nil,
        featureNames: [String]? = nil, classNames: [String]? = nil, name: String = "samples"
    ) throws(DataError) {
        let inputs = try ValueArray(inputs, columns: features, name: name)
        var targetArray: ValueArray<Element>?
        if let targets { targetArray = try ValueArray(targets, columns: targetColumns, name: "\(name)' targets") }
        try self.init(
            inputs: inputs, targets: targetArray, weights: weights, featureNames: featureNames, classNames: classNames)
    }

    /// Samples in memory that `owner` keeps as it is, as long as this source lives: nothing is copied.
    package init(
        inputs: SharedArray, targets: SharedArray? = nil, weights: [Double]? = nil, featureNames: [String]? = nil,
        classNames: [String]? = nil, owner: AnyObject & Sendable, name: String = "samples"
    ) throws(DataError) {
        try self.init(
            inputs: inputs.array(name: name, owner: owner),
            targets: targets?.array(name: "\(name)' targets", owner: owner), weights: weights,
            featureNames: featureNames, classNames: classNames)
    }

    private init(
        inputs: any RowArray, targets: (any RowArray)?, weights: [Double]?, featureNames: [String]?,
        classNames: [String]?
    ) throws(DataError) {
        arrays = try ArraySource(inputs: inputs, targets: targets, featureNames: featureNames)
        if let featureNames, featureNames.count != arrays.featureCount {
            throw DataError(
                .badData, source: inputs.name,
                problem: "\(featureNames.count) names of features, but \(arrays.featureCount) features",
                remedy: "give one name for each feature")
        }
        targetColumns = arrays.targetColumns
        self.weights = weights
        if let classNames { try setNames(ofClasses: classNames) }
        guard let weights else { return }
        guard weights.count == count else {
            throw DataError(
                .badData, source: name, problem: "\(weights.count) weights, but \(count) samples",
                remedy: "give one weight for each sample")
        }
        try SampleColumns.check(weights, name: name, place: place(row:))
    }

    /// Takes the targets for indices of `classNames`.
    private mutating func setNames(ofClasses classNames: [String]) throws(DataError) {
        guard case .integers(let smallest, let largest) = targetColumns.form, smallest >= 0, largest < classNames.count
        else {
            throw DataError(
                .badData, source: targetName,
                problem:
                    "the targets are \(targetColumns.form.phrase), but there are names of \(classNames.count) classes",
                remedy: "give each sample the index of its class's name, counted from 0")
        }
        targetColumns.form = .classIndices(classes: classNames.count)
        targetColumns.classNames = classNames
    }

    /// Copies the samples `rows`.
    public func fill(
        rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
    ) throws(DataError) {
        try arrays.fill(rows: rows, inputs: inputs, targets: targets)
    }

    /// The weights that were given.
    public func sampleWeights() -> [Double]? { weights }
}

/// The numbers of a `MemorySource`: `Float` or `Double`.
public protocol MemorySourceElement: BinaryFloatingPoint, BitwiseCopyable, Sendable {}
extension Float: MemorySourceElement {}
extension Double: MemorySourceElement {}

/// Rows × columns elements in memory of somebody else, row after row without gaps.
package struct SharedArray {
    let start: UnsafeRawPointer
    let rows: Int
    let columns: Int
    let element: ElementType

    /// `rows` × `columns` elements from `start` on, at any address. The product of both with the element's size is a number.
    package init(start: UnsafeRawPointer, rows: Int, columns: Int, element: ElementType) {
        (self.start, self.rows, self.columns, self.element) = (start, rows, columns, element)
    }

    fileprivate func array(name: String, owner: AnyObject & Sendable) -> NumberArray {
        let byteCount = rows * columns * element.byteCount
        let bytes = FileBytes(UnsafeRawBufferPointer(start: start, count: byteCount), ownedBy: owner)
        return NumberArray(
            InputFile(path: name, data: bytes, range: 0..<byteCount), offset: 0, shape: [rows, columns],
            element: element)
    }
}

/// Rows of a Swift array.
private struct ValueArray<Element: MemorySourceElement>: RowArray {
    let name: String
    let shape: [Int]
    let values: [Element]
    var element: ElementType { Element.self == Float.self ? .float32 : .float64 }

    init(_ values: [Element], columns: Int, name: String) throws(DataError) {
        guard columns > 0, values.count.isMultiple(of: columns) else {
            throw DataError(
                .badData, source: name, problem: "\(values.count) numbers are no rows of \(columns)",
                remedy: "give a multiple of the number of columns, which is 1 or more")
        }
        (self.values, self.name, shape) = (values, name, [values.count / columns, columns])
    }

    func read(rows: ArraySlice<UInt64>, into destination: MatrixView<Double>) {
        let columns = shape[1]
        for (position, row) in rows.enumerated() {
            let first = Int(row) * columns
            for column in 0..<columns { destination[position, column] = Double(values[first + column]) }
        }
    }
}
