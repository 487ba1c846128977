import ArgumentParser

/// The program: training, and what goes with it.
@main
struct GradloomCommand: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "gradloom",
        abstract: "Trains dense neural networks on CPU cores, batch-parallel, and shows where the speed comes from.",
        discussion: """
            Example:
              gradloom train configs/quickstart.yaml
              gradloom topology
            """,
        version: version,
        subcommands: [TrainCommand.self, EvaluateCommand.self, PredictCommand.self, TopologyCommand.self])
}
