import Foundation
import Testing

/// What README.md says about the program, against the program.
@Suite struct ReadmeTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

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

    @Test func commandsRun() throws {
        let workplace = try Self.workplace()
        let readme = try Self.text("README.md")
        let section = try #require(readme.firstMatch(of: #/(?s)\n## Commands\n(.*?)\n## /#)).1
        let commands = section.matches(of: /(?s)\n```sh\n(.*?)\n```/).map { String($0.1) }.joined(
            separator: "\n")
        #expect(commands.contains("gradloom train configs/digits.yaml"))

        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/bash")
        shell.arguments = ["-e", "-u", "-o", "pipefail", "-c", commands]
        shell.currentDirectoryURL = URL(fileURLWithPath: workplace.path)
        let programs = Workplace.program.deletingLastPathComponent().path
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        shell.environment = workplace.environment.merging(["PATH": "\(programs):\(path)"]) { $1 }
        shell.standardInput = FileHandle.nullDevice
        let log = workplace.url("log")
        try workplace.write("", to: "log")
        shell.standardOutput = try FileHandle(forWritingTo: log)
        shell.standardError = shell.standardOutput
        try shell.run()
        shell.waitUntilExit()
        let printed = try workplace.read("log")
        #expect(shell.terminationStatus == 0, "\(printed.suffix(2000))")

        // The header and 1,797 digits.
        #expect(try workplace.read("predictions.csv").split(separator: "\n").count == 1798)
        #expect(try Data(contentsOf: workplace.url("predictions.npy")).count > 1797 * 10 * 4)
        #expect(try workplace.read("metrics.jsonl").contains(#""event":"done""#))
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

    /// All keys of an event and of the objects in it.
    private static func keys(of event: [String: Any]) -> Set<String> {
        event.reduce(into: []) { keys, entry in
            if entry.key != "event" { keys.insert(entry.key) }
            if let object = entry.value as? [String: Any] { keys.formUnion(object.keys) }
        }
    }

    private static func documentedKeys(of event: String) throws -> Set<String> {
        let line = try text("README.md").split(separator: "\n").first { $0.hasPrefix("| `\(event)` | `") }
        let names = try #require(line).matches(of: /`([a-z_]+)`/).map { String($0.1) }
        return Set(names.dropFirst())
    }

    @Test func runDirectoryHasWhatIsListed() throws {
        let workplace = try Self.workplace()
        let run = try workplace.train("configs/xor.yaml", "--set", "training.epochs=2")
        let listed = try Self.text("README.md").matches(
            of: /\n\| `(config\.yaml|[a-z]+\.jsonl?|checkpoints)[`\/]/)
        #expect(try Set(workplace.names(in: run)) == Set(listed.map { String($0.1) }))
    }

    @Test func makeTargetsExist() throws {
        let makefile = try Self.text("Makefile")
        let targets = try Self.text("README.md").matches(of: /\bmake ([a-z]+)/).map { String($0.1) }
        #expect(targets.contains("quickstart") && targets.contains("test"))
        for target in targets {
            #expect(makefile.contains("\n\(target):"), "README.md names make \(target)")
        }
    }
}
