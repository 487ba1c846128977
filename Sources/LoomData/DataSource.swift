import LoomKernels

/// Where samples come from: a file, a generator or values given in a configuration.
///
/// A source hands out rows by number, in float64 and as they are; `Dataset` chooses the rows, checks them, converts
/// the targets and stores them in its precision. So a training and a validation part are filled directly, without a
/// copy of the whole.
public protocol DataSource: Sendable {
    /// What error messages call the source: the file's path, for example.
    var name: String { get }
    /// What messages about targets call the source, where they are in another file.
    var targetName: String { get }
    /// The number of samples.
    var count: Int { get }
    /// The number of features of a sample.
    var featureCount: Int { get }
    /// The features' names where they are known.
    var featureNames: [String]? { get }
    /// The target columns: how many, and what they hold.
    var targetColumns: TargetColumns { get }
    /// What was found out about the data rather than declared, as sentences for the user.
    var notes: [String] { get }

    /// Bytes that the source keeps in memory in order to find its samples; files that are mapped do not count.
    var indexBytes: Int { get }

    /// Writes the samples `rows`: row i of `inputs` (rows × features) and of `targets` (rows × target columns)
    /// becomes sample `rows[rows.startIndex + i]`. A matrix that is nil isn't wanted.
    ///
    /// Called from several threads at a time. Throws when the source's content can't be read as numbers.
    func fill(
        rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
    ) throws(DataError)

    /// How much each sample counts in the loss; nil: once.
    /// - Throws: `DataError` for what is no weight.
    func sampleWeights() throws(DataError) -> [Double]?

    /// Compares the whole content with the source's checksums, where it has any: for whoever is about to read all of it.
    func verifyContent() throws(DataError)

    /// How a user finds sample `row`: a line or a row number.
    func place(row: Int) -> String
    /// How a user finds feature `feature`.
    func place(feature: Int) -> String
}

extension DataSource {
    /// No names are known.
    public var featureNames: [String]? { nil }

    /// Inputs and targets are in one place.
    public var targetName: String { name }

    /// Nothing had to be found out.
    public var notes: [String] { [] }

    /// Samples are found by their number.
    public var indexBytes: Int { 0 }

    /// Every sample counts once.
    public func sampleWeights() throws(DataError) -> [Double]? { nil }

    /// There are no checksums.
    public func verifyContent() throws(DataError) {}

    /// The row's number, counted from 0.
    public func place(row: Int) -> String {
        "row \(row) (counted from 0)"
    }

    /// The column's number, counted from 0, and its name where it has one.
    public func place(feature: Int) -> String {
        let number = "column \(feature) (counted from 0)"
        guard let featureNames else { return number }
        return "\(number), \(featureNames[feature])"
    }

    /// Refuses what no data set can be: no samples, or no features.
    func checkExtent() throws(DataError) {
        if count == 0 {
            throw DataError(
                .badData, source: name, problem: "the data set is empty", remedy: "give at least one sample")
        }
        if featureCount == 0 {
            throw DataError(
                .badData, source: name, problem: "there are no feature columns",
                remedy: "give at least one column that is neither a label nor a target nor ignored")
        }
    }
}
