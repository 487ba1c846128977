import Foundation
import TestSupport
import Testing

/// Standard streams that are closed, full, or a pipe that nobody reads any more.
@Suite struct StandardStreamTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(SampleData.xor, to: "xor.yaml")
    }

    /// Begins a script: descriptor 3 is a pipe that nobody reads.
    private static let unreadPipe = "exec 3> >(exit 0); wait $!\n"

    /// Runs `script` in bash, for which `gradloom` is the program.
    private func shell(_ script: String) throws -> Outcome {
        try RunningTool(
            ["-c", "gradloom() { \"$PROGRAM\" \"$@\"; }\n" + script], of: URL(fileURLWithPath: "/bin/bash"),
            in: workplace,
            environment: ["PROGRAM": Workplace.program.path]
        ).wait()
    }

    /// What the files have in which trainings leave word of their CPUs: the first that are opened.
    private func expectNothingInLocks() throws {
        let locks = workplace.runtimePath + "/gradloom"
        for name in (try? FileManager.default.contentsOfDirectory(atPath: locks)) ?? [] {
            let text = try String(contentsOfFile: locks + "/" + name, encoding: .utf8)
            #expect(text.wholeMatch(of: /\d*\n?/) != nil, "\(name): \(text)")
        }
    }

    /// The only run, which ended in this way, with its newest checkpoint.
    private func expectRun(end: String, events: Int? = nil) throws -> (path: String, step: Int) {
        let run = try "runs/" + #require(try workplace.names(in: "runs").first)
        #expect(try workplace.read(run + "/summary.json").contains("\"end\" : \"\(end)\""))
        let lines = try workplace.read(run + "/metrics.jsonl").split(separator: "\n")
        if let events { #expect(lines.count == events) }
        #expect(lines.last?.contains("\"event\":\"done\"") == true)
        let checkpoint = try #require(try workplace.names(in: run + "/checkpoints").last)
        return (run, try #require(Int(checkpoint.filter(\.isNumber))))
    }

    // MARK: Results

    static let shortCommands = [
        "--help", "--version", "help profile compare", "topology", "topology --json", "graph xor.yaml",
        "inspect xor.yaml",
        "inspect xor.yaml --program --json", "check xor.yaml --workers 1", "jacobian xor.yaml --wrt input",
        "jacobian xor.yaml --wrt input --format npy", "profile compare p.json p.json", "evaluate runs/*",
    ]

    @Test(arguments: shortCommands)
    func lostResultsAreToldOf(command: String) throws {
        try workplace.write(ProfileCompareTests.profile(), to: "p.json")
        if command.hasPrefix("evaluate") { _ = try workplace.train("xor.yaml") }
        let before = try workplace.names()
        let outcome = try shell(
            """
            gradloom \(command) >/dev/full 2>full; echo $?
            gradloom \(command) >&- 2>closed; echo $?
            \(Self.unreadPipe)
            gradloom \(command) >&3 2>pipe; echo $?
            """)
        #expect(outcome.output == "74\n74\n141\n" && outcome.errors == "")
        func complaints(_ name: String) throws -> String { try workplace.read(name).replacing(/note: .*\n/, with: "") }
        #expect(try complaints("full") == "error: standard output: No space left on device\n")
        #expect(try complaints("closed") == "error: standard output: Bad file descriptor\n")
        #expect(try complaints("pipe") == "")
        #expect(try Set(workplace.names()) == Set(before + ["full", "closed", "pipe"]))
        try expectNothingInLocks()
    }

    @Test func lostFindingsAreToldOf() throws {
        let outcome = try shell("gradloom doctor --workers 1 --seconds 0.01 --json >/dev/full")
        #expect(outcome.exitCode == 74)
        #expect(outcome.errors.hasSuffix("error: standard output: No space left on device\n"), "\(outcome.errors)")
    }

    @Test func wrongUsageKeepsItsExitCode() throws {
        #expect(try shell("gradloom trian 2>/dev/full").exitCode == 64)
        #expect(try shell("gradloom train none.yaml 2>&-").exitCode == 66)
    }

    /// As `ulimit -f` sets it: by default it ends a program by a signal, which a test may have been told to ignore.
    @Test func aLimitOfFilesIsAReasonLikeOthers() throws {
        let outcome = try shell(
            "{ (ulimit -f 0; exec env --default-signal=XFSZ $PROGRAM --help >text); echo $?; } 2>&1 | cat")
        #expect(outcome.output == "error: standard output: File too large\n74\n")
    }

    // MARK: Training

    @Test(arguments: ["", "--json"], [">/dev/full", ">&-"])
    func aTrainingOutlivesLostResults(json: String, redirection: String) throws {
        let outcome = try shell("gradloom train xor.yaml \(json) \(redirection)")
        #expect(outcome.exitCode == 74)
        let reason = redirection == ">/dev/full" ? "No space left on device" : "Bad file descriptor"
        let complaints = outcome.complaints.split(separator: "\n")
        #expect(complaints.filter { $0.hasPrefix("error") } == ["error: standard output: \(reason)"])
        #expect(complaints.contains { $0.hasPrefix("epoch 3/3") })
        #expect(try expectRun(end: "completed", events: 5).step == 3)
        try expectNothingInLocks()
    }

    /// With the shell's exit code for the training, which is that of a training whose messages arrive.
    @Test(
        arguments: [
            ("2>/dev/full", 0), ("2>&-", 0), ("--json <&- 2>&-", 0), ("--json 2>&3", 0), (">&- 2>&- <&-", 74),
            ("--json >/dev/full 2>/dev/full", 74), (">&3 2>&3", 141), ("--json >&3 2>&3", 141),
        ])
    func aTrainingNeedsNoStandardError(arguments: String, exitCode: Int32) throws {
        let outcome = try shell(Self.unreadPipe + "gradloom train xor.yaml \(arguments)")
        #expect(outcome.exitCode == exitCode)
        let isJSON = arguments.hasPrefix("--json")
        if exitCode == 0 {
            if isJSON {
                #expect(try outcome.events().count == 5)
            } else {
                #expect(outcome.output.hasPrefix("xor: 3 epochs"))
            }
        }
        // Nobody waits for lines of JSON that are refused; the table is there when all is done.
        let isCutShort = exitCode == 141 && isJSON
        #expect(try expectRun(end: isCutShort ? "interrupted" : "completed").step == (isCutShort ? 1 : 3))
        try expectNothingInLocks()
    }

    @Test(arguments: ["2>&-", "2>/dev/full", ">/dev/full"])
    func divergenceKeepsItsExitCode(redirection: String) throws {
        let outcome = try shell(
            "gradloom train xor.yaml --json --set network.output=identity --set optimizer.learning_rate=1e300 --set run.checkpoint.every=epoch \(redirection)"
        )
        #expect(outcome.exitCode == 1)
        if redirection == ">/dev/full" {
            #expect(
                outcome.errors.contains("error: standard output: No space left on device\nerror: training diverged"))
        }
        #expect(try expectRun(end: "diverged").step == 1)
    }

    @Test func aClosedPipeEndsATrainingThatGoesOnLater() throws {
        let outcome = try shell(
            """
            gradloom train xor.yaml --json --set training.epochs=100000000 --set run.checkpoint.every=end 2>errors | head -n 1
            echo ${PIPESTATUS[0]}
            """)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 2 && lines[0].contains("\"event\":\"run\"") && lines[1] == "141", "\(outcome.output)")
        #expect(try !workplace.read("errors").contains("error"))
        let run = try expectRun(end: "interrupted")

        let resumed = try workplace.run(
            "train", "--resume", run.path, "--json", "--set", "training.steps=\(run.step + 2)")
        #expect(resumed.exitCode == 0, "\(resumed.errors)")
        #expect(try resumed.lastEvent()["steps"] as? Int == run.step + 2)
    }

    /// Ctrl-C in a pipeline ends the reader, too.
    @Test func aSignalThatCameFirstKeepsItsExitCode() throws {
        // An epoch is long: no line is written between the end of the reader and the signal.
        try workplace.write(
            """
            data:
              synthetic: {task: blobs, samples: 200_000, inputs: 2, classes: 2}
            network: {layers: [{units: 2}], output: softmax}
            training: {batch: 1, epochs: 1000}
            parallel: {workers: 1}

            """, to: "long.yaml")
        let outcome = try shell(
            """
            mkfifo lines
            "$PROGRAM" train long.yaml --json >lines & training=$!
            head -n 1 lines
            kill -INT $training
            wait $training
            """)
        #expect(outcome.exitCode == 130, "\(outcome.errors)")
        #expect(!outcome.errors.contains("error"))
        #expect(outcome.output.split(separator: "\n").count == 1)
        _ = try expectRun(end: "interrupted", events: 2)
    }

    // MARK: Source

    /// What else writes to a standard stream traps where it cannot, or does not notice.
    @Test func allTextGoesThroughOnePlace() throws {
        let place = "LoomRuns/StandardStreams.swift"
        let sources = ProjectFolder.url.appendingPathComponent("Sources")
        let files = try #require(FileManager.default.enumerator(atPath: sources.path)).compactMap { $0 as? String }
            .filter { $0.hasSuffix(".swift") }
        #expect(files.contains(place))
        let ways = [
            "print(", "debugPrint(", "dump(", "fputs(", "fputc(", "putc(", "puts(", "printf(", "NSLog(", "perror(",
            "FileHandle.standardOutput", "FileHandle.standardError", "exit(withError",
        ]
        for file in files where file != place {
            let text = try String(contentsOf: sources.appendingPathComponent(file), encoding: .utf8)
            for way in ways where text.contains(way) {
                for line in text.split(separator: "\n") where line.contains(way) {
                    let code = (line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line)
                        .replacing("func print(", with: "")
                    // A name that ends so, or another type's function, is something else.
                    let parts = code.split(separator: way, omittingEmptySubsequences: false).dropLast()
                    let isFound = parts.contains { part in
                        !(part.last.map { $0.isLetter || $0.isNumber || "._".contains($0) } ?? false)
                    }
                    #expect(!isFound, "\(file): \(line)")
                }
            }
        }
    }
}
