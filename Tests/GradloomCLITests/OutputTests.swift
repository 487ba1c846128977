import Foundation
import Testing

/// Files that users name for results: `--output`, `--report`, `--trace`, `--profile`.
@Suite struct OutputTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(SampleData.xor, to: "xor.yaml")
    }

    /// Commands that write `out.EXTENSION`, which `--force` lets them replace.
    static let commands = [
        "jacobian xor.yaml --wrt input --output out.txt", "jacobian xor.yaml --wrt input --json --output out.json",
        "jacobian xor.yaml --wrt input --output out.npy", "predict RUN --input x.csv --output out.csv",
        "predict RUN --input x.csv --output out.npy", "tune xor.yaml --budget 1s --output out.yaml",
        "profile xor.yaml --seconds 0.1 --report out.html", "profile xor.yaml --seconds 0.1 --trace out.trace",
        "train xor.yaml --quiet --profile out.json --set training.epochs=3000",
    ]

    private func arguments(_ command: String) throws -> [String] {
        var command = command
        if command.hasPrefix("predict") {
            try workplace.write("a,b\n0,1\n", to: "x.csv")
            command = command.replacing("RUN", with: try workplace.train("xor.yaml"))
        }
        return command.split(separator: " ").map(String.init)
    }

    @Test(arguments: commands) func nothingIsOverwritten(command: String) throws {
        let arguments = try arguments(command)
        let name = try #require(arguments.first { $0.hasPrefix("out.") })
        try workplace.write("precious", to: name)
        let before = try workplace.names()
        let clock = ContinuousClock.now
        let refused = try workplace.run(arguments)
        #expect(refused.exitCode == 73 && refused.errors == "error: ‘\(name)’ exists: --force replaces it\n")
        #expect(try workplace.read(name) == "precious" && refused.output == "")
        // Before anything is measured or trained.
        #expect(clock.duration(to: .now) < .seconds(10))
        #expect(try workplace.names() == before)

        let forced = try workplace.run(arguments + ["--force"])
        #expect(forced.exitCode == 0, "\(forced.errors)")
        #expect(try Data(contentsOf: workplace.url(name)) != Data("precious".utf8))
        #expect(try workplace.names().filter { $0.hasPrefix(".") } == [])
    }

    @Test(arguments: commands.filter { !$0.contains("tune") })
    func linksAreRefused(command: String) throws {
        let arguments = try arguments(command)
        let name = try #require(arguments.first { $0.hasPrefix("out.") })
        try FileManager.default.createSymbolicLink(
            atPath: workplace.url(name).path, withDestinationPath: "elsewhere")
        let refused = try workplace.run(arguments + ["--force"])
        #expect(refused.exitCode == 73)
        #expect(
            refused.errors
                == "error: ‘\(name)’ is a link to ‘elsewhere’: name the file itself, or remove the link\n")
        #expect(try !workplace.names().contains("elsewhere"))
    }

    @Test func whatIsReadIsNotReplacedByForce() throws {
        for (command, message) in [
            ("jacobian xor.yaml --wrt input --output ./xor.yaml", "--output would replace the configuration xor.yaml"),
            ("predict run --input x.csv --output ./x.csv", "--output would replace the input x.csv"),
            ("train xor.yaml --profile xor.yaml", "--profile would replace the configuration xor.yaml"),
            ("tune xor.yaml --output -", "--output needs a file of its own: standard output has the results."),
        ] {
            let outcome = try workplace.run(
                arguments(command.replacing("predict run", with: "predict RUN")) + ["--force"])
            #expect(outcome.exitCode == 64 && outcome.errors.hasPrefix("error: \(message)"), "\(outcome.errors)")
        }
        #expect(try workplace.read("xor.yaml") == SampleData.xor)
    }

    /// Its own meaning there must not be asked for because of a file.
    @Test func forceWithResumeIsAboutTheRun() throws {
        let run = try workplace.train("xor.yaml")
        try workplace.write("precious", to: "p.json")
        let refused = try workplace.run(
            "train", "--resume", run, "--set", "training.epochs=5", "--profile", "p.json", "--force")
        #expect(refused.exitCode == 73)
        #expect(refused.errors == "error: ‘p.json’ exists: name another file, or remove it\n")
        #expect(try workplace.read("p.json") == "precious")
    }

    @Test func streamsAreWrittenTo() throws {
        let predict = try arguments("predict RUN --input x.csv --output").joined(separator: " ")
        let outcome = try RunningTool(
            [
                "-c",
                """
                gradloom() { "$PROGRAM" "$@"; }
                J="jacobian xor.yaml --of loss --wrt input --sample 0"
                ln -s /proc/self/fd/1 stdout.csv; ln -s /dev/null null.npy; mkfifo pipe
                gradloom $J >expected
                (echo first; gradloom $J --output /dev/stdout; echo last) >text
                (echo first; cat expected; echo last) | cmp - text
                gradloom $J --output - | cmp - expected
                gradloom $J --output >(cat >late); wait $!; cmp late expected
                cat pipe >piped & gradloom $J --output pipe; wait $!; cmp piped expected; test -p pipe
                gradloom \(predict) -; gradloom \(predict) stdout.csv; gradloom \(predict) /dev/stdout
                gradloom \(predict) null.npy; test -c null.npy
                gradloom $J --output /dev/full; echo $?
                gradloom $J --output - >/dev/full; echo $?
                gradloom $J --output - >&-; echo $?
                exec 3> >(exit 0); wait $!; gradloom $J --output - >&3; echo $?
                """,
            ], of: URL(fileURLWithPath: "/bin/bash"), in: workplace, environment: ["PROGRAM": Workplace.program.path]
        ).wait()
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 10 && lines.prefix(2) == lines[2..<4] && lines.prefix(2) == lines[4..<6], "\(lines)")
        #expect(lines.first == "class,probability_1")
        #expect(Array(lines.suffix(4)) == ["74", "74", "74", "141"])
        #expect(
            outcome.errors == """
                error: cannot write ‘/dev/full’: No space left on device
                error: standard output: No space left on device
                error: standard output: Bad file descriptor

                """)
    }

    // MARK: Runs

    @Test func aRunDirectoryMayBeALinkButNotWhatIsInIt() throws {
        let run = try workplace.train("xor.yaml")
        let files = FileManager.default
        try files.moveItem(at: workplace.url(run), to: workplace.url("moved"))
        try files.createSymbolicLink(at: workplace.url(run), withDestinationURL: workplace.url("moved"))
        let more = ["train", "--resume", run, "--quiet", "--set"]
        #expect(try workplace.run(more + ["training.epochs=4"]).exitCode == 0)
        #expect(try workplace.names(in: "moved/checkpoints").last == "step-00000004.safetensors")

        try files.moveItem(at: workplace.url("moved/checkpoints"), to: workplace.url("elsewhere"))
        try files.createSymbolicLink(
            at: workplace.url("moved/checkpoints"), withDestinationURL: workplace.url("elsewhere"))
        let before = try workplace.names(in: "elsewhere")
        let refused = try workplace.run(more + ["training.epochs=5"])
        #expect(refused.exitCode == 65)
        #expect(refused.errors.contains("error: ‘\(run)/checkpoints’ is a link: a training writes inside"))
        #expect(try workplace.names(in: "elsewhere") == before)
        // To read is harmless.
        #expect(try workplace.run("evaluate", run, "--json").exitCode == 0)
    }

    @Test func metricsThatAreALinkAreRefused() throws {
        let run = try workplace.train("xor.yaml")
        try workplace.write("precious\n", to: "precious")
        try FileManager.default.removeItem(at: workplace.url(run + "/metrics.jsonl"))
        try FileManager.default.createSymbolicLink(
            at: workplace.url(run + "/metrics.jsonl"), withDestinationURL: workplace.url("precious"))
        let refused = try workplace.run("train", "--resume", run, "--quiet", "--set", "training.epochs=5")
        #expect(refused.exitCode == 74)
        #expect(refused.errors == "error: cannot write ‘\(run)/metrics.jsonl’: this is a link, expected a file\n")
        #expect(try workplace.read("precious") == "precious\n")
    }
}
