import LoomData

extension DataSourceDescription {
    /// The keys that name a source, of which a mapping has exactly one.
    package static let names = [
        "synthetic", "csv", "npy", "dataset", "npz", "idx", "libsvm", "hdf5", "inline",
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
    }
}

extension SettingsReader {
    /// Reports when the mapping has no source, or more than one; `other` is a key that counts as one.
    func requireOneSource(or other: String?) {
        let names = (other.map { [$0] } ?? []) + DataSourceDescription.names
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

extension SyntheticDescription {
    static var section: SettingsSection<SyntheticDescription> {
        var section = SettingsSection(initial: SyntheticDescription(task: .teacher, samples: 1))
        func taskIs(_ tasks: Task...) -> SettingsCondition<SyntheticDescription> {
            SettingsCondition(
                holds: { tasks.contains($0.task) },
                problem: {
                    "not used with task \($0.task.rawValue); it belongs to task \(tasks.map(\.rawValue).alternatives)"
                }, keys: ["task"])
        }
        section.requiredKey("task", \.task, .choice(), "what is generated")
        section.requiredKey("samples", \.samples, .whole(1), "the number of samples")
        section.key("inputs", \.inputs, .whole(1), default: defaults(\.inputs), "the number of features")
        section.optionalKey(
            "classes", \.classes, .whole(2), default: defaults(\.classes),
            when: taskIs(.teacher, .blobs, .spirals, .xor), "the number of classes")
        section.optionalKey(
            "targets", \.regressionTargets, .whole(1), default: "1",
            when: taskIs(.teacher, .linear, .friedman1),
            "the number of target columns; makes a teacher's task a regression")
        section.key("seed", \.seed, .whole(0), "with the other keys, decides every sample")
        section.key(
            "noise", \.noise, .number(.notNegative), default: defaults(\.noise),
            when: taskIs(.teacher, .spirals, .xor, .linear, .friedman1),
            "the deviation of normal noise on the inputs (spirals, xor) or the targets")
        section.key("hidden", \.hidden, .whole(1), when: taskIs(.teacher), "the teacher's hidden units")
        section.key(
            "gain", \.gain, .number(.positive), when: taskIs(.teacher),
            "the deviation of the teacher's pre-activations: the larger, the harder to learn")
        section.key(
            "cluster_std", \.clusterStd, .number(.notNegative), when: taskIs(.blobs),
            "the deviation of a blob")
        section.key(
            "center_box", \.centerBox, .numbers, default: "[-10, 10]", when: taskIs(.blobs),
            "the lower and the upper bound of the blobs' centres")
        section.key("turns", \.turns, .number(.positive), when: taskIs(.spirals), "the turns of an arm")
        section.optionalKey(
            "informative", \.informative, .whole(1), default: "all", when: taskIs(.linear),
            "the number of inputs that the targets depend on")
        section.key("bias", \.bias, .number(.any), when: taskIs(.linear), "the constant term")
        section.resolve = resolve
        return section
    }

    private static func resolve(_ value: inout SyntheticDescription, _ reader: SettingsReader) {
        if reader.has("classes"), reader.has("targets"), value.task == .teacher {
            reader.reportKey(
                "targets", "only one of classes (a classification) and targets (a regression) can be given")
        }
        // What is not given has the defaults of the task.
        value = SyntheticDescription(
            task: value.task, samples: value.samples, inputs: reader.has("inputs") ? value.inputs : nil,
            classes: reader.has("classes") ? value.classes : nil,
            targets: reader.has("targets") ? value.targets : nil, seed: value.seed,
            noise: reader.has("noise") ? value.noise : nil, hidden: value.hidden, gain: value.gain,
            clusterStd: value.clusterStd, centerBox: value.centerBox, turns: value.turns,
            informative: value.informative, bias: value.bias)
        guard reader.value.reading.isSound(reader.value.path) else { return }
        do {
            try value.validate()
        } catch {
            let key = error.source.split(separator: ".").last.map(String.init) ?? ""
            reader.report(key, "\(error.problem); \(error.remedy)")
        }
    }

    /// The targets of a regression; nil for a classification.
    private var regressionTargets: Int? {
        get { classes == nil ? targets : nil }
        set { if let newValue { targets = newValue } }
    }

    /// The defaults of all tasks, such as `64 (teacher), 2 (blobs, spirals, xor)`.
    private static func defaults<Value: Hashable>(_ path: KeyPath<SyntheticDescription, Value>) -> String {
        defaults { "\($0[keyPath: path])" }
    }

    private static func defaults(_ path: KeyPath<SyntheticDescription, Int?>) -> String {
        defaults { $0[keyPath: path].map(String.init) }
    }

    private static func defaults(_ text: (SyntheticDescription) -> String?) -> String {
        var values: [(text: String, tasks: [String])] = []
        for task in Task.allCases {
            guard let text = text(SyntheticDescription(task: task, samples: 1)) else { continue }
            if let index = values.firstIndex(where: { $0.text == text }) {
                values[index].tasks.append(task.rawValue)
            } else {
                values.append((text, [task.rawValue]))
            }
        }
        return values.map { "\($0.text) (\($0.tasks.joined(separator: ", ")))" }.joined(separator: ", ")
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
