import Foundation
import LoomHardware
import TestSupport
import Testing

private let processors = ProcessInfo.processInfo.activeProcessorCount
private let allowedCPUs = (try? CPUAllowance.current(topology: .machine()).allowedCPUs) ?? []

/// Systems that give a process little: few threads, files and memory, one CPU for two trainings.
@Suite struct LimitTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(SampleData.xor, to: "xor.yaml")
    }

    private func shell(_ script: String) throws -> Outcome {
        try RunningTool(
            ["-c", script], of: URL(fileURLWithPath: "/bin/bash"), in: workplace,
            environment: ["PROGRAM": Workplace.program.path]
        ).wait()
    }

    @Test func tooFewFilesAreToldOf() throws {
        let outcome = try shell("ulimit -n 12; exec \"$PROGRAM\" train xor.yaml --quiet")
        #expect(outcome.exitCode == 71)
        #expect(
            outcome.errors.wholeMatch(
                of:
                    /error: the system opens only \d of the \d+ files that are needed here \(Too many open files\): .*\n/
            ) != nil,
            "\(outcome.errors)")
        #expect(try workplace.names() == ["xor.yaml"])
    }

    /// A user of its own: root has no limit, and others have processes already.
    @Test(.enabled(if: getuid() == 0 && processors > 1)) func tooFewThreadsAreToldOf() throws {
        let user = 1_000_000_000 + Int(getpid())
        // One for the program, and one for each of OpenBLAS.
        let outcome = try shell(
            """
            chmod 777 . && export OPENBLAS_NUM_THREADS=1
            setpriv --reuid=\(user) --clear-groups test -x "$PROGRAM" || exit 99
            exec setpriv --reuid=\(user) --clear-groups prlimit --nproc=1 "$PROGRAM" train xor.yaml --quiet
            """)
        // A checkout that only root may enter.
        if outcome.exitCode == 99 { return }
        #expect(outcome.exitCode == 71)
        #expect(
            outcome.errors.hasPrefix(
                "error: the system starts only 0 of the \(processors - 1) threads that the CPUs here ask for"),
            "\(outcome.errors)")
        #expect(try workplace.names() == ["xor.yaml"])
    }

    // MARK: Placement

    /// A CPU that this process may use, and a training pinned to one that it may not.
    @Test(.enabled(if: allowedCPUs.count > 1)) func otherPlacesGiveTheSameResults() throws {
        try workplace.write(SampleData.classes, to: "classes.yaml")
        try workplace.write(SampleData.animals, to: "data.csv")
        let run = try workplace.train("classes.yaml", "--set", "parallel.placement='\(allowedCPUs[0])'")
        let own = try workplace.run("evaluate", run, "--json")
        for command in [
            "evaluate \(run) --json", "predict \(run) --input data.csv --output p.csv",
            "predict \(run) --input data.csv --output q.csv --workers 1",
        ] {
            let outcome = try shell("exec taskset -c \(allowedCPUs[1]) \"$PROGRAM\" \(command)")
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            if command.hasPrefix("evaluate") { #expect(outcome.output == own.output) }
        }
        #expect(try workplace.read("p.csv") == workplace.read("q.csv"))
    }

    @Test(.enabled(if: !allowedCPUs.isEmpty)) func twoTrainingsShareTheirOnlyCPU() throws {
        let train = "taskset -c \(allowedCPUs[0]) \"$PROGRAM\" train xor.yaml --json --set training.epochs=20000"
        let outcome = try shell(
            """
            \(train) >a &
            \(train) >b && wait $! && tail -qn 1 a b |
            grep -o '"parameter_hash":"[0-9a-f]*"' | uniq | wc -l
            """)
        #expect(outcome.output == "1\n" && outcome.exitCode == 0, "\(outcome.errors)")
    }
}
