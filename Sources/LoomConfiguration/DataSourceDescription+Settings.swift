import LoomData

extension DataSourceDescription {
    /// The keys that name a source, of which a mapping has exactly one.
    package static let names = [
        "synthetic", "csv", "npy", "dataset", "npz", "idx", "libsvm", "hdf5", "inline", "custom",
    ]
}

extension Optional<DataSourceDescription> {
    fileprivate var synthetic: SyntheticDescription? {
        get { if case .synthetic(let value) = self { value } else { nil } }
        set { self = newValue.map { .synthetic($0) } ?? self }
    }
    fileprivate var csv: CSVDescription? {
        get { if case .csv(let value) = self { value } else { nil } }
        set { self = newValue.map { .csv($0) } ?? self }
    }
    fileprivate var npy: NpyDescription? {
        get { if case .npy(let value) = self { value } else { nil } }
        set { self = newValue.map { .npy($0) } ?? self }
    }
    fileprivate var dataset: DatasetDescription? {
        get { if case .dataset(let value) = self { value } else { nil } }
        set { self = newValue.map { .dataset($0) } ?? self }
    }
    fileprivate var npz: ArrayFileDescription? {
        get { if case .npz(let value) = self { value } else { nil } }
        set { self = newValue.map { .npz($0) } ?? self }
    }
    fileprivate var idx: IdxDescription? {
        get { if case .idx(let value) = self { value } else { nil } }
        set { self = newValue.map { .idx($0) } ?? self }
    }
    fileprivate var libsvm: LibSVMDescription? {
        get { if case .libsvm(let value) = self { value } else { nil } }
        set { self = newValue.map { .libsvm($0) } ?? self }
    }
    fileprivate var hdf5: ArrayFileDescription? {
        get { if case .hdf5(let value) = self { value } else { nil } }
        set { self = newValue.map { .hdf5($0) } ?? self }
    }
    fileprivate var inline: InlineDescription? {
        get { if case .inline(let value) = self { value } else { nil } }
        set { self = newValue.map { .inline($0) } ?? self }
    }
    fileprivate var custom: CustomDescription? {
        get { if case .custom(let value) = self { value } else { nil } }
        set { self = newValue.map { .custom($0) } ?? self }
    }
}

extension SettingsSection {
    /// Adds one key for each kind of source; `describesKeys` is false where the reference has their keys elsewhere.
    mutating func addSourceKeys(
        _ source: WritableKeyPath<Root, DataSourceDescription?>, describesKeys: Bool
    ) {
        let suffix = describesKeys ? "" : ", with the keys of its namesake in data"
        optionalKey(
            "synthetic", source.appending(path: \.synthetic),
            SyntheticDescription.section.type(describesKeys: describesKeys), "a generated task" + suffix)
        optionalKey(
            "csv", source.appending(path: \.csv), CSVDescription.section.type(describesKeys: describesKeys),
            "a CSV file" + suffix)
        optionalKey(
            "npy", source.appending(path: \.npy), NpyDescription.section.type(describesKeys: describesKeys),
            "NumPy files" + suffix)
        optionalKey(
            "dataset", source.appending(path: \.dataset), DatasetDescription.section.type(describesKeys: describesKeys),
            "a directory that gradloom convert or gradloom generate has made" + suffix)
        optionalKey(
            "npz", source.appending(path: \.npz),
            ArrayFileDescription.section("the archive").type(describesKeys: describesKeys),
            "an .npz archive of NumPy" + suffix)
        optionalKey(
            "idx", source.appending(path: \.idx), IdxDescription.section.type(describesKeys: describesKeys),
            "files in the IDX format of MNIST, compressed with gzip or not" + suffix)
        optionalKey(
            "libsvm", source.appending(path: \.libsvm), LibSVMDescription.section.type(describesKeys: describesKeys),
            "a text in the format of LIBSVM" + suffix)
        optionalKey(
            "hdf5", source.appending(path: \.hdf5),
            ArrayFileDescription.section("the file").type(describesKeys: describesKeys),
            "an HDF5 file" + suffix)
        optionalKey(
            "inline", source.appending(path: \.inline),
            InlineDescription.section.type(describesKeys: describesKeys),
            "samples written out here" + suffix)
        optionalKey(
            "custom", source.appending(path: \.custom),
            CustomDescription.section.type(describesKeys: describesKeys),
            "samples that a program hands over: no command can read them" + suffix)
    }
}

extension SettingsReader {
    /// Reports when the mapping has no source, or more than one; `others` are keys that count as one.
    func requireOneSource(or others: [String]) {
        let names = others + DataSourceDescription.names
        let given = names.filter(has)
        if given.count > 1 {
            reportKey(given[1], "only one of \(given.enumeration) can be given")
        } else if given.isEmpty {
            value.reading.report(
                value.path, at: value.node.origin,
                "no data; expected exactly one of the keys \(names.enumeration)")
        }
    }
}

