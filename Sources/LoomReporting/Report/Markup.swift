import Foundation

/// A part of a report page, as text that is both HTML and XML: whatever is put into it has been escaped.
package struct Markup: Sendable, Equatable {
    /// The characters of the part.
    package let source: String

    /// Nothing.
    package static let empty = Markup(source: "")

    private init(source: String) { self.source = source }

    /// `text`, whatever its characters.
    package static func text(_ text: String) -> Markup { Markup(source: escape(text)) }

    /// An element `name` with the `attributes` that are not nil, around `children`.
    package init(
        _ name: String, _ attributes: KeyValuePairs<String, String?> = [:], _ children: [Markup] = []
    ) {
        var source = "<" + name
        for case (let key, let value?) in attributes { source += " \(key)=\"\(Self.escape(value))\"" }
        let inner = children.map(\.source).joined()
        // HTML has no end tags of these; elements of SVG may end themselves, those of HTML may not.
        if inner.isEmpty, Self.selfClosing.contains(name) {
            source += "/>"
        } else {
            source += ">" + inner + "</\(name)>"
        }
        self.init(source: source + (Self.lineEnding.contains(name) ? "\n" : ""))
    }

    /// An element `name` around `text`.
    package init(_ name: String, _ attributes: KeyValuePairs<String, String?> = [:], text: String) {
        self.init(name, attributes, [.text(text)])
    }

    /// The style sheet `css` in its element; it must have neither `<` nor `&`.
    package static func style(_ css: String) -> Markup {
        precondition(!css.contains { $0 == "<" || $0 == "&" }, "HTML and XML read a style sheet alike")
        return Markup(source: "<style>\n\(css)</style>\n")
    }

    /// The JSON text `json` in an element that browsers do not run: `<` and `&`, which occur in JSON's strings alone, as
    /// escapes, so that no string ends the element and HTML and XML read it alike.
    package static func json(_ json: String, identifier: String) -> Markup {
        let escaped = json.replacing("<", with: "\\u003c").replacing("&", with: "\\u0026")
            .replacing(">", with: "\\u003e")
        return Markup(
            source: "<script type=\"application/json\" id=\"\(escape(identifier))\">\(escaped)</script>\n")
    }

    /// Both, one after the other.
    package static func + (left: Markup, right: Markup) -> Markup { Markup(source: left.source + right.source) }

    /// All of them, one after the other.
    package static func joined(_ parts: [Markup]) -> Markup { Markup(source: parts.map(\.source).joined()) }

    /// `text` for content and for attributes in double quotes. Characters that XML cannot have are replaced by U+FFFD.
    package static func escape(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\t", "\n": escaped.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static let selfClosing: Set<String> = [
        "meta", "br", "hr", "rect", "line", "path", "circle", "polygon",
    ]
    private static let lineEnding: Set<String> = [
        "article", "details", "div", "dl", "figure", "footer", "g", "h1", "h2", "h3", "head", "header", "li", "main",
        "meta",
        "nav", "ol", "p", "section", "svg", "table", "title", "tr", "ul",
    ]
}

/// A number as an attribute of SVG: two decimals at most, which are hundredths of a pixel.
func coordinate(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    var text = String(format: "%.2f", value)
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text == "-0" ? "0" : text
}
