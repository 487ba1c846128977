import LoomData

extension ValidationDescription {
    static var type: SettingsType<ValidationDescription> {
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
            holds: { $0.fraction != nil || $0.fold != nil },
            problem: { _ in "only used together with fraction or fold" },
            keys: ["fraction", "fold"])
        section.optionalKey(
            "fraction", \.fraction, .number(.belowOne), "the part of the samples that validates")
        section.optionalKey(
            "fold", \.fold, Fold.type,
            "the part that validates of as many of one size, such as 1/5; --fold gives it, too")
        section.key(
            "by", \.rule, .choice(), when: split,
            "what decides about a sample: random; hash: chance by its number alone, so that samples added later move none; group: "
                + "chance for all that belong together; last: time, the last ones validate")
        section.key(
            "stratified", \.stratified, .flag, when: split,
            "whether both parts have every class in the same proportion")
        section.key("seed", \.seed, .whole(0), when: split, "decides which samples validate")
        section.addSourceKeys(\.source, describesKeys: false)
        section.resolve = { value, reader in
            reader.requireOneSource(or: ["fraction", "fold"])
            if value.stratified, value.rule != .random {
                reader.reportKey("stratified", "only used together with by random")
            }
        }
        return section
    }

    private init(_ form: ValidationForm) {
        if let source = form.source {
            self = .source(source)
        } else if let part = form.part, part != .fraction(0) {
            self = .split(
                SplitDescription(part, by: form.rule, isStratified: form.stratified, seed: form.seed))
        } else {
            self = .none
        }
    }
}

/// The keys of `data.validation` before it is known which of them were given.
private struct ValidationForm {
    var fraction: Double?
    var fold: Fold?
    var rule = SplitDescription.Rule.random
    var stratified = false
    var seed: UInt64 = 1
    var source: DataSourceDescription?

    init(fraction: Double? = nil) {
        self.fraction = fraction
    }

    init(_ description: ValidationDescription) {
        switch description {
        case .none: break
        case .split(let split):
            switch split.part {
            case .fraction(let fraction): self.fraction = fraction
            case .fold(let index, let count): fold = Fold(index: index, count: count)
            }
            (rule, stratified, seed) = (split.rule, split.isStratified, split.seed)
        case .source(let source): self.source = source
        }
    }
}

extension ValidationForm {
    fileprivate var part: SplitDescription.Part? {
        fold.map { .fold(index: $0.index, count: $0.count) } ?? fraction.map { .fraction($0) }
    }
}

/// One of the parts of cross-validation, written as 2/5.
public struct Fold: Sendable, Equatable {
    /// Counted from 1.
    public var index: Int
    /// How many there are, 2 or more.
    public var count: Int

    /// Fold `index` of `count`.
    init(index: Int, count: Int) { (self.index, self.count) = (index, count) }

    /// The fold that `text` is, such as 2/5; nil: none.
    public init?(_ text: String) {
        let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map {
            SettingsNumber.whole(String($0), as: Int.self)
        }
        guard numbers.count == 2, let index = numbers[0], let count = numbers[1], count >= 2, count < 1 << 31,
            (1...count).contains(index)
        else { return nil }
        self.init(index: index, count: count)
    }

    /// Such as 2/5.
    public var text: String { "\(index)/\(count)" }

    /// What is expected.
    public static let expectation = "a fold, such as 1/5 for the first of five"

    fileprivate static var type: SettingsType<Fold> {
        SettingsType(
            expectation: expectation,
            read: { value in
                let fold = value.node.text.flatMap { Fold($0) }
                if fold == nil { value.mismatch(expectation) }
                return fold
            },
            write: { .plain($0.text) })
    }
}

extension SettingsNode {
    /// Puts `fold` in the place of a fraction of `data.validation`; what decides about a sample stays.
    mutating func validate(on fold: Fold) {
        let origin = SettingsOrigin.override("--fold \(fold.text)")
        let entry = Entry(
            key: "fold", origin: origin, value: SettingsNode(content: .scalar(fold.text, isPlain: true), origin: origin)
        )
        guard case .mapping(var sections) = content, let data = sections.firstIndex(where: { $0.key == "data" }),
            case .mapping(var keys) = sections[data].value.content
        else { return }
        if let place = keys.firstIndex(where: { $0.key == "validation" }) {
            if case .mapping(let given) = keys[place].value.content {
                keys[place].value.content = .mapping(given.filter { !["fraction", "fold"].contains($0.key) } + [entry])
            } else {
                keys[place].value.content = .mapping([entry])
            }
        } else {
            keys.append(
                Entry(
                    key: "validation", origin: origin, value: SettingsNode(content: .mapping([entry]), origin: origin)))
        }
        sections[data].value.content = .mapping(keys)
        content = .mapping(sections)
    }

    /// Adds the network that a configuration of data alone does not need.
    mutating func addNetworkIfMissing() {
        guard case .mapping(let sections) = content, !sections.contains(where: { $0.key == "network" }),
            let network = try? SettingsNode.parse(yaml: "{layers: [{units: 1}], output: identity}")
        else { return }
        content = .mapping(sections + [Entry(key: "network", origin: .program, value: network)])
    }
}