extension CSVDescription {
    static var section: SettingsSection<CSVDescription> {
        var section = SettingsSection(initial: CSVDescription(path: ""))
        section.requiredKey("path", \.path, .path, "the file, relative to the configuration file")
        section.optionalKey(
            "label", \.labels, labelType, default: "none",
            "the column of labels or of the only target, by name or index (−1: the last); or a list of target columns"
        )
        section.optionalKey(
            "features", \.options.features, columns, default: "all other columns",
            "the feature columns in their order")
        section.optionalKey("ignored", \.ignored, columns, default: "none", "columns that are left out")
        section.key(
            "header", \.options.header,
            .choice(of: [("auto", .automatic), ("true", .present), ("false", .absent)]),
            "whether the first line names the columns")
        section.key(
            "separator", \.options.separator, .word("auto", or: separator),
            "the character between two columns")
        section.key(
            "decimal", \.options.decimal, decimal, "the mark before a number's fraction")
        section.key(
            "missing", \.options.missing, .choice(),
            "what becomes of samples with missing values (empty, ?, NA, null, …): a mistake, left out, or numbers "
                + "replaced by their mean and marked by an input for each such column")
        section.key(
            "categories", \.options.categories, categories,
            "the feature columns of texts, each of which becomes an input that is 1 or 0; auto: those with more words "
                + "than numbers")
        section.optionalKey(
            "weights", \.options.weights, column, default: "each sample counts once",
            "the column of how much each sample counts in the loss, no feature")
        section.optionalKey(
            "groups", \.options.groups, column, default: "none",
            "the column that is equal for samples that belong together, for validation.by group; a feature only where "
                + "features has it")
        section.resolve = { value, reader in
            if reader.has("features"), reader.has("ignored") {
                reader.reportKey(
                    "ignored", "not used with features, which already say which columns are read")
            }
        }
        return section
    }

    /// The label column, or the target columns.
    private var labels: [ColumnReference]? {
        get { options.label.map { [$0] } ?? (options.targets.isEmpty ? nil : options.targets) }
        set {
            options.label = newValue?.count == 1 ? newValue![0] : nil
            options.targets = newValue?.count == 1 ? [] : newValue ?? []
        }
    }

    /// The ignored columns; nil for none.
    private var ignored: [ColumnReference]? {
        get { options.ignored.isEmpty ? nil : options.ignored }
        set { options.ignored = newValue ?? [] }
    }

    private static var column: SettingsType<ColumnReference> {
        SettingsType<ColumnReference>(
            expectation: "a column's name or index",
            read: { value in
                if case .scalar(let text, isPlain: true) = value.node.content,
                    let index: Int = SettingsNumber.whole(text)
                {
                    return .index(index)
                }
                return SettingsType<String>.text("a column's name or index").read(value).map { .name($0) }
            },
            write: { column in
                switch column {
                case .name(let name): .quoted(name)
                case .index(let index): .plain("\(index)")
                }
            })
    }

    private static var columns: SettingsType<[ColumnReference]> {
        SettingsType<[ColumnReference]>.list(
            of: column, "a list of columns, by name or index")
    }

    private static var labelType: SettingsType<[ColumnReference]> {
        SettingsType<[ColumnReference]>(
            expectation: "a column's name or index, or a list of them",
            read: { value in
                if case .scalar = value.node.content { return column.read(value).map { [$0] } }
                if case .list = value.node.content { return columns.read(value) }
                value.mismatch("a column's name or index, or a list of them")
                return nil
            },
            write: { $0.count == 1 ? column.write($0[0]) : columns.write($0) })
    }

    private static var categories: SettingsType<CategoryColumns> {
        let words = SettingsType<CategoryColumns>.choice(of: [("none", .none), ("auto", .automatic)])
        let expectation = "none, auto or \(columns.expectation)"
        return SettingsType<CategoryColumns>(
            expectation: expectation,
            read: { value in
                if case .list = value.node.content { return columns.read(value).map { .columns($0) } }
                switch value.node.text {
                case "none": return CategoryColumns.none
                case "auto": return .automatic
                default:
                    value.mismatch(expectation)
                    return nil
                }
            },
            write: { if case .columns(let listed) = $0 { columns.write(listed) } else { words.write($0) } })
    }

    private static var decimal: SettingsType<DecimalMark> {
        let expectation = "\".\" or \",\""
        return SettingsType<DecimalMark>(
            expectation: expectation,
            read: { value in
                let mark = value.node.text.flatMap(DecimalMark.init)
                if mark == nil { value.mismatch(expectation) }
                return mark
            },
            write: { .quoted($0.rawValue) })
    }

    private static var separator: SettingsType<String> {
        SettingsType<String>(
            expectation: "one ASCII character, such as \";\" or \"\\t\"",
            read: { $0.node.text.flatMap { $0.utf8.count == 1 ? $0 : nil } },
            write: { .quoted($0) })
    }
}

extension CustomDescription {
    static var section: SettingsSection<CustomDescription> {
        var section = SettingsSection(initial: CustomDescription(name: ""))
        section.requiredKey("name", \.name, .text("a name"), "what messages call the samples")
        return section
    }
}

extension InlineDescription {
    static var section: SettingsSection<InlineDescription> {
        var section = SettingsSection(initial: InlineDescription(inputs: [], targets: []))
        section.requiredKey("inputs", \.inputs, .matrix, "one row of features per sample")
        section.requiredKey(
            "targets", \.targets, .matrixOrColumn, "one target, or one row of them, per sample")
        section.resolve = { value, reader in
            guard reader.isSound("inputs", "targets"), value.inputs.count != value.targets.count else {
                return
            }
            reader.report(
                "targets",
                "expected one target per sample, found \(value.targets.count) for \(value.inputs.count) inputs"
            )
        }
        return section
    }
}
