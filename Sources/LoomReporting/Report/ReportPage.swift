/// A chart with its title, the explanation of its colours, and the numbers behind it.
package struct Figure: Sendable {
    /// How much of a wide page it takes; narrow ones have all figures below each other.
    package enum Width: String, Sendable {
        case full, half
    }

    let title: String
    let note: [Markup]
    let chart: any Chart
    let width: Width
    let table: DataTable?

    /// - Parameters:
    ///   - note: What to know before one looks at it.
    ///   - table: The numbers of the chart.
    package init(
        _ title: String, note: [Markup] = [], chart: any Chart, width: Width = .full, table: DataTable? = nil
    ) {
        (self.title, self.note, self.chart, self.width, self.table) = (title, note, chart, width, table)
    }

    /// Tables with more rows stay closed on paper.
    private static let mostRowsOnPaper = 30

    /// The chart is there twice, for wide and for narrow pages: its text is of one size on both.
    package var markup: Markup {
        var parts = [Markup("figcaption", [:], [Markup("h3", text: title)] + note)]
        if chart.legend.count > 1 { parts.append(Markup("ul", ["class": "legend"], chart.legend.map(\.markup))) }
        parts.append(chart.drawn(width: width == .full ? ReportPage.width : ReportPage.halfWidth, class: "wide"))
        parts.append(chart.drawn(width: ReportPage.narrowWidth, class: "narrow"))
        if let table, !table.rows.isEmpty {
            let name = table.rows.count > Self.mostRowsOnPaper ? "long" : nil
            parts.append(
                Markup("details", ["class": name], [Markup("summary", text: table.caption), table.markup]))
        }
        return Markup("figure", ["class": width.rawValue], parts)
    }
}

/// A page in one file that needs no other, and no network.
package struct ReportPage: Sendable {
    /// A part of the page under a heading.
    package struct Section: Sendable {
        let identifier, title: String
        let content: [Markup]

        /// - Parameter identifier: The name of its anchor.
        package init(_ identifier: String, _ title: String, content: [Markup]) {
            (self.identifier, self.title, self.content) = (identifier, title, content)
        }
    }

    let title: String
    let header: [Markup]
    let sections: [Section]
    let footer: [Markup]
    let json: (text: String, identifier: String)

    /// The width of charts, in pixels: on wide pages, two beside each other on these, and on telephones.
    static let width = 872.0
    static let halfWidth = 424.0
    static let narrowWidth = 326.0

    /// - Parameters:
    ///   - json: The object that the numbers of the page are from, and the name under which it is in the page.
    package init(
        title: String, header: [Markup], sections: [Section], footer: [Markup] = [],
        json: (text: String, identifier: String)
    ) {
        (self.title, self.header, self.sections, self.footer, self.json) = (title, header, sections, footer, json)
    }

    /// The file.
    package var html: String {
        let head = Markup(
            "head", [:],
            [
                Markup("meta", ["charset": "utf-8"]),
                Markup("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                Markup("meta", ["name": "color-scheme", "content": "light dark"]),
                Markup("title", text: title), .style(ReportStyle.css),
            ])
        let links = sections.map { Markup("a", ["href": "#\($0.identifier)"], text: $0.title) + .text(" ") }
        let body = Markup(
            "body", [:],
            [Markup("header", [:], header), Markup("nav", ["aria-label": "Sections"], links)]
                + [
                    Markup(
                        "main", [:],
                        sections.map { section in
                            Markup(
                                "section", ["id": section.identifier],
                                [Markup("h2", text: section.title)] + section.content)
                        })
                ] + [Markup("footer", [:], footer), .json(json.text, identifier: json.identifier)])
        return "<!DOCTYPE html>\n"
            + Markup("html", ["lang": "en"], [head, body]).source + "\n"
    }
}
