import Foundation
import LoomHardware
import LoomMeasurement
import LoomReporting
import LoomRuns

/// The page that `gradloom profile --report` writes: the verdict, and charts of what `--json` has, which is in the page, too.
struct ProfilePage {
    let report: ProfileReport
    let topology: Topology
    let allowance: CPUAllowance
    /// Where the workers of the largest number are.
    let placement: Placement

    /// The page about `report`, measured on `machine`.
    init(_ report: ProfileReport, machine: MachineSetup) {
        self.init(report, topology: machine.topology, allowance: machine.allowance, placement: machine.placement)
    }

    /// The page about `report`, measured with workers in these places.
    init(_ report: ProfileReport, topology: Topology, allowance: CPUAllowance, placement: Placement) {
        (self.report, self.topology, self.allowance, self.placement) = (report, topology, allowance, placement)
    }

    /// The name of the element with the JSON object.
    static let jsonIdentifier = "profile"

    var last: ProfileMeasurement.Count { report.last }
    var provenance: ProfileProvenance { report.provenance }
    var workersText: String { NumberFormat.counted(last.workers, "worker") }

    /// The page.
    func html() throws -> String {
        let sections = [
            causes, scaling, kinds, operations, timeline, steps, roofline, cores, measurement,
        ].compactMap { $0 }
        return ReportPage(
            title: "\(provenance.configuration) on \(workersText): a profile by Gradloom", header: header,
            sections: sections,
            footer: [
                Markup(
                    "p",
                    text: "Hover over a chart for its numbers, or open the table below it. The element "
                        + "#\(Self.jsonIdentifier) of this page has the object that gradloom profile --json prints.")
            ], json: (try JSONLines.text(report), Self.jsonIdentifier)
        ).html
    }

    // MARK: Verdict

    private var header: [Markup] {
        let ended = provenance.date.replacing("T", with: " ").replacing("Z", with: " UTC")
        return [
            Markup(
                "p", ["class": "kicker"],
                text: "Profile of \(provenance.configuration) on \(workersText), \(provenance.processor), \(ended)"),
            Markup("h1", text: report.verdict.text.capitalizedFirst + "."),
            Markup(
                "dl", ["class": "stats"],
                stats.map { name, value in
                    Markup("div", [:], [Markup("dt", text: name), Markup("dd", [:], value)])
                }),
        ]
    }

    private var stats: [(String, [Markup])] {
        let speed = last.speed
        let row = report.scaling.rows.count - 1
        var stats: [(String, [Markup])] = [
            (
                "Samples a second",
                [
                    count(speed.median, "/samples_per_second").markup,
                    Markup("br"),
                    Markup(
                        "small", [:],
                        [
                            count(speed.low, "/scaling/\(row)/low").markup, .text(" to "),
                            count(speed.high, "/scaling/\(row)/high").markup,
                        ]),
                ]
            )
        ]
        if let quantiles = Quantiles(last.profile.stepSeconds) {
            let unit = TimeUnit(quantiles.p50)
            stats.append(
                (
                    "Median step",
                    [unit.number(quantiles.p50, "/step_seconds/p50").markup, Markup("small", text: " \(unit.name)")]
                ))
        }
        if let efficiency = report.scaling.rows.last?.efficiency, report.scaling.rows.count > 1 {
            stats.append(
                (
                    "Parallel efficiency",
                    [
                        Markup(
                            "span", ["class": efficiency < EfficiencyTree.acceptable ? "bad" : nil],
                            [factor(efficiency, "/scaling/\(row)/efficiency").markup])
                    ]
                ))
        }
        stats.append(("Time accounted for", [percentage(last.accountedFraction, "/accounted_fraction").markup]))
        return stats
    }

    private var causes: ReportPage.Section {
        let content: [Markup]
        if report.verdict.causes.isEmpty {
            content = [Markup("p", text: "No rule found a cause that costs time.")]
        } else {
            content = [
                Markup("ol", ["class": "causes"], report.verdict.causes.enumerated().map { item(rank: $0, $1) })
            ]
        }
        return ReportPage.Section("causes", "What costs time", content: content)
    }

