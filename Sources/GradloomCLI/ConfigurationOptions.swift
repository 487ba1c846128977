import ArgumentParser
import LoomExperiments

/// The arguments of commands that look at a configuration without training it.
struct ConfigurationOptions: ParsableArguments {
    @Argument(help: "The configuration, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var configuration: String

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Replace a value of the configuration; may be repeated.", valueName: "key.path=value"))
    var overrides: [String] = []

    func validate() throws {
        try GradloomCLI.validate(overrides: overrides)
    }

    /// The configuration.
    func settings() throws -> Configuration {
        try Configuration.load(path: configuration, overrides: overrides)
    }
}
