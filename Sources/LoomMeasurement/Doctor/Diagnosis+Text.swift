import LoomHardware
import LoomRuns

extension Finding: Encodable {
    private enum CodingKeys: String, CodingKey {
        case event, rule, text, remedy, evidence
        case cost = "cost_fraction"
    }

    /// A line for machines.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("finding", forKey: .event)
        try container.encode(rule, forKey: .rule)
        try container.encode(cost, forKey: .cost)
        try container.encode(text, forKey: .text)
        try container.encode(remedy, forKey: .remedy)
        try container.encode(evidence, forKey: .evidence)
    }
}

extension Diagnosis {
    /// The columns of a terminal that the text is for.
    private static let columns = 80
    /// Costs stand before the names of rules, and everything else below the names.
    private static let margin = 9

    /// For people: the findings, what had nothing to look at, and a last line with what found nothing.
    package func text(processor: String, placement: [Int?]) -> String {
        let cpus = placement.compactMap { $0 }
        let places =
            cpus.count == placement.count
            ? "on CPU\(cpus.count == 1 ? "" : "s") \(CPUList.format(cpus))" : "not pinned"
        var lines = ["\(processor), \(NumberFormat.counted(placement.count, "worker")) \(places)", ""]
        for finding in findings {
            let cost = NumberFormat.percentage(finding.cost)
            let indent = String(repeating: " ", count: max(0, Self.margin - 2 - cost.count))
            lines.append("\(indent)\(cost)  \(finding.rule)")
            lines += Self.wrapped(finding.text, first: Self.margin, others: Self.margin)
            lines += Self.wrapped("→ " + finding.remedy, first: Self.margin, others: Self.margin + 2)
            lines.append("")
        }
        if !unchecked.isEmpty {
            let reasons = unchecked.map { "\($0.subject) (\($0.reason))" }.joined(separator: ", ")
            lines += Self.wrapped("Not checked: \(reasons).", first: 0, others: 0)
        }
        lines.append("Nothing found: \(clear.isEmpty ? "–" : clear.joined(separator: ", ")).")
        return lines.map { $0 + "\n" }.joined()
    }

    /// The words of `text` in lines behind so many spaces; a word that is too long has a line of its own.
    private static func wrapped(_ text: String, first: Int, others: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= columns {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(repeating: " ", count: lines.isEmpty ? first : others) + word)
            }
        }
        return lines
    }
}
