import LoomConfiguration
import LoomReporting
import LoomRuns

extension RunPage {
    /// Where the configurations of several runs differ, or the one.
    var differences: ReportPage.Section? {
        let content: [Markup]
        if records.count == 1 {
            content = [Markup("pre", text: records[0].configuration.yaml())]
        } else {
            var table = DataTable(
                "Settings", columns: [.text("key")] + runs.map { .text($0.name) })
            let values = records.map(\.configuration.values)
            let keys = Set(values.flatMap(\.keys)).filter { key in Set(values.map { $0[key] }).count > 1 }
            for key in keys.sorted() { table.append([.text(key)] + values.map { .text($0[key]) }) }
            content =
                table.rows.isEmpty
                ? [Markup("p", text: "All runs have the same configuration.")]
                : [Markup("p", ["class": "soft"], text: "Settings that are not the same in all runs."), table.markup]
        }
        return ReportPage.Section(
            "configuration", records.count == 1 ? "Configuration" : "Configurations", content: content)
    }

    /// Where the results come from.
    var provenance: ReportPage.Section? {
        var table = DataTable(
            "Origins",
            columns: [
                .text("run"), .text("processor"), .text("bits"), .text("products"), .number("parameters"),
                .text("parameter hash"),
            ])
        for (index, run) in runs.enumerated() {
            table.append([
                .text(run.name), .text(run.run?.machine.cpu), .text(run.run?.numerics), .text(run.run?.products),
                .number(whole(run.run?.parameters, index, "run/parameters")),
                .text(run.done.map { String($0.parameterHash.prefix(16)) }),
            ])
        }
        return ReportPage.Section("origins", "Origins", content: [table.markup])
    }
}
