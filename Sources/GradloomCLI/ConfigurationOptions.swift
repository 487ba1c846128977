import ArgumentParser
import LoomConfiguration

/// The arguments of commands that look at a configuration without training it.
struct ConfigurationOptions: ParsableArguments {
    @Argument(help: "The configuration, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var configuration: String

    @OptionGroup var overrides: OverrideOptions

    /// The configuration, with `more` values replaced.
    func settings(_ more: [String] = []) throws -> Configuration {
        try Configuration.load(path: configuration, overrides: overrides.values + more, note: printNote)
    }
}

/// Values that replace those of a configuration.
struct OverrideOptions: ParsableArguments {
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Replace a value of the configuration; may be repeated.", valueName: "key.path=value"))
    var values: [String] = []

    func validate() throws {
        for value in values where value.split(separator: "=").count < 2 {
            throw ValidationError("--set '\(value)' is not KEY.PATH=VALUE, such as training.epochs=3.")
        }
    }

    /// Refuses values where there is no configuration whose they could be.
    func validate(for configuration: String?) throws {
        if !values.isEmpty && configuration == nil { throw ValidationError("--set belongs to a configuration.") }
    }

    /// With the number of workers, where it is given by an option of its own.
    func and(workers: Int?) -> [String] { values + (workers.map { ["parallel.workers=\($0)"] } ?? []) }
}
