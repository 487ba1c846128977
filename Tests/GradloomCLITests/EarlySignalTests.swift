import Foundation
import Testing

/// Signals before the first step: nothing is written yet.
@Suite struct EarlySignalTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    /// The program, started by bash as `prefix` says, when it has opened the pipe that is its data file.
    private func startedToRead(_ prefix: String = "") throws -> (RunningTool, writer: Int32) {
        try workplace.write(SampleData.classes, to: "classes.yaml")
        #expect(mkfifo(workplace.url("data.csv").path, 0o600) == 0)
        let tool = try RunningTool(
            ["-c", "exec \(prefix) \"$PROGRAM\" train classes.yaml"], of: URL(fileURLWithPath: "/bin/bash"),
            in: workplace, environment: ["PROGRAM": Workplace.program.path])
        // Waits for the reader.
        let writer = open(workplace.url("data.csv").path, O_WRONLY)
        #expect(write(writer, "a,b,y\n", 6) == 6)
        return (tool, writer)
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1]) func endATrainingThatReads(signal: Int32) throws {
        let (tool, writer) = try startedToRead()
        defer { close(writer) }
        let clock = ContinuousClock.now
        tool.send(signal: signal)
        let outcome = try tool.wait()
        #expect(clock.duration(to: .now) < .seconds(2))
        // As a shell sees it, 128 and the number.
        #expect(outcome.exitCode == -signal && outcome.complaints == "")
        #expect(try workplace.names() == ["classes.yaml", "data.csv"])
    }

    /// Whoever starts a program may have blocked signals, as Dispatch's threads have.
    @Test func areNotBlockedByWhoeverStartedTheTraining() throws {
        let (tool, writer) = try startedToRead("env --block-signal=TERM")
        defer { close(writer) }
        tool.send(signal: SIGTERM)
        let clock = ContinuousClock.now
        #expect(try tool.wait().exitCode == -SIGTERM)
        #expect(clock.duration(to: .now) < .seconds(2))
    }

    /// As nohup(1) and a shell's background ignore them.
    @Test func thatAreIgnoredStayIgnored() throws {
        let (tool, writer) = try startedToRead("env --ignore-signal=HUP")
        tool.send(signal: SIGHUP)
        #expect(write(writer, "1,0,b\n0,1,a\n1,1,c\n", 18) == 18)
        close(writer)
        #expect(try tool.wait().exitCode == 0)
    }

    @Test func endATrainingThatGeneratesItsData() throws {
        try workplace.write(
            """
            data: {synthetic: {task: teacher, samples: 40_000_000, inputs: 4, classes: 2}}
            network: {layers: [{units: 2}], output: softmax}

            """, to: "long.yaml")
        let tool = try workplace.start(["train", "long.yaml"])
        // It has said what memory it needs, and begins.
        while tool.errorsSoFar.isEmpty { usleep(10_000) }
        usleep(100_000)
        tool.send(signal: SIGINT)
        let clock = ContinuousClock.now
        #expect(try tool.wait().exitCode == -SIGINT)
        #expect(clock.duration(to: .now) < .seconds(2))
        #expect(try workplace.names() == ["long.yaml"])
    }
}
