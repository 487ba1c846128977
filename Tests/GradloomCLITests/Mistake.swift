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
