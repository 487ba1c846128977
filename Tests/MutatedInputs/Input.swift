import Foundation

/// What a reader is given: files in a directory, by their names.
struct Input {
    /// A file, or what stands where a file is expected.
    enum Part: Equatable {
        case file([UInt8])
        case directory
        case link(String)
    }

    var parts: [String: Part] = [:]

    init(_ files: [String: [UInt8]]) { parts = files.mapValues(Part.file) }

    /// The bytes of the file `name`; none where it is no file.
    subscript(name: String) -> [UInt8] {
        get { if case .file(let bytes)? = parts[name] { bytes } else { [] } }
        set { parts[name] = .file(newValue) }
    }

    /// The bytes of all files.
    var byteCount: Int {
        parts.values.reduce(0) { if case .file(let bytes) = $1 { $0 + bytes.count } else { $0 } }
    }

    /// All files below `directory`.
    init(directory: String) throws {
        for name in try FileManager.default.subpathsOfDirectory(atPath: directory) {
            let path = directory + "/" + name
            if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
                parts[name] = .link(target)
            } else if let bytes = try? Data(contentsOf: URL(fileURLWithPath: path)) {
                parts[name] = .file([UInt8](bytes))
            } else if try FileManager.default.contentsOfDirectory(atPath: path).isEmpty {
                parts[name] = .directory
            }
        }
    }

    /// Writes all parts below `directory`.
    func write(to directory: String) throws {
        for (name, part) in parts {
            let path = directory + "/" + name
            if let slash = name.lastIndex(of: "/") {
                makeDirectories(directory + "/" + name[..<slash])
            }
            switch part {
            case .file(let bytes): try Self.write(bytes, to: path)
            case .directory: makeDirectories(path)
            case .link(let target): symlink(target, path)
            }
        }
    }

    private func makeDirectories(_ path: String) {
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// Writes one file without ceremony: there are millions of them.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Complaint("cannot write \(path)") }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress! + written, bytes.count - written)
            }
            guard count > 0 else { throw Complaint("cannot write \(path)") }
            written += count
        }
    }
}

/// What a reader did that it must not do.
struct Complaint: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// What a reader made of an input.
enum Outcome {
    /// a value, which was used
    case value
    /// a typed error with this text
    case refusal(String)
}

/// One of the program's readers, with inputs that are nearly right.
protocol InputReader {
    /// Its name on the command line.
    static var name: String { get }
    /// A reader of inputs in `directory`, which is empty.
    init(directory: String) throws
    /// Small inputs that once were mistaken or might be, with a piece of the error's text; nil: they are read.
    var corpus: [CorpusEntry] { get }
    /// An input that differs from a good one.
    func mutant(_ random: inout Random) -> Input
    /// Reads what is in the directory, and uses it.
    /// - Throws: `Complaint`.
    func read(_ input: Input) throws -> Outcome
}

/// An input that is kept, and what has to come of it.
struct CorpusEntry {
    let name: String
    let input: Input
    /// A piece of the error's text; nil: the input is read.
    let error: String?

    init(_ name: String, _ files: [String: [UInt8]], error: String? = nil) {
        (self.name, input, self.error) = (name, Input(files), error)
    }

    init(_ name: String, _ input: Input, error: String? = nil) {
        (self.name, self.input, self.error) = (name, input, error)
    }
}

/// Calls `body`, whose errors have to be of one of these types and to name one of `files`.
func outcome(
    of files: [String], types: [any Error.Type], _ body: () throws -> Void
) throws -> Outcome {
    do {
        try body()
        return .value
    } catch let complaint as Complaint {
        throw complaint
    } catch {
        guard types.contains(where: { type(of: error) == $0 }) else {
            throw Complaint("an error of the type \(type(of: error)): \(error)")
        }
        let text = "\(error)"
        guard files.contains(where: text.contains) else { throw Complaint("an error that names no file: ‘\(text)’") }
        return .refusal(text)
    }
}

/// Throws a complaint unless `condition` holds.
func require(_ condition: @autoclosure () -> Bool, _ complaint: @autoclosure () -> String) throws {
    guard condition() else { throw Complaint(complaint()) }
}
