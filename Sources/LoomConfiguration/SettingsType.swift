import Foundation
import LoomModel

/// How values of one kind are read, written and described: the same for every key that has such values.
struct SettingsType<Value> {
    /// What is expected, with its article: `a whole number, 1 or more`.
    let expectation: String
    /// Reads a value; nil after reporting what is wrong with it.
    let read: (SettingsValue) -> Value?
    /// Writes a value, so that reading it gives the same.
    let write: (Value) -> SettingsNode
    /// The keys below a key of this type, for the reference; empty but for mappings and lists of mappings.
    var keys: (_ path: String) -> [KeyReference] = { _ in [] }
}

// MARK: Scalars

extension SettingsType where Value: FixedWidthInteger {
    /// A whole number of `smallest` or more.
    static func whole(_ smallest: Value) -> SettingsType {
        let expectation = "a whole number, \(smallest) or more"
        return SettingsType(
            expectation: expectation,
            read: { value in
                guard let text = value.numberText(expectation) else { return nil }
                if let number: Value = SettingsNumber.whole(text), number >= smallest { return number }
                if SettingsNumber.isWhole(text), !text.hasPrefix("-"), !text.allSatisfy({ $0 == "0" }) {
                    let tooLarge = SettingsNumber.whole(text, as: Value.self) == nil
                    value.mismatch(expectation, note: tooLarge ? "at most \(Value.max) is possible" : nil)
                } else if let real = SettingsNumber.real(text), let number = Value(exactly: real),
                    number >= smallest
                {
                    value.mismatch(expectation, note: "write \(number)")
                } else {
                    value.mismatch(expectation)
                }
                return nil
            },
            write: { .plain("\($0)") })
    }
}

/// The numbers that make sense somewhere.
struct NumberRange: Sendable {
    let wording: String
    let contains: @Sendable (Double) -> Bool

    static let any = NumberRange(wording: "a number") { _ in true }
    static let positive = NumberRange(wording: "a number above 0") { $0 > 0 }
    static let notNegative = NumberRange(wording: "a number, 0 or more") { $0 >= 0 }
    static let fraction = NumberRange(wording: "a number from 0 to 1") { (0...1).contains($0) }
    static let belowOne = NumberRange(wording: "a number, 0 or more and below 1") { (0..<1).contains($0) }
    static let insideUnit = NumberRange(wording: "a number above 0 and below 1") { $0 > 0 && $0 < 1 }
}

extension SettingsType<Double> {
    /// A finite number in `range`.
    static func number(_ range: NumberRange) -> SettingsType {
        SettingsType(
            expectation: range.wording,
            read: { value in
                guard let text = value.numberText(range.wording) else { return nil }
                if let number = SettingsNumber.real(text), range.contains(number) { return number }
                value.mismatch(
                    range.wording, note: SettingsNumber.isNotFinite(text) ? "the number must be finite" : nil)
                return nil
            },
            write: { .plain("\($0)") })
    }
}

extension SettingsType<Bool> {
    /// `true` or `false`.
    static var flag: SettingsType {
        SettingsType(
            expectation: "true or false",
            read: { value in
                guard case .scalar(let text, isPlain: true) = value.node.content else {
                    value.mismatch("true or false")
                    return nil
                }
                switch text {
                case "true": return true
                case "false": return false
                case "yes", "Yes", "on", "On", "True": value.mismatch("true or false", note: "write true")
                case "no", "No", "off", "Off", "False": value.mismatch("true or false", note: "write false")
                default: value.mismatch("true or false")
                }
                return nil
            },
            write: { .plain($0 ? "true" : "false") })
    }
}

extension SettingsType<String> {
    /// Any text but the empty one.
    static func text(_ expectation: String = "a text") -> SettingsType {
        SettingsType(
            expectation: expectation,
            read: { value in
                guard let text = value.node.text, !text.isEmpty else {
                    value.mismatch(expectation)
                    return nil
                }
                return text
            },
            write: { .quoted($0) })
    }

    /// The path of a file. A relative one is relative to the directory of the configuration file, or in an override
    /// to the current directory; it becomes absolute.
    static var path: SettingsType {
        SettingsType(
            expectation: "the path of a file",
            read: { value in
                guard let text = text("the path of a file").read(value) else { return nil }
                let isOverride = if case .override = value.node.origin { true } else { false }
                let base = isOverride ? value.reading.workingDirectory : value.reading.directory
                return URL(fileURLWithPath: text, relativeTo: URL(fileURLWithPath: base, isDirectory: true))
                    .standardizedFileURL.path
            },
            write: { .quoted($0) })
    }
}

