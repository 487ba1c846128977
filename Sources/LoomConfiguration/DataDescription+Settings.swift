import LoomData

extension DataDescription {
    /// The keys of `data`.
    static var section: SettingsSection<DataDescription> {
        var section = SettingsSection(
            initial: DataDescription(source: .inline(InlineDescription(inputs: [], targets: []))))
        section.addSourceKeys(\.givenSource, describesKeys: true)
        section.key("labels", \.labels, LabelForm.type, "what class labels look like in the data")
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
            "where the samples are while training runs: in memory, nowhere (they are made when they are needed), or auto: in "
                + "memory where they fit into memory_budget; no bit depends on it")
        section.optionalKey(
            "memory_budget", \.memoryBudgetBytes, .byteCount, default: "half of what is free",
            "bytes that the samples may take in memory with materialize auto, such as 512MiB or 2GB")
        section.resolve = { _, reader in reader.requireOneSource(or: nil) }
        return section
    }

    /// The source as the section's keys want it.
    fileprivate var givenSource: DataSourceDescription? {
        get { source }
        set { if let newValue { source = newValue } }
    }
}

// MARK: Labels and validation

extension LabelForm {
    /// `{base: 0}`: a mapping, so that more can be said about labels later.
    fileprivate static var type: SettingsType<LabelForm> {
        var section = SettingsSection(initial: LabelForm.automatic)
        section.key("base", \.self, .choice(), "the first label, or one_hot for one column per class")
        return section.type()
    }
}

extension ValidationDescription {
    fileprivate static var type: SettingsType<ValidationDescription> {
        let expectation = "a fraction, 0 or more and below 1, or a mapping"
        let form = section
        return SettingsType(
            expectation: expectation,
            read: { value in
                if case .mapping = value.node.content { return form.read(value).map(Self.init) }
                guard case .scalar(let text, isPlain: true) = value.node.content,
                    let fraction = SettingsNumber.real(text),
                    NumberRange.belowOne.contains(fraction)
                else {
                    value.mismatch(expectation)
                    return nil
                }
                return Self(ValidationForm(fraction: fraction))
            },
            write: { $0 == .none ? .plain("0") : form.write(ValidationForm($0)) },
            keys: form.references)
    }

    private static var section: SettingsSection<ValidationForm> {
        var section = SettingsSection(initial: ValidationForm())
        let split = SettingsCondition<ValidationForm>(
            holds: { $0.fraction != nil }, problem: { _ in "only used together with fraction" },
            keys: ["fraction"])
        section.optionalKey(
            "fraction", \.fraction, .number(.belowOne), "the part of the samples that validates")
        section.key(
            "stratified", \.stratified, .flag, when: split,
            "whether both parts have every class in the same proportion")
        section.key("seed", \.seed, .whole(0), when: split, "decides which samples validate")
        section.addSourceKeys(\.source, describesKeys: false)
        section.resolve = { _, reader in reader.requireOneSource(or: "fraction") }
        return section
    }

    private init(_ form: ValidationForm) {
        if let source = form.source {
            self = .source(source)
        } else if let fraction = form.fraction, fraction > 0 {
            self = .split(fraction: fraction, stratified: form.stratified, seed: form.seed)
        } else {
            self = .none
        }
    }
}

/// The keys of `data.validation` before it is known which of them were given.
private struct ValidationForm {
    var fraction: Double?
    var stratified = false
    var seed: UInt64 = 1
    var source: DataSourceDescription?

    init(fraction: Double? = nil) {
        self.fraction = fraction
    }

    init(_ description: ValidationDescription) {
        switch description {
        case .none: break
        case .split(let fraction, let stratified, let seed):
            self.fraction = fraction
            self.stratified = stratified
            self.seed = seed
        case .source(let source): self.source = source
        }
    }
}
