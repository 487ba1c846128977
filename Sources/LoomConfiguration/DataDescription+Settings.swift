import LoomData

extension DataDescription {
    /// The keys of `data`.
    static var section: SettingsSection<DataDescription> {
        var section = SettingsSection(
            initial: DataDescription(source: .inline(InlineDescription(inputs: [], targets: []))))
        section.addSourceKeys(\.givenSource, describesKeys: true)
        section.key("labels", \.labels, LabelForm.type, "what class labels look like in the data")
        section.optionalKey(
            "class_weights", \.classWeights, ClassWeights.type, default: "each sample counts once",
            "how much each class counts in the loss: balanced, or a list in the order of the classes, or a mapping of their names"
        )
        section.optionalKey(
            "weights", \.weightsPath, .path, default: "each sample counts once",
            "an .npy file with how much each sample counts in the loss; of a CSV file, a column can say it")
        section.optionalKey(
            "groups", \.groupsPath, .path, default: "none",
            "an .npy file with a number for each sample, equal for those that belong together, for validation.by group; of a "
                + "CSV file, a column can say it")
        section.key(
            "validation", \.validation, ValidationDescription.type, default: "0",
            "which samples validate: a fraction of the data, or a mapping with the keys below, or a source of its own"
        )
        section.key(
            "shuffle", \.shuffle, .choice(),
            "whether every epoch has an order of its own, or the file's order; blocks: one in which samples that follow each "
                + "other in a file stay close, for files that are read while training")
        section.key(
            "standardize", \.standardize, .flag,
            "whether features are brought to mean 0 and deviation 1 (of the training part; kept with the model)"
        )
        section.key(
            "materialize", \.materialization, .choice(),
            "where the samples are while training runs: in memory, nowhere (they are made or read when they are needed), on the "
                + "disk (in a file that is written first, where they are not read batch by batch as they are), or auto: in memory "
                + "where they fit into memory_budget; no bit depends on it")
        section.optionalKey(
            "memory_budget", \.memoryBudgetBytes, .byteCount, default: "half of what is free",
            "bytes that the samples may take in memory with materialize auto, such as 512MiB or 2GB")
        section.resolve = { value, reader in
            reader.requireOneSource(or: [])
            var csv: CSVOptions?
            if case .csv(let description) = value.source { csv = description.options }
            if value.weightsPath != nil, csv?.weights != nil {
                reader.reportKey("weights", "not used with csv.weights, which already says how much samples count")
            }
            if value.groupsPath != nil, csv?.groups != nil {
                reader.reportKey("groups", "not used with csv.groups, which already says what belongs together")
            }
            var rule: SplitDescription.Rule?
            if case .split(let split) = value.validation { rule = split.rule }
            if value.groupsPath != nil, rule != .group {
                reader.reportKey("groups", "only used together with validation.by group")
            }
            if case .values(let weights)? = value.classWeights, weights.allSatisfy({ $0 == 0 }) {
                reader.reportKey("class_weights", "all of them are 0; give one class a weight above 0")
            }
        }
        return section
    }

    /// The source as the section's keys want it.
    fileprivate var givenSource: DataSourceDescription? {
        get { source }
        set { if let newValue { source = newValue } }
    }
}

// MARK: Labels

extension LabelForm {
    /// `{base: 0}`: a mapping, so that more can be said about labels later.
    fileprivate static var type: SettingsType<LabelForm> {
        var section = SettingsSection(initial: LabelForm.automatic)
        section.key("base", \.self, .choice(), "the first label, or one_hot for one column per class")
        return section.type()
    }
}

extension ClassWeights {
    fileprivate static var type: SettingsType<ClassWeights> {
        let expectation = "balanced, a list of numbers, 0 or more, or a mapping of the classes' names to such numbers"
        let weight = SettingsType<Double>.number(.notNegative)
        let list = SettingsType<[Double]>.list(of: weight, "a list of numbers, 0 or more")
        return SettingsType(
            expectation: expectation,
            read: { value in
                switch value.node.content {
                case .scalar("balanced", isPlain: _): return .balanced
                case .scalar:
                    value.mismatch(expectation)
                    return nil
                case .list: return list.read(value).map { .values($0) }
                case .mapping(let entries):
                    let weights = entries.map { ($0.key, weight.read(value.child($0.key, $0.value))) }
                    guard weights.allSatisfy({ $0.1 != nil }) else { return nil }
                    return .named(Dictionary(weights.map { ($0.0, $0.1!) }) { $1 })
                }
            },
            write: { weights in
                switch weights {
                case .balanced: .plain("balanced")
                case .values(let values): list.write(values)
                case .named(let named):
                    SettingsNode(
                        content: .mapping(
                            named.sorted { $0.key < $1.key }.map {
                                SettingsNode.Entry(
                                    key: $0.key, origin: .program, value: weight.write($0.value))
                            }))
                }
            })
    }
}