    private func item(rank: Int, _ cause: ProfileCause) -> Markup {
        let remedy = RemedyText(cause.remedy, command: provenance.command, configuration: provenance.configuration)
        var what = [
            Markup("p", ["class": "what"], text: cause.text.capitalizedFirst + "."),
            Markup("p", ["class": "try"], [.text("Try: ")] + remedy.markup),
        ]
        what += remedy.commands.map { command in
            Markup(
                "p", ["class": "try soft"],
                [.text("Run: "), Markup("code", ["class": "copy"], text: command)])
        }
        let others = cause.others.isEmpty ? "" : "; mended together: \(cause.others.joined(separator: ", "))"
        what.append(Markup("p", ["class": "rule"], text: "Rule \(cause.rule)\(others)"))
        let share = percentage(cause.share, "/verdict/causes/\(rank)/share")
        let gain =
            cause.gain < 1
            ? percentage(cause.gain, "/verdict/causes/\(rank)/gain").markup : .text(ProfileReport.gain(cause.gain))
        return Markup(
            "li", [:],
            [
                Markup("span", ["class": "rank"], text: "\(rank + 1)"), Markup("div", [:], what),
                Markup(
                    "div", ["class": "cost"],
                    [
                        Markup("strong", [:], [share.markup]), .text(" of the time"),
                        Markup(
                            "div", ["class": "meter", "aria-hidden": "true"],
                            [Markup("span", ["style": String(format: "width:%.1f%%", min(1, cause.share) * 100)])]),
                        .text("Gain, at most: "), Markup("strong", [:], [gain]),
                    ]),
            ])
    }

    // MARK: Provenance

    private var measurement: ReportPage.Section {
        let facts: [(String, String)] = [
            ("Configuration", provenance.configuration),
            (
                "Network",
                "\(provenance.network), batches of \(NumberFormat.grouped(provenance.batch)), \(provenance.precision)"
            ),
            (
                "Processor",
                [provenance.processor, provenance.processorModel].filter { !$0.isEmpty }.joined(separator: ", ")
            ),
            ("CPUs allowed", CPUList.format(provenance.allowedCPUs)),
            ("Placement", placementText), ("Instruction set", provenance.instructionSet),
            ("Products", "\(provenance.gemm); \(provenance.blas)"), ("Kernel", provenance.kernel),
            ("Gradloom", provenance.gradloom), ("Date", provenance.date),
            ("Command", ShellText.joined(provenance.command)),
        ]
        return ReportPage.Section(
            "measurement", "How it was measured",
            content: [
                Markup("p", [:], costOfMeasuring),
                Markup(
                    "dl", ["class": "facts"],
                    facts.flatMap { name, value in
                        [
                            Markup("dt", text: name),
                            Markup("dd", [:], [name == "Command" ? Markup("code", text: value) : .text(value)]),
                        ]
                    }),
            ])
    }

    private var placementText: String {
        let places = provenance.placement.enumerated().compactMap { worker, cpu in
            cpu.map { (worker: worker, cpu: $0) }
        }
        if places.isEmpty { return "not bound: the operating system moves the workers" }
        if places.count > 8 {
            return "CPUs \(places.map { String($0.cpu) }.joined(separator: ", ")), in the order of workers"
        }
        return places.map { "worker \($0.worker) on CPU \($0.cpu)" }.joined(separator: ", ")
    }

    private var costOfMeasuring: [Markup] {
        let measured =
            last.measuredEvery == 1
            ? "Every step was measured" : "One of \(NumberFormat.grouped(last.measuredEvery)) steps was measured"
        var parts: [Markup] = [
            .text(measured + ". Operations and waits account for "),
            percentage(last.accountedFraction, "/accounted_fraction").markup, .text(" of the time. "),
        ]
        if let overhead = last.overheadFraction {
            parts +=
                overhead > 0
                ? [
                    .text("Measuring cost "), percentage(overhead, "/overhead_fraction").markup,
                    .text(" of the speed."),
                ] : [.text("Measuring cost nothing that shows.")]
        }
        if let other = report.profile.otherWorkFraction {
            parts += [
                .text(" Others had "), percentage(other, "/other_work_fraction").markup,
                .text(" of the workers' cores meanwhile."),
            ]
        }
        if let refusal = CounterAvailability.current().refusal {
            parts.append(.text(" " + refusal.capitalizedFirst + "."))
        }
        return parts
    }
}
