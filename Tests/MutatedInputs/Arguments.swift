/// What the program was asked to do.
struct Arguments {
    var readers: [any InputReader.Type] = []
    var seed: UInt64 = 1
    var from = 0
    var count = 1000
    var jobs = 1
    var number = 0
    var only: Int?
    var isCorpus = false
    /// The directory that a child shares with its parent.
    var child: String?
    /// A directory with an input.
    var input: String?
    /// Where the input is written, instead of being read.
    var write: String?

    static var allReaders: [any InputReader.Type] {
        [
            ConfigurationReader.self, CSVReader.self, NpyReader.self, SafetensorsReader.self, RunReader.self,
            ProfileReader.self, GzipReader.self, NpzReader.self, IdxReader.self, LibSVMReader.self, DatasetReader.self,
        ]
    }

    static let usage = """
        mutated-inputs [READER…] [--seed N] [--count N] [--jobs N] [--corpus]
            Gives each reader COUNT inputs made from SEED, and those that are kept, in processes of their own.
        mutated-inputs READER --seed N --only INDEX [--write DIRECTORY]
        mutated-inputs READER --corpus --only INDEX [--write DIRECTORY]
        mutated-inputs READER --input DIRECTORY
            One input, in this process, or written to a directory.
        """

    init(_ list: [String]) throws {
        var rest = list[...]
        func number<Value: FixedWidthInteger>(_ name: String, _: Value.Type) throws -> Value {
            guard let text = rest.popFirst(), let value = Value(text) else { throw Complaint("\(name) needs a number") }
            return value
        }
        func text(_ name: String) throws -> String {
            guard let text = rest.popFirst() else { throw Complaint("\(name) needs a directory") }
            return text
        }
        while let argument = rest.popFirst() {
            switch argument {
            case "--seed": seed = try number(argument, UInt64.self)
            case "--from": from = try number(argument, Int.self)
            case "--count": count = try number(argument, Int.self)
            case "--jobs": jobs = try number(argument, Int.self)
            case "--number": self.number = try number(argument, Int.self)
            case "--only": only = try number(argument, Int.self)
            case "--corpus": isCorpus = true
            case "--child": child = try text(argument)
            case "--input": input = try text(argument)
            case "--write": write = try text(argument)
            default:
                guard let reader = Self.allReaders.first(where: { $0.name == argument }) else {
                    throw Complaint("no reader is called \(argument)\n\(Self.usage)")
                }
                readers.append(reader)
            }
        }
        if readers.isEmpty { readers = Self.allReaders }
    }
}
