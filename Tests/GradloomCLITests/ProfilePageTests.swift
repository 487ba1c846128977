import Foundation
import Testing

@testable import GradloomCLI
@testable import LoomMeasurement

@Suite struct ProfilePageTests {
    private static let sections = [
        "What costs time", "Scaling", "Which operation stops scaling", "Where the time of a step goes",
        "Two steps in time", "Times of steps", "Roofline", "Cores and workers", "How it was measured",
    ]

    /// The page alone is what is to be seen: it asks for nothing.
    private func check(_ html: String) throws -> ReportPageReader {
        let others = html.replacing("xmlns=\"http://www.w3.org/2000/svg\"", with: "")
        for text in ["http:", "https:", "url(", "@import", "src=", "<link", "<iframe"] {
            #expect(!others.contains(text), "\(text)")
        }
        let page = ReportPageReader(html)
        #expect(page.error == nil, "\(page.error ?? "")")
        let faults = try page.faults()
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
        return page
    }

    @Test func thePageOfAProfile() throws {
        let workplace = try Workplace()
        try workplace.write(
            """
            data: {synthetic: {task: teacher, samples: 2000, inputs: 24, classes: 5}}
            network: {layers: [{name: "a<b> & c", units: 48, activation: relu}, {name: output, units: 5}], output: softmax}
            training: {batch: 128}
            parallel: {gemm: builtin}
            """, to: "teacher.yaml")
        let outcome = try workplace.run(
            "profile", "teacher.yaml", "--workers", "1,2", "--seconds", "0.6", "--report", "page.html", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let page = try check(workplace.read("page.html"))
        #expect(
            page.json + "\n"
                == outcome.output.replacing("<", with: "\\u003c").replacing("&", with: "\\u0026")
                .replacing(">", with: "\\u003e"))
        #expect(try page.object() as NSDictionary == outcome.lastEvent() as NSDictionary)
        // Workers that find their cores in use have no places, and their machine no drawing.
        let placed = Self.sections.filter { $0 != "Cores and workers" }
        #expect(page.headings.filter { $0 != "Cores and workers" } == placed)
        #expect(page.numbers.count > 100 && page.text.contains("a<b> & c") && page.elements["svg"] ?? 0 > 12)
        let verdict = try #require(try outcome.lastEvent()["verdict"] as? [String: Any])
        #expect(page.text.contains((verdict["text"] as! String).capitalizedFirst + "."))
    }

    @Test func oneNumberOfWorkers() throws {
        let workplace = try Workplace()
        try workplace.write(
            """
            data: {synthetic: {task: teacher, samples: 500, inputs: 8, classes: 3}}
            network: {layers: [{units: 3}], output: softmax}
            training: {batch: 50}
            """, to: "small.yaml")
        let outcome = try workplace.run(
            "profile", "small.yaml", "--workers", "1", "--seconds", "0.2", "--report", "page.html")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let page = try check(workplace.read("page.html"))
        #expect(!page.headings.contains("Scaling") && page.headings.contains("Times of steps"))
        let refused = try workplace.run(
            "profile", "small.yaml", "--workers", "1", "--seconds", "0.2", "--report", "none/page.html")
        #expect(refused.exitCode == 74 && refused.errors.contains("none/page.html"), "\(refused.errors)")
    }

    /// A machine of 64 cores with models; for `make report-check` the page stays.
    @Test func aSampleForTheBrowser() throws {
        let html = try SyntheticProfile().page.html()
        let page = try check(html)
        #expect(page.headings == Self.sections)
        #expect(page.text.contains(SyntheticProfile.layer) && page.text.contains("A processor <of none>"))
        #expect(page.text.contains("Amdahl's law, without the last row, predicts"))
        #expect(
            page.text.contains("gradloom profile 'it'\\''s.yaml' --set training.batch=8192 --set training.batch=16384"))
        // Red: the efficiency of 64 workers.
        let efficiency = try #require(page.numbers.last { $0.pointer == "/scaling/6/efficiency" })
        #expect(try #require(Double(efficiency.value)) < 0.8)
        #expect(
            html.contains(
                "<td class=\"number bad\"><data value=\"\(efficiency.value)\" data-json=\"/scaling/6/efficiency\">"))
        if let path = ProcessInfo.processInfo.environment["GRADLOOM_REPORT_SAMPLE"] {
            try html.write(toFile: path, atomically: true, encoding: .utf8)
        }
    }

    @Test func stepsAreThoseOfAllWorkers() throws {
        func lap(_ step: Int, _ name: String?, _ time: UInt64) -> ProfileLaps.Lap {
            ProfileLaps.Lap(step: step, name: name, nanoseconds: time)
        }
        let laps = ProfileLaps(workers: [
            // The ring of the first worker has lost the beginning of step 1, that of the second has not begun step 3.
            [
                lap(1, "forward a", 50), lap(2, nil, 100), lap(2, "forward a", 160), lap(2, "wait", 200),
                lap(3, nil, 200),
                lap(3, "forward a", 250),
            ],
            [
                lap(1, nil, 0), lap(1, "forward a", 50), lap(2, nil, 110), lap(2, "wait", 205), lap(3, nil, 210),
            ],
        ])
        let steps = MeasuredStep.all(in: laps)
        #expect(steps.map(\.number) == [2])
        let step = try #require(steps.first)
        #expect(abs(step.seconds - 105e-9) < 1e-15)
        #expect(step.spans.map { $0.map(\.name) } == [["forward a", "wait"], ["wait"]])
        #expect(step.spans[0][0].kind == "forward" && abs(step.spans[0][1].start - 60e-9) < 1e-15)
        #expect(abs(step.spans[1][0].start - 10e-9) < 1e-15 && abs(step.spans[1][0].end - 105e-9) < 1e-15)
        #expect(MeasuredStep.all(in: ProfileLaps(workers: [])).isEmpty)
    }

    @Test(
        arguments: [
            ("--set training.batch=512, or wider layers", ["gradloom profile c.yaml --set training.batch=512"]),
            (
                "look: gradloom doctor; or place them closer: --set parallel.placement=compact",
                ["gradloom doctor c.yaml", "gradloom profile c.yaml --set parallel.placement=compact"]
            ),
            ("use as many workers as there are free cores: --workers N", []),
            ("leave them cores with --workers 1", ["gradloom profile c.yaml --workers 1"]),
        ] as [(String, [String])])
    func remedies(remedy: String, commands: [String]) {
        let text = RemedyText(remedy, command: ["gradloom", "profile", "c.yaml"], configuration: "c.yaml")
        #expect(text.commands == commands)
        // The words are those of the remedy.
        #expect(ReportPageReader("<p>" + text.markup.map(\.source).joined() + "</p>").text == remedy)
    }

    @Test func timesAndShellWords() {
        #expect(TimeUnit(132.2e-6).textWithUnit(132.2e-6) == "132.2 µs" && TimeUnit(2).textWithUnit(0.5) == "0.50 s")
        #expect(TimeUnit(1.5e-3).textWithUnit(1.5e-3) == "1.50 ms" && TimeUnit(132e-6).text(20_185e-6) == "20,185")
        #expect(TimeUnit(1e-6).text(8004.3e-6) == "8,004" && TimeUnit(1e-6).text(999.9e-6) == "999.9")
        #expect(TimeUnit(0).name == "ns")
        #expect(ShellText.joined(["a", "b c", "it's", "", "x=1,2"]) == "a 'b c' 'it'\\''s' '' x=1,2")
    }
}
