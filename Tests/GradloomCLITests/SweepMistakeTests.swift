import Foundation
import LoomHardware
import Testing

/// What a person gets wrong who asks for a search, and what the program says.
@Suite struct SweepMistakeTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    private static let files = [
        "c.yaml": """
        data: {synthetic: {task: mixture, samples: 100, inputs: 4, classes: 3, seed: 1}, validation: 0.2}
        network: {layers: [{units: 3}], output: softmax}
        training: {batch: 32, epochs: 2}

        """,
        "blind.yaml": SampleData.xor,
    ]

    private static func mistake(_ name: String, _ arguments: [String], exitCode: Int32 = 64, _ message: String)
        -> Mistake
    {
        Mistake(
            name: name, arguments: ["sweep"] + arguments, files: files, exitCode: exitCode, message: "error: " + message
        )
    }

    /// A sweep of c.yaml with these settings.
    private static func settings(_ name: String, _ settings: [String], exitCode: Int32 = 64, _ message: String)
        -> Mistake
    {
        mistake(
            name, ["c.yaml", "--output", "s"] + settings.flatMap { $0.hasPrefix("--") ? [$0] : ["--set", $0] },
            exitCode: exitCode, message)
    }

    @Test(arguments: [
        settings(
            "unknown key", ["optimizer.learning_rte=0.1,0.2"], exitCode: 78,
            "--set optimizer.learning_rte=0.1: optimizer.learning_rte: unknown key; did you mean 'learning_rate'?"),
        settings(
            "a value out of range", ["training.batch=32,0"], exitCode: 78,
            "--set training.batch=0: training.batch: expected auto or a whole number, 1 or more, found 0"),
        settings(
            "empty range", ["optimizer.learning_rate=1e-1..1e-3"],
            "--set optimizer.learning_rate=1e-1..1e-3: the range is empty: 1e-1 is above 1e-3; write the smaller number first"
        ),
        settings(
            "log range over 0", ["loss.l2=0..1e-3:log"],
            "--set loss.l2=0..1e-3:log: a range with :log needs two numbers above 0, and 0 has no logarithm"),
        settings(
            "too many points",
            ["optimizer.learning_rate=1e-3..1e-1:log:100", "training.batch=1..20:20", "--search=grid"],
            """
            2,000 trials, and a sweep has at most 1,000; give fewer values, or fewer points as in 1e-3..1e-1:log:3, or draw some \
            of them with --search random --trials N
            """),
        settings(
            "one value", ["training.batch=32"],
            """
            there is nothing to search: give at least one key several values, such as --set training.batch=32,64,128 or --set \
            optimizer.learning_rate=1e-3..1e-1:log
            """),
        settings(
            "a key twice", ["training.batch=32", "training.batch=64"],
            "--set training.batch is given more than once; put all of its values into one list"),
        settings(
            "workers", ["parallel.workers=1,2"],
            "--set parallel.workers: a sweep chooses it by itself, for each of its trainings; see --jobs and --output"),
        settings(
            "trials of a grid", ["training.batch=32,64", "--trials=3"],
            "--trials is for --search random and halving: a grid has all combinations of its values"),
        settings(
            "reduction of a grid", ["training.batch=32,64", "--reduction=3"], "--reduction is for --search halving"),
        settings(
            "halving of too few", ["training.batch=16,32,64", "--search=halving"],
            """
            successive halving goes on with one in 3 trials for 3 times the epochs, and there are only 3 trials of 2 epochs; \
            give 3 of both at least, or use --search random
            """),
        settings(
            "halving of epochs", ["training.epochs=2,4,8", "--search=halving"],
            """
            --search halving decides how many epochs a trial gets: training.epochs is the most of them, and must have one value
            """),
        settings(
            "halving without checkpoints",
            ["training.batch=16,32,64", "training.epochs=9", "run.checkpoint.every=never", "--search=halving"],
            "--search halving goes on from checkpoints, and run.checkpoint.every is never; give it another value"),
        mistake(
            "no validation", ["blind.yaml", "--set", "training.batch=2,4", "--output", "s"], exitCode: 78,
            """
            trials are compared by validation_loss, and no samples validate: give the configuration data.validation, such as \
            --set data.validation=0.2, or use --folds
            """),
        mistake(
            "no such configuration", ["none.yaml", "--set", "training.batch=2,4", "--output", "s"], exitCode: 66,
            "none.yaml: there is no such file"),
        mistake("no sweep", ["--resume", "none"], exitCode: 66, "there is no sweep in ‘none’: it has no sweep.json"),
        mistake(
            "a file", ["c.yaml", "--set", "training.batch=2,4", "--output", "c.yaml"], exitCode: 74,
            "cannot create the directory ‘c.yaml’: Not a directory; choose another place with --output"),
        mistake(
            "a place in a file", ["c.yaml", "--set", "training.batch=2,4", "--output", "c.yaml/s"], exitCode: 74,
            "cannot create the directory ‘c.yaml/s’: Not a directory; choose another place with --output"),
        settings(
            "a hyphen for a range", ["optimizer.learning_rate=0.1-0.2"], exitCode: 78,
            "--set optimizer.learning_rate=0.1-0.2: optimizer.learning_rate: expected a number above 0, found '0.1-0.2'"
        ),
    ])
    func mistakesAreNamed(mistake: Mistake) throws { try mistake.check(in: workplace) }

    @Test(arguments: [
        ([], "Give a configuration, or --resume with the directory of a sweep."),
        (["c.yaml"], "Give --output, a directory for the sweep's runs and results."),
        (["--resume", "s", "--set", "a=1,2"], "--resume goes on with what was asked: only --jobs may be another."),
        (["c.yaml", "--resume", "s"], "Give a configuration, or --resume with the directory of a sweep."),
        (
            ["c.yaml", "--output", "s", "--set", "a"],
            "--set 'a' is not KEY.PATH=VALUES, such as training.batch=32,64,128."
        ),
        (["c.yaml", "--output", "s", "--jobs", "0"], "--jobs must be at least 1."),
        (["c.yaml", "--output", "s", "--trials", "-1"], "--trials must be at least 1."),
        (["c.yaml", "--output", "s", "--reduction", "1"], "--reduction must be at least 2."),
        (["c.yaml", "--output", "s", "--folds", "1"], "--folds must be at least 2."),
        (["c.yaml", "--output", "s", "--folds", "101"], "--folds must be at most 100."),
    ])
    func wrongUsageIsNamed(arguments: [String], message: String) throws {
        let outcome = try workplace.run(["sweep"] + arguments)
        #expect(
            outcome.exitCode == 64 && outcome.errors.hasPrefix("error: \(message)\nUsage: gradloom sweep "),
            "\(outcome.errors)")
    }

    @Test func moreJobsThanCoresAreRefused() throws {
        let topology = try Topology.machine()
        let cores = try CoreShare.coreCount(topology: topology, allowance: .current(topology: topology))
        try Self.mistake(
            "jobs", ["c.yaml", "--set", "training.batch=2,4", "--output", "s", "--jobs", "\(cores + 1)"], exitCode: 78,
            """
            --jobs \(cores + 1): each training needs a core of its own, and this process may use \(cores) core\(cores == 1 ? "" : "s"); \
            gradloom topology shows why
            """
        ).check(in: workplace)
    }

    @Test func aPlaceThatIsTakenIsRefused() throws {
        for (name, text) in Self.files { try workplace.write(text, to: name) }
        try workplace.write("{}", to: "s/sweep.json")
        try workplace.write("{}", to: "t/notes.txt")
        for (place, message) in [
            ("s", "‘s’ has a sweep already: go on with it by gradloom sweep --resume s, or choose another --output"),
            ("t", "‘t’ is not empty; choose a new directory for --output"),
        ] {
            let outcome = try workplace.run("sweep", "c.yaml", "--set", "training.batch=2,4", "--output", place)
            #expect(outcome.exitCode == 73 && outcome.errors == "error: \(message)\n")
        }
        let damaged = try workplace.run("sweep", "--resume", "s")
        #expect(damaged.exitCode == 65 && damaged.errors.contains("it is no description of a sweep"))
    }
}
