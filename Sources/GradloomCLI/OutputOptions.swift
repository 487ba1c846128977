import ArgumentParser
import LoomRuns

/// The option of commands that write files where a user wants them.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Replace files that exist.")
    var force = false

    /// The place that `option` names, for something beside the results on standard output.
    /// - Throws: `OutputFileError`, `AtomicFile.WriteError`, `ValidationError`.
    func file(_ option: String, _ path: String?) throws -> OutputFile? {
        guard let path else { return nil }
        return try companionFile(option, OutputFile(path, replaces: force))
    }
}

/// Refuses standard output, which has the results, as the place that `option` names for something else.
func companionFile(_ option: String, _ file: OutputFile) throws -> OutputFile {
    guard !file.isStandardOutput else {
        throw ValidationError("\(option) needs a file of its own: standard output has the results.")
    }
    return file
}

/// Refuses to replace what a command reads, even by force.
func validate(_ option: String, _ path: String?, replacesNot input: String, called name: String) throws {
    if let path, isSameFile(path, input) {
        throw ValidationError("\(option) would replace the \(name) \(input); give another file.")
    }
}
