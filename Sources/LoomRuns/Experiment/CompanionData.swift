import LoomConfiguration
import LoomData

/// What is known of data that a model was trained on, and that other data have to match.
public struct KnownColumns: Sendable {
    /// The number of features.
    public let featureCount: Int
    /// The features' names, where they are known.
    public let featureNames: [String]?
    /// The classes' names in the order of their indices, where labels were text.
    public let classNames: [String]?
    /// How the feature columns of a CSV file became features; nil: each was one number.
    public let csvColumns: [CSVColumn]?

    /// Columns to match.
    public init(
        featureCount: Int, featureNames: [String]?, classNames: [String]?, csvColumns: [CSVColumn]? = nil
    ) {
        self.featureCount = featureCount
        self.featureNames = featureNames
        self.classNames = classNames
        self.csvColumns = csvColumns
    }

    /// The number of feature columns of a CSV file.
    fileprivate var columnCount: Int { csvColumns?.count ?? featureCount }

    /// The names of the feature columns of a CSV file, where they are known.
    fileprivate var columnNames: [String]? {
        guard let csvColumns else { return featureNames }
        let names = csvColumns.compactMap(\.name)
        return names.count == csvColumns.count ? names : nil
    }
}

extension CSVSource {
    /// Opens a file whose samples go with data seen before.
    ///
    /// In a file with a header, features are found by their names, so that their order does not matter. Where
    /// names are not known, the file has the columns of the file seen before or, to predict, the feature
    /// columns alone. Labels that were numbers are numbers here, too: a text is a mistake. Categories are those seen
    /// before, and what stands for a missing number is what stood there.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - options: How the file seen before was read; or how this one is to be read, where it has options of
    ///     its own.
    ///   - known: What is known of the data seen before.
    ///   - readsTargets: False to predict: label and target columns need not be there, and are not read.
    ///   - readsWeights: Whether the columns of weights and groups are read; otherwise they need not be there.
    /// - Throws: `DataError`.
    public init(
        path: String, options: CSVOptions, matching known: KnownColumns, readsTargets: Bool, readsWeights: Bool = false
    ) throws(DataError) {
        let file = try CSVFile(path: path, options: options)
        var options = options
        options.classNames = options.classNames ?? known.classNames
        let sampleColumns = [options.weights, options.groups].compactMap { $0 }
        if !readsWeights { (options.weights, options.groups) = (nil, nil) }
        let labelsAreNumbers = options.classNames == nil
        let columns = try file.columns(options)
        func source(_ options: CSVOptions) throws(DataError) -> CSVSource {
            // Where no column is special, another number of them is refused by whoever uses them.
            var plain: [CSVColumn]?
            if known.csvColumns == nil, options.needsSurvey {
                plain = [CSVColumn](repeating: CSVColumn(), count: known.featureCount)
            }
            return try file.source(
                options, labelsAreNumbers: labelsAreNumbers, known: known.csvColumns ?? plain,
                isPredicted: !readsTargets)
        }
        if let names = known.columnNames, columns.names != nil {
            options.features = options.features ?? names.map { .name($0) }
            options.ignored = []
            if !readsTargets {
                options.label = nil
                options.targets = []
            }
            self = try source(options)
        } else if readsTargets {
            if !readsWeights { options.ignored += sampleColumns }
            self = try source(options)
        } else {
            var all = options
            all.ignored = []
            options.ignored += [options.label].compactMap { $0 } + options.targets + sampleColumns
            (options.label, options.targets) = (nil, [])
            (all.label, all.targets, all.features) = (nil, [], nil)
            // Where leaving the targets out does not fit either, the count of all columns says most.
            if columns.count != known.columnCount, let withoutTargets = try? source(options),
                withoutTargets.featureCount == known.featureCount
            {
                self = withoutTargets
            } else {
                self = try source(all)
            }
        }
    }
}

extension DataSourceDescription {
    /// Opens data that are used beside `training`: with the same features and the same classes.
    /// - Throws: `DataError`, also when the numbers of features differ.
    func open(beside training: any DataSource) throws(DataError) -> any DataSource {
        var source: any DataSource
        if case .csv(let csv) = self {
            let known = KnownColumns(
                featureCount: training.featureCount, featureNames: training.featureNames,
                classNames: training.targetColumns.classNames, csvColumns: (training as? CSVSource)?.columns)
            source = try CSVSource(
                path: csv.path, options: csv.options, matching: known, readsTargets: true, readsWeights: true)
        } else {
            source = try open()
        }
        try source.check(beside: training)
        return source
    }
}

extension DataSource {
    /// Refuses data to validate on that do not go with those to train on.
    func check(beside training: any DataSource) throws(DataError) {
        // Columns of CSV files are found by their names when the file is opened.
        if !(self is CSVSource) {
            try check(againstClasses: training.targetColumns.classNames, features: training.featureNames)
        }
        guard featureCount == training.featureCount else {
            throw DataError(
                .badData, source: name,
                problem: "\(featureCount) feature columns for validation, but \(training.featureCount) for training",
                remedy: "give both the same features")
        }
    }

    /// Refuses numbers that mean other classes or features than those of the training data: a directory keeps their names.
    func check(againstClasses classes: [String]?, features: [String]?) throws(DataError) {
        let pairs = [
            ("classes", targetColumns.classNames, classes), ("features", featureNames, features),
        ]
        for (what, own, others) in pairs {
            guard let own, let others, own != others else { continue }
            let listed = { (names: [String]) in
                names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
            }
            throw DataError(
                .badData, source: name,
                problem: "the \(what) are \(listed(own)), but those of the training data are \(listed(others))",
                remedy: "make both from one file, or let a fraction validate")
        }
    }
}
