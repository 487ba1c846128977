import Foundation
import FoundationXML
import Testing

@testable import LoomReporting

/// Escaping, tables and the frame of a page.
@Suite struct ReportPageTests {
    private static let nasty = "<script>\"a\" & 'b'</script>\u{0}\u{1B}]]>"

    @Test func escaping() {
        #expect(
            Markup.escape(Self.nasty)
                == "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;\u{FFFD}\u{FFFD}]]&gt;")
        #expect(Markup.escape("µs ≤ 5\n\té 層") == "µs ≤ 5\n\té 層")
        #expect(
            Markup("p", ["title": "\"<", "class": nil], text: "a<b").source == "<p title=\"&quot;&lt;\">a&lt;b</p>\n")
        #expect(Markup("rect", ["x": "1"]).source == "<rect x=\"1\"/>" && Markup("td").source == "<td></td>")
    }

    @Test func jsonEndsNoElement() throws {
        let element = Markup.json("{\"a\":\"</script><!-- & >\"}", identifier: "data").source
        #expect(element.components(separatedBy: "<").count == 3 && !element.contains("&"))
        let start = try #require(element.firstIndex(of: "{"))
        let end = try #require(element.lastIndex(of: "}"))
        let object = try JSONSerialization.jsonObject(with: Data(element[start...end].utf8)) as? [String: String]
        #expect(object == ["a": "</script><!-- & >"])
    }

    @Test func tables() {
        var table = DataTable("t", columns: [.text("name"), .number("time", unit: "µs")])
        table.append([.text("a<b"), .number(ReportNumber("12.5", 1.25e-05, "/x/0"), isBad: true)])
        table.append([.text(nil), .number(nil)])
        let source = table.markup.source
        #expect(source.contains("<th scope=\"col\" class=\"number\">time<span class=\"unit\"> µs</span></th>"))
        #expect(
            source.contains(
                "<td>a&lt;b</td><td class=\"number bad\"><data value=\"1.25e-05\" data-json=\"/x/0\">12.5</data></td>"))
        #expect(source.contains("<td></td><td class=\"number\"></td>"))
    }

    @Test func aPageIsOneWellFormedFile() throws {
        let chart = StackedBars(
            Self.nasty, title: Self.nasty,
            rows: [.init(Self.nasty, parts: [.init(1, .blue, label: "x<", title: Self.nasty)])],
            legend: [.init(Self.nasty, .blue, .fill), .init("b", .grey, .dashes)])
        var table = DataTable(Self.nasty, columns: [.text(Self.nasty)])
        table.append([.text(Self.nasty)])
        let page = ReportPage(
            title: Self.nasty, header: [Markup("h1", text: Self.nasty)],
            sections: [
                .init(
                    "s", Self.nasty,
                    content: [
                        Figure(Self.nasty, note: [Markup("p", text: Self.nasty)], chart: chart, table: table).markup
                    ])
            ], json: ("{\"text\":\"</script>\"}", "object"))
        #expect(PageReader("<p title=\"a\"b\"></p>").error != nil && PageReader("<p><b></p>").error != nil)
        let html = page.html
        let reader = PageReader(html)
        #expect(reader.error == nil, "\(reader.error ?? "")")
        #expect(reader.elements["svg"] == 4 && reader.elements["script"] == 1 && reader.elements["details"] == 1)
        #expect(html.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        // Nothing from elsewhere: the names of SVG are no address that a browser would ask.
        let others = html.replacing("http://www.w3.org/2000/svg", with: "")
        for text in ["http:", "https:", "url(", "@import", "src=", "<link"] {
            #expect(!others.contains(text), "\(text)")
        }
    }

    /// Every colour that the charts name has a value in both schemes.
    @Test func coloursAreInTheStyleSheet() throws {
        let dark = try #require(ReportStyle.css.range(of: "prefers-color-scheme: dark"))
        for colour in ChartColour.allCases {
            let declaration = "--\(colour.rawValue): #"
            #expect(ReportStyle.css[..<dark.lowerBound].contains(declaration), "\(colour)")
            #expect(ReportStyle.css[dark.upperBound...].contains(declaration), "\(colour)")
            #expect(
                ReportStyle.css.contains(".\(colour.rawValue) { --colour: var(--\(colour.rawValue)); }"), "\(colour)")
        }
    }
}

/// Reads a page as XML: how many elements of each name it has, or what is wrong with it.
private final class PageReader: NSObject, XMLParserDelegate {
    private(set) var elements: [String: Int] = [:]
    private(set) var error: String?

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
    ) { elements[name, default: 0] += 1 }
}
