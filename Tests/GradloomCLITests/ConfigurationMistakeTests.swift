import Foundation
import LoomHardware
import Testing

@Suite struct ConfigurationMistakeTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    @Test(arguments: [
        Mistake(
            name: "no such file", arguments: ["train", "nowhere.yaml"], exitCode: 66,
            message: "error: nowhere.yaml: there is no such file"),
        Mistake(
            name: "no YAML", arguments: ["train", "a.yaml"], files: ["a.yaml": "a: ]\n"], exitCode: 78,
            message: """
                error: a.yaml:1:4: not valid YAML: did not find expected node content, while parsing a \
                block node \
                that starts in line 1
                """),
        Mistake(
            name: "two mistyped keys", arguments: ["train", "xor.yaml"],
            files: [
                "xor.yaml": SampleData.xor.replacing("optimizer:", with: "optimiser:")
                    .replacing("learning_rate", with: "learning_rat")
            ], exitCode: 78,
            message: "error: xor.yaml:10:1: optimiser: unknown key; did you mean 'optimizer'?"),
        Mistake(
            name: "mistyped override", arguments: ["train", "xor.yaml", "--set", "training.batchsize=2"],
            files: ["xor.yaml": SampleData.xor], exitCode: 78,
            message: """
                error: --set training.batchsize=2: training.batchsize: unknown key; expected one of batch, \
                epochs, steps, \
                seed, precision, numerics, force_precision, drop_last, on_nan and early_stopping
                """),
        Mistake(
            name: "wrong type", arguments: ["train", "xor.yaml", "--set", "training.batch=many"],
            files: ["xor.yaml": SampleData.xor], exitCode: 78,
            message: """
                error: --set training.batch=many: training.batch: expected auto or a whole number, 1 or more, found \
                'many'
                """),
        Mistake(
            name: "batch larger than the data",
            arguments: ["train", "xor.yaml", "--set", "training.batch=5"],
            files: ["xor.yaml": SampleData.xor], exitCode: 78,
            message: """
                error: training.batch is 5, but there are only 4 training samples; choose a batch of at most 4
                """),
        Mistake(
            name: "threshold in a layer",
            arguments: ["train", "xor.yaml", "--set", "network.layers.0.activation=threshold"],
            files: ["xor.yaml": SampleData.xor], exitCode: 78,
            message: """
                error: xor.yaml: network.layers.0.activation: layer 'layer1' cannot be trained: the \
                derivative of \
                threshold is 0 almost everywhere, so no gradient passes it; train with sigmoid or tanh
                """),
        Mistake(
            name: "weights for other inputs",
            arguments: ["train", "xor.yaml", "--set", "network.layers.0.weights=[[1, 2, 3], [4, 5, 6]]"],
            files: ["xor.yaml": SampleData.xor], exitCode: 78,
            message: """
                error: layer 'layer1' has 2 units and 2 inputs, so its weights must be 2 × 2 (out by in); \
                they are 2 × 3
                """),
        Mistake(
            name: "weights that do not chain",
            arguments: ["train", "xor.yaml", "--set", "network.layers.1.weights=[[1, 2, 3]]"],
            files: ["xor.yaml": SampleData.xor], exitCode: 78,
            message: """
                error: --set network.layers.1.weights=[[1, 2, 3]]: network.layers.1.weights: layer 'layer2' \
                has 1 unit \
                and 2 inputs: expected 1 × 2 weights (out_by_in), found 1 × 3
                """),
        Mistake(
            name: "directory below a file",
            arguments: ["train", "xor.yaml", "--set", "run.directory=xor.yaml/runs"],
            files: ["xor.yaml": SampleData.xor], exitCode: 74,
            message: """
                error: cannot create the run directory ‘xor.yaml/runs’: Not a directory; choose another \
                place with \
                --set run.directory=DIRECTORY
                """),
        Mistake(
            name: "no run to evaluate", arguments: ["evaluate", "nowhere"], exitCode: 66,
            message: "error: there is no run directory ‘nowhere’"),
        Mistake(
            name: "a directory, but no run", arguments: ["evaluate", "."], exitCode: 66,
            message: "error: ‘.’ is not a run directory: it has no ‘config.yaml’"),
        Mistake(
            name: "no run to go on with", arguments: ["train", "--resume", "nowhere"], exitCode: 66,
            message: "error: there is no run directory ‘nowhere’"),
    ])
    func aMistakeIsNamedAndNothingIsLeftBehind(mistake: Mistake) throws {
        try mistake.check(in: workplace)
    }

    @Test(arguments: [("partition", "builtin"), ("all_reduce", "builtin"), ("reduce_scatter", "openblas")])
    func everyWayOfGradientsAndProductsIsUsed(route: String, products: String) throws {
        try workplace.write(SampleData.xor, to: "xor.yaml")
        let outcome = try workplace.run(
            "train", "xor.yaml", "--json", "--set", "parallel.route=\(route)", "--set",
            "parallel.gemm=\(products)", "--set", "parallel.groups=2", "--set", "parallel.shard_rows=1", "--workers",
            "2")
        #expect(outcome.exitCode == 0)
        let run = try #require(outcome.output.split(separator: "\n").first)
        #expect(run.contains(#""route":"\#(route)""#) && run.contains(#""products":"\#(products)""#))
        #expect(run.contains(#""groups":2"#))
    }

    private static let allowedCPUs =
        (try? CPUAllowance.current(topology: Topology.machine()).allowedCPUs.count) ?? 0
    private static let libraryLimit = BLASRuntime.current().maximumThreads ?? .max

    @Test(.enabled(if: allowedCPUs < CPUAllowance.dispatchWorkerLimit))
    func moreWorkersThanProcessorsAreRefused() throws {
        try workplace.write(SampleData.xor, to: "xor.yaml")
        let outcome = try workplace.run("train", "xor.yaml", "--workers", "\(Self.allowedCPUs + 1)")
        #expect(outcome.exitCode == 78)
        #expect(
            outcome.errors.hasPrefix(
                "error: \(Self.allowedCPUs + 1) workers were asked for, but this process may use \(Self.allowedCPUs) CPU"
            ))
        #expect(try workplace.names() == ["xor.yaml"])
    }

    @Test(.enabled(if: libraryLimit < CPUAllowance.dispatchWorkerLimit))
    func moreWorkersThanTheLibraryAllowsAreRefused() throws {
        try workplace.write(SampleData.xor, to: "xor.yaml")
        let outcome = try workplace.run(
            "train", "xor.yaml", "--workers", "\(Self.libraryLimit + 1)", "--set", "parallel.placement=none", "--set",
            "parallel.gemm=openblas")
        #expect(outcome.exitCode == 78)
        #expect(
            outcome.errors.hasPrefix(
                """
                error: \(Self.libraryLimit + 1) workers were asked for, but this OpenBLAS is built for at \
                most \
                \(Self.libraryLimit) threads
                """))
        #expect(try workplace.names() == ["xor.yaml"])
    }
}
