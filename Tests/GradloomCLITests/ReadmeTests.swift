import Foundation
import TestSupport
import Testing

/// What README.md and the articles say about the program, against the program.
@Suite struct ReadmeTests {
    private static let articles = "Sources/Gradloom/Gradloom.docc/"
    private static let root = ProjectFolder.url

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(name), encoding: .utf8)
    }

    /// A directory with the example configurations in it.
    private static func workplace() throws -> Workplace {
        let workplace = try Workplace()
        try FileManager.default.createSymbolicLink(
            at: workplace.url("configs"), withDestinationURL: root.appendingPathComponent("configs"))
        return workplace
    }

    /// The commands of the section on them, and of the articles.
    private static func commands() throws -> String {
        let section = try #require(try text("README.md").firstMatch(of: #/(?s)\n## Commands\n(.*?)\n## /#)).1
        let texts =
            try [String(section)]
            + [
                "Commands.md", "DatasetsAndFormats.md", "Evaluating.md", "ForPyTorch.md", "ForTensorBoard.md",
                "Guarantees.md", "Profiling.md", "Sweeping.md", "Tuning.md", "ValidationAndWeights.md",
            ]
            .map {
                try text(articles + $0)
            }
        return texts.flatMap { $0.matches(of: /(?s)\n```sh\n(.*?)\n```/).map { String($0.1) } }.joined(separator: "\n")
    }

    @Test func commandsRun() throws {
        let workplace = try Self.workplace()
        let commands = try Self.commands()
        for command in [
            "train configs/digits.yaml", "evaluate", "predict", "convert", "tune", "profile", "doctor", "peak", "check",
            "topology", "help",
        ] {
            #expect(commands.contains("gradloom \(command)"))
        }

        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/bash")
        shell.arguments = ["-e", "-u", "-o", "pipefail", "-c", commands]
        shell.currentDirectoryURL = URL(fileURLWithPath: workplace.path)
        let programs = Workplace.program.deletingLastPathComponent().path
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        shell.environment = workplace.environment.merging(["PATH": "\(programs):\(path)"]) { $1 }
        let printed = try workplace.printed(by: shell)
        #expect(shell.terminationStatus == 0, "\(printed.suffix(2000))")

        // The header and 1,797 digits.
        #expect(try workplace.read("predictions.csv").split(separator: "\n").count == 1798)
        #expect(try Data(contentsOf: workplace.url("predictions.npy")).count > 1797 * 10 * 4)
        #expect(try workplace.read("metrics.jsonl").contains(#""event":"done""#))
        try Self.expectSummary(like: try Self.text("README.md"), in: printed)
    }

    /// Every line of the Quickstart's table has one like it among `printed`: only numbers, units, names and what stands in
    /// parentheses differ.
    private static func expectSummary(like readme: String, in printed: String) throws {
        func shape(_ line: Substring) -> String {
            String(line).replacing(/[a-z]+-\d{8}T\d{6}Z/, with: "RUN").replacing(/^[a-z]+: (.*) in .*/, with: "NAME")
                .replacing(/\d[\d,.]*( [kMG]$)?/, with: "0").replacing(/\(.*\)/, with: "()")
                .replacing(/\ +/, with: " ").replacing(/─+/, with: "─")
        }
        let table = try #require(readme.firstMatch(of: /(?s)\n```\n(quickstart: .*?)\n```\n/)).1
        let lines = Set(printed.split(separator: "\n").map(shape))
        // The workers and their places are the machine's.
        for line in table.split(separator: "\n") where !line.hasPrefix("  workers ") {
            #expect(lines.contains(shape(line)), "README.md shows ‘\(line)’, which train does not print")
        }
    }

    /// The output below a command is the program's, in its order; … stands for what is left out.
    @Test func shownOutputIsPrinted() throws {
        let sessions = try Self.text(Self.articles + "ShowingTheWork.md").matches(
            of: /\n```\n\$ gradloom (.*)\n((?s:.*?))```\n/)
        #expect(!sessions.isEmpty)
        for session in sessions {
            let outcome = try Self.workplace().run(session.1.split(separator: " ").map(String.init))
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            var rest = outcome.output[...]
            for part in session.2.split(separator: "…\n") {
                let found = try #require(rest.range(of: "\n" + part), "not printed by \(session.1):\n\(part)")
                rest = rest[found.upperBound...]
            }
        }
    }

    @Test func eventKeysAreDocumented() throws {
        let workplace = try Self.workplace()
        let outcome = try workplace.run("train", "configs/xor.yaml", "--json", "--set", "training.epochs=2")
        let events = try outcome.events()
        let run = try #require(events.last?["run_directory"] as? String)
        let evaluation = try workplace.run("evaluate", run, "--json").events()
        for event in [events[0], events[1], events[events.count - 1], evaluation[0]] {
            let name = try #require(event["event"] as? String)
            #expect(try Self.documentedKeys(of: name) == Self.keys(of: event), "event \(name)")
        }
    }

    /// The keys of an event, those of the objects in it behind a point.
    private static func keys(of event: [String: Any]) -> Set<String> {
        event.reduce(into: []) { keys, entry in
            if entry.key != "event" { keys.insert(entry.key) }
            if let object = entry.value as? [String: Any] {
                keys.formUnion(object.keys.map { "\(entry.key).\($0)" })
            }
        }
    }

    private static func documentedKeys(of event: String) throws -> Set<String> {
        let sections = try text(articles + "Events.md").components(separatedBy: "\n#")
        let section = try #require(sections.first { $0.hasPrefix("## \(event)\n") })
        return Set(section.matches(of: /\n\| `([a-z_.]+)` \|/).map { String($0.1) })
    }

    @Test func runDirectoryHasWhatIsListed() throws {
        let workplace = try Self.workplace()
        let run = try workplace.train("configs/xor.yaml", "--set", "training.epochs=2")
        let listed = try Self.text(Self.articles + "Events.md").matches(
            of: /\n\| `(config\.yaml|[a-z]+\.jsonl?|checkpoints)[`\/]/)
        #expect(try Set(workplace.names(in: run)) == Set(listed.map { String($0.1) }))
    }

    @Test func makeTargetsExist() throws {
        let makefile = try Self.text("Makefile")
        let articles = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appendingPathComponent(Self.articles).path
        ).filter { $0.hasSuffix(".md") }.map { Self.articles + $0 }
        for path in ["README.md", "CHANGELOG.md", "Benchmarks/peers/README.md"] + articles {
            let targets = try Self.text(path).matches(of: /(?:`|\n)make ([a-z][a-z-]*)/).map { String($0.1) }
            if path == "README.md" { #expect(targets.contains("quickstart") && targets.contains("test")) }
            for target in targets {
                #expect(makefile.contains("\n\(target):"), "\(path) names make \(target)")
            }
        }
    }
}
