import ArgumentParser
import Foundation
import LoomHardware
import LoomKernels
import LoomRuns
import LoomTraining

/// The program: training, and what goes with it.
@main
struct GradloomCommand: ParsableCommand {
    /// The number alone, as files carry it. `VersionReport` is what `--version` prints.
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
            TrainCommand.self, EvaluateCommand.self, WatchCommand.self, ReportCommand.self, PredictCommand.self,
            ExportCommand.self, ImportCommand.self, GenerateCommand.self, ConvertCommand.self,
            InspectCommand.self,
            JacobianCommand.self, GraphCommand.self, CheckCommand.self, SweepCommand.self, TuneCommand.self,
            ProfileCommand.self,
            DoctorCommand.self,
            PeakCommand.self, TopologyCommand.self,
            OpenBLASSpeedCommand.self,
        ])

    /// Usage errors look like all others.
    static let _errorLabel = "error"

    static func main() {
        StandardStreams.prepare()
        StopRequest.endProgramOnSignals()
        whenOutOfMemory = { sentence in
            fail(sentence)
            quick_exit(ExitStatus.systemLimit)
        }
        ResidentMemory.returnFreedBlocks(ofAtLeast: 1 << 20)
        MemorySize.free = { MachineMemory.available()?.bytes }
        let arguments = Array(CommandLine.arguments.dropFirst())
        if ProfileSubcommands.areMeant(by: arguments) { return ProfileSubcommands.runAsRoot(arguments) }
        do {
            try refuseUnknownCommand(arguments.first)
        } catch {
            end(with: error)
        }
        runAsRoot(arguments)
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

extension ParsableCommand {
    /// Runs the command, or the one below it, that `arguments` name, and ends the program where it fails: as `main(_:)`, which
    /// does not notice that help cannot be written.
    fileprivate static func runAsRoot(_ arguments: [String]) {
        do {
            var command = try parseAsRoot(arguments)
            try checkLimits()
            try command.run()
        } catch {
            end(with: error)
        }
        // Not exit(3): at its end OpenBLAS waits for threads of its own, which wait for memory where there is little.
        quick_exit(EXIT_SUCCESS)
    }

    /// A thread for every CPU but one, and for each the file that keeps other trainings off it, beside those of a run and of
    /// Dispatch.
    private static func checkLimits() throws {
        try reportingFailures {
            try ProcessLimits.check(threads: WorkerTeam.dispatchWidth - 1, files: 16 + WorkerTeam.dispatchWidth)
        }
    }

    /// Ends the program with the message for `error`: help on standard output, wrong usage on standard error.
    fileprivate static func end(with error: any Error) -> Never {
        var message = fullMessage(for: error)
        var code = exitCode(for: error)
        // The report is put together for whoever asks for it, not at every start.
        if code.isSuccess, message == GradloomCommand.version { message = VersionReport.current().text }
        if !message.isEmpty {
            if code.isSuccess {
                do { try StandardOutput.write(message + "\n") } catch {
                    code = report(error)
                }
            } else {
                StandardError.write(message + "\n")
            }
        }
        quick_exit(code.rawValue)
    }
}
