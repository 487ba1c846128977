import Foundation

// Gives the program's readers inputs that are nearly right, and looks whether each comes to a value or to a typed error: not
// to the end of the process, and not to a hang or to more memory than the input's size explains.

do {
    let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
    // In memory where there is such a place: disks are slow with millions of files.
    let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : FileManager.default.temporaryDirectory.path
    let work = "\(parent)/mutated-inputs-\(getpid())"
    if let shared = arguments.child {
        let number = arguments.number
        let child = try Child(
            arguments.readers[0], directory: "\(shared)/work-\(number)",
            progress: Progress(path: "\(shared)/progress-\(number)"))
        if arguments.isCorpus {
            child.readCorpus(from: arguments.from)
        } else {
            child.readMutants(arguments.from..<arguments.from + arguments.count, seed: arguments.seed)
        }
    } else if arguments.only != nil || arguments.input != nil {
        defer { try? FileManager.default.removeItem(atPath: work) }
        try readOne(arguments, work: work)
    } else {
        defer { try? FileManager.default.removeItem(atPath: work) }
        try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        var failures = 0
        for reader in arguments.readers {
            let kinds: [Campaign.Inputs] =
                (arguments.isCorpus || arguments.count > 0 ? [.corpus] : [])
                + (arguments.isCorpus ? [] : [.mutants(count: arguments.count)])
            for (part, inputs) in kinds.enumerated() {
                let directory = "\(work)/\(reader.name)-\(part)"
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
                failures += try Campaign(
                    reader: reader, inputs: inputs, seed: arguments.seed, jobs: arguments.jobs, directory: directory
                ).run()
            }
        }
        print(failures == 0 ? "every input came to a value or to an error that names its file" : "\(failures) failures")
        if failures > 0 { exit(1) }
    }
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(2)
}

/// One input in this process, so that its end can be looked at.
func readOne(_ arguments: Arguments, work: String) throws {
    let child = try Child(arguments.readers[0], directory: work)
    let input: Input
    if let directory = arguments.input {
        input = try Input(directory: directory)
    } else if arguments.isCorpus {
        input = child.reader.corpus[arguments.only ?? 0].input
    } else {
        var random = Random(seed: arguments.seed, index: arguments.only ?? 0)
        input = child.reader.mutant(&random)
    }
    if let directory = arguments.write { return try input.write(to: directory) }
    for (name, part) in input.parts.sorted(by: { $0.key < $1.key }) {
        if case .file(let bytes) = part {
            print(
                "\(name), \(bytes.count) bytes: \(String(decoding: bytes.prefix(600), as: UTF8.self).debugDescription)")
        } else {
            print("\(name): \(part)")
        }
    }
    let (complaint, outcome) = child.read(input, index: 0)
    switch outcome {
    case .value?: print("a value")
    case .refusal(let text)?: print("refused: \(text)")
    case nil: throw Complaint(complaint ?? "")
    }
}
