import ArgumentParser
import Foundation
import LoomHardware

/// The program: training, and what goes with it.
@main
struct GradloomCommand: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "gradloom",
        abstract:
            "Trains dense neural networks on CPU cores, batch-parallel, and shows where the speed comes "
            + "from.",
        discussion: """
            Examples:
              gradloom train configs/quickstart.yaml
              gradloom inspect configs/seeds/001-worked-example.yaml
              gradloom topology
            """,
        version: version,
        subcommands: [
            TrainCommand.self, EvaluateCommand.self, PredictCommand.self, InspectCommand.self, JacobianCommand.self,
            GraphCommand.self, CheckCommand.self, TuneCommand.self, ProfileCommand.self, DoctorCommand.self,
            PeakCommand.self, TopologyCommand.self,
            OpenBLASSpeedCommand.self,
        ])

    /// Usage errors look like all others.
    static let _errorLabel = "error"

    static func main() {
        ResidentMemory.returnFreedBlocks(ofAtLeast: 1 << 20)
        let arguments = Array(CommandLine.arguments.dropFirst())
        if ProfileSubcommands.areMeant(by: arguments) { return ProfileSubcommands.main(arguments) }
        do {
            try refuseUnknownCommand(arguments.first)
            var command = try parseAsRoot()
            try command.run()
        } catch {
            exit(withError: error)
        }
    }

    /// The argument parser speaks of an unexpected argument, which is less than a person can use.
    private static func refuseUnknownCommand(_ name: String?) throws {
        let commands = configuration.subcommands.map { $0.configuration }
        guard let name, !name.hasPrefix("-"), name != "help", !commands.contains(where: { $0.commandName == name })
        else { return }
        let names = commands.filter(\.shouldDisplay).compactMap(\.commandName)
        throw ValidationError(
            "There is no command '\(name)'; the commands are \(names.formatted(.list(type: .and))).")
    }
}
