import Foundation
import LoomReporting
import LoomRuns

/// A unit in which a time of this size is read easily.
struct TimeUnit {
    let name: String
    let seconds: Double

    private static let all = [TimeUnit("s", 1), TimeUnit("ms", 1e-3), TimeUnit("µs", 1e-6), TimeUnit("ns", 1e-9)]

    private init(_ name: String, _ seconds: Double) { (self.name, self.seconds) = (name, seconds) }

    /// The largest unit of which `seconds` are one at least.
    init(_ seconds: Double) { self = Self.all.first { seconds >= $0.seconds } ?? Self.all[3] }

    func value(_ seconds: Double) -> Double { seconds / self.seconds }

    /// With four digits, or down to hundredths of the unit.
    func text(_ seconds: Double) -> String {
        let value = value(seconds)
        if value >= 999.95 { return NumberFormat.grouped(Int(value.rounded())) }
        return String(format: value >= 99.995 ? "%.1f" : "%.2f", value)
    }

    /// "12.34 µs"
    func textWithUnit(_ seconds: Double) -> String { "\(text(seconds)) \(name)" }

    func number(_ seconds: Double, _ pointer: String) -> ReportNumber { ReportNumber(text(seconds), seconds, pointer) }
}

// Numbers of the page, with their places in the JSON object.

func percentage(_ fraction: Double, _ pointer: String) -> ReportNumber {
    ReportNumber(NumberFormat.percentage(fraction), fraction, pointer)
}

func factor(_ value: Double, _ pointer: String) -> ReportNumber {
    ReportNumber(String(format: "%.2f", value), value, pointer)
}

func count(_ value: Double, _ pointer: String) -> ReportNumber {
    ReportNumber(NumberFormat.grouped(Int(value.rounded())), value, pointer)
}

/// With one decimal, as speeds in GFLOP/s and GB/s.
func speed(_ value: Double, _ pointer: String) -> ReportNumber {
    ReportNumber(String(format: value < 9.995 ? "%.2f" : "%.1f", value), value, pointer)
}

/// Words for a shell.
enum ShellText {
    /// `words` as one line: quoted where a shell would read them otherwise.
    static func joined(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }

    private static func quoted(_ word: String) -> String {
        let plain = word.unicodeScalars.allSatisfy { scalar in
            ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                || "_-./=:,+@%".unicodeScalars.contains(scalar)
        }
        return plain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}

/// A remedy's sentence: what of it belongs into a command line, and whole commands to copy.
struct RemedyText {
    /// The sentence, its options and commands as code.
    let markup: [Markup]
    /// The profile's command with each option that the remedy has.
    let commands: [String]

    init(_ remedy: String, command: [String], configuration: String) {
        var parts: [Markup] = []
        var commands: [String] = []
        var rest = remedy[...]
        while let match = rest.firstMatch(of: /--set [a-z_.]+=[^\s,;]+|--[a-z-]+ [0-9]+|gradloom [a-z]+/) {
            parts.append(.text(String(rest[..<match.range.lowerBound])))
            let code = String(match.output)
            parts.append(Markup("code", ["class": "copy"], text: code))
            let words = code.split(separator: " ").map(String.init)
            if words[0] == "gradloom" {
                commands.append(ShellText.joined(words + [configuration]))
            } else {
                commands.append(
                    ShellText.joined(["gradloom", "profile", configuration] + Self.settings(of: command) + words))
            }
            rest = rest[match.range.upperBound...]
        }
        parts.append(.text(String(rest)))
        markup = parts
        self.commands = commands
    }

    /// The settings that replaced those of the configuration.
    private static func settings(of command: [String]) -> [String] {
        command.indices.flatMap { index -> [String] in
            if command[index].hasPrefix("--set=") { return [command[index]] }
            return command[index] == "--set" && index + 1 < command.count ? [command[index], command[index + 1]] : []
        }
    }
}
