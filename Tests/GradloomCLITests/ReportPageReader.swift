import Foundation
import FoundationXML
import TestSupport

/// Reads a report page as XML.
final class ReportPageReader: NSObject, XMLParserDelegate {
    /// A number of the page.
    struct Number {
        let text, value, pointer: String
    }

    private(set) var numbers: [Number] = []
    /// The words of each heading of a section.
    private(set) var headings: [String] = []
    /// How many elements of each name there are.
    private(set) var elements: [String: Int] = [:]
    /// The embedded object's text.
    private(set) var json = ""
    /// All text outside of the object and the style sheet.
    private(set) var text = ""
    /// What is wrong with the page.
    private(set) var error: String?

    private var open: [(name: String, attributes: [String: String], text: String)] = []

    init(_ html: String) {
        super.init()
        let parser = XMLParser(data: Data(html.utf8))
        parser.delegate = self
        // Not all mistakes of short pages make the parser return false.
        if !parser.parse() || parser.parserError != nil { error = error ?? "line \(parser.lineNumber)" }
    }

    func parser(_ parser: XMLParser, parseErrorOccurred parseError: any Error) {
        error = error ?? "line \(parser.lineNumber): \(parseError)"
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        elements[name, default: 0] += 1
        open.append((name, attributes, ""))
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        guard !open.isEmpty else { return }
        open[open.count - 1].text += string
        if !["script", "style"].contains(open[open.count - 1].name) { text += string }
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        guard let element = open.popLast() else { return }
        switch name {
        case "data":
            numbers.append(
                Number(
                    text: element.text, value: element.attributes["value"] ?? "",
                    pointer: element.attributes["data-json"] ?? ""))
        case "script" where element.attributes["type"] == "application/json": json = element.text
        case "h2": headings.append(element.text)
        default: break
        }
    }

    /// The embedded object.
    func object() throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any] ?? [:]
    }

    /// What is wrong with the numbers: values that are not those of the object, texts that are not these values rounded.
    func faults() throws -> [String] {
        // Not JSONSerialization: its numbers of 17 digits are decimal ones.
        let object = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
        return numbers.compactMap { number in
            let found = number.pointer.split(separator: "/").reduce(object as JSONValue?) { part, key in
                Int(key).flatMap { index in part?.elements.flatMap { index < $0.count ? $0[index] : nil } }
                    ?? part?[String(key)]
            }
            guard let value = found?.number, value == Double(number.value) else {
                return "\(number.pointer) is \(String(describing: found)), but the page has \(number.value)"
            }
            let isRight = Self.isRounded(number.text, value)
            return isRight ? nil : "\(number.pointer) is \(value), but one reads \(number.text)"
        }
    }

    /// Whether `text` is `value` in per cent or in some unit of time, rounded to its last digit.
    static func isRounded(_ text: String, _ value: Double) -> Bool {
        let plain = text.replacing(",", with: "")
        let digits = plain.prefix { "-.0123456789".contains($0) }
        // "1.234e-05"
        let rest = plain.dropFirst(digits.count)
        let exponent = rest.first == "e" ? Double(rest.dropFirst()) ?? 0 : 0
        guard let mantissa = Double(digits) else { return false }
        let number = mantissa * pow(10, exponent)
        let decimals = digits.split(separator: ".").dropFirst().first?.count ?? 0
        let half = 0.5 * pow(10, exponent - Double(decimals)) * (1 + 1e-6) + 1e-9
        return (text.hasSuffix("%") ? [100] : [1, 1e3, 1e6, 1e9]).contains { abs(number - value * $0) <= half }
    }
}