extension SettingsType {
    /// One of the words of `choices`.
    static func choice(of choices: [(word: String, value: Value)]) -> SettingsType where Value: Equatable {
        let words = choices.map(\.word)
        return SettingsType(
            expectation: words.alternatives,
            read: { value in
                let text = value.node.text
                if let choice = choices.first(where: { $0.word == text }) { return choice.value }
                let nearest = text.flatMap { NearestName.find($0, in: words) }
                value.mismatch(words.alternatives, note: nearest.map { "did you mean '\($0)'?" })
                return nil
            },
            write: { value in .plain(choices.first { $0.value == value }!.word) })
    }

    /// One of the cases of an enumeration, by their names in files.
    static func choice() -> SettingsType where Value: CaseIterable & RawRepresentable<String> & Equatable {
        choice(of: Value.allCases.map { ($0.rawValue, $0) })
    }

    /// `word`, which stands for nil, or a value of another type.
    static func word<Wrapped>(_ word: String, or type: SettingsType<Wrapped>) -> SettingsType
    where Value == Wrapped? {
        let expectation = "\(word) or \(type.expectation)"
        return SettingsType(
            expectation: expectation,
            read: { value in
                if value.node.text == word { return .some(nil) }
                // What the other type expects is half of the truth, so of its report only the advice is kept.
                let attempt = SettingsValue(
                    node: value.node, path: value.path, reading: value.reading.attempt())
                if let wrapped = type.read(attempt) { return wrapped }
                let nearest = value.node.text.flatMap { NearestName.find($0, in: [word]) }
                let half = "expected \(type.expectation), found \(value.node.found); "
                let advice = attempt.reading.issues.last.flatMap {
                    $0.problem.hasPrefix(half) ? String($0.problem.dropFirst(half.count)) : nil
                }
                value.mismatch(expectation, note: nearest.map { "did you mean '\($0)'?" } ?? advice)
                return nil
            },
            write: { $0.map(type.write) ?? .plain(word) })
    }
}

extension SettingsValue {
    /// The text of a scalar that can be a number; nil after reporting that it cannot.
    func numberText(_ expectation: String) -> String? {
        switch node.content {
        case .scalar(let text, isPlain: true):
            return text
        case .scalar(let text, isPlain: false):
            mismatch(expectation, note: SettingsNumber.isNumber(text) ? "remove the quotes" : nil)
        case .list, .mapping:
            mismatch(expectation)
        }
        return nil
    }
}

// MARK: Lists

extension SettingsType {
    /// A list of at least one value.
    static func list<Element>(
        of type: SettingsType<Element>, _ expectation: String
    ) -> SettingsType where Value == [Element] {
        SettingsType(
            expectation: expectation,
            read: { value in
                guard case .list(let nodes) = value.node.content else {
                    value.mismatch(expectation)
                    return nil
                }
                guard !nodes.isEmpty else {
                    value.reading.report(
                        value.path, at: value.node.origin, "expected \(expectation), found an empty list")
                    return nil
                }
                let elements = nodes.enumerated().map { type.read(value.child("\($0.offset)", $0.element)) }
                return elements.contains { $0 == nil } ? nil : elements.map { $0! }
            },
            write: { .list($0.map(type.write)) },
            keys: { type.keys("\($0).N") })
    }
}

extension SettingsType<[Double]> {
    /// A list of numbers.
    static var numbers: SettingsType { list(of: .number(.any), "a list of numbers") }
}

extension SettingsType<[[Double]]> {
    /// Rows of numbers, all of one length.
    static var matrix: SettingsType { rows(of: .numbers, "a list of rows, each a list of numbers") }

    /// Rows as `matrix` has them, or a plain list of numbers for rows of one number.
    static var matrixOrColumn: SettingsType {
        SettingsType(
            expectation: "a list of numbers, or of rows, each a list of numbers",
            read: { value in
                if case .list(let nodes) = value.node.content, case .scalar = nodes.first?.content {
                    return SettingsType<[Double]>.numbers.read(value)?.map { [$0] }
                }
                return rows(of: .numbers, "a list of numbers, or of rows, each a list of numbers").read(value)
            },
            write: { rows in
                rows.first?.count == 1
                    ? SettingsType<[Double]>.numbers.write(rows.joined().map { $0 }) : matrix.write(rows)
            })
    }

    private static func rows(of type: SettingsType<[Double]>, _ expectation: String) -> SettingsType {
        let list = SettingsType.list(of: type, expectation)
        return SettingsType(
            expectation: expectation,
            read: { value in
                guard let rows = list.read(value), case .list(let nodes) = value.node.content else {
                    return nil
                }
                var isSound = true
                for (index, row) in rows.enumerated() where row.count != rows[0].count {
                    isSound = false
                    value.reading.report(
                        "\(value.path).\(index)", at: nodes[index].origin,
                        "expected \(rows[0].count) number\(rows[0].count == 1 ? "" : "s") as in the first row, "
                            + "found \(row.count)")
                }
                return isSound ? rows : nil
            },
            write: list.write)
    }
}
