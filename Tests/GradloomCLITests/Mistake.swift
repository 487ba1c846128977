import Testing

/// Something a user gets wrong, and what the program says.
struct Mistake: Sendable, CustomTestStringConvertible {
    let name: String
    let arguments: [String]
    var files: [String: String] = [:]
    let exitCode: Int32
    /// All of standard error but for the memory plan; `{DIR}` stands for the directory of the files.
    let message: String

    var testDescription: String { name }

    /// Checks message and exit code, and that nothing was printed or left behind.
    func check(in workplace: Workplace) throws {
        for (name, text) in files { try workplace.write(text, to: name) }
        let before = try workplace.names()
        let outcome = try workplace.run(arguments)
        let expected = message.replacing("{DIR}", with: workplace.path) + "\n"
        #expect(outcome.complaints == expected)
        #expect(outcome.exitCode == exitCode)
        #expect(outcome.output == "")
        #expect(try workplace.names() == before, "nothing is left behind")
    }
}

extension Mistake {
    /// What a command says of configurations that are missing or cannot be trained.
    static func ofConfigurations(command: String) -> [Mistake] {
        [
            Mistake(
                name: "no such configuration", arguments: [command, "none.yaml"], exitCode: 66,
                message: "error: none.yaml: there is no such file"),
            Mistake(
                name: "a configuration that cannot be trained", arguments: [command, "a.yaml"],
                files: ["a.yaml": SampleData.xor.replacing("tanh", with: "threshold")], exitCode: 78,
                message: """
                    error: a.yaml: network.layers.0.activation: layer 'layer1' cannot be trained: the derivative of \
                    threshold is 0 almost everywhere, so no gradient passes it; train with sigmoid or tanh
                    """),
        ]
    }
}
