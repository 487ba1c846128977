import AllocationPeak
import Foundation

/// Gives a reader inputs, one after the other, and says where it has come to: it may die of any of them.
struct Child {
    let reader: any InputReader
    let directory: String
    let progress: Progress?

    /// A child whose reader reads inputs in `directory`, which is made.
    init(_ type: any InputReader.Type, directory: String, progress: Progress? = nil) throws {
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        reader = try type.init(directory: directory)
        self.directory = directory
        self.progress = progress
    }

    /// What an input of so many bytes may take: what any input may, and so much for each byte. A node of YAML with its place
    /// takes hundreds of bytes, and a text of few letters may have thousands of them through aliases.
    static func memoryBound(bytes: Int) -> Int { (8 << 20) + 1024 * bytes }

    /// No input that is as small as these may take as long.
    static let longestSeconds = 5.0

    /// Reads input `index`; what is wrong with the reader, if anything is.
    func read(_ input: Input, index: Int) -> (complaint: String?, outcome: Outcome?) {
        do {
            try clear()
            try input.write(to: directory)
            let bound = Self.memoryBound(bytes: input.byteCount)
            let start = Self.processSeconds()
            // A single allocation beyond this is refused: of a machine's last byte nobody would hear.
            allocation_peak_begin(1 << 28)
            let outcome = Result { try reader.read(input) }
            let peak = Int(allocation_peak_end())
            let seconds = Self.processSeconds() - start
            progress?.keepHighest(Int(seconds * 1e9), of: index, in: .slowest, at: .slowestIndex)
            progress?.keepHighest(1000 * peak / bound, of: index, in: .mostMemory, at: .mostMemoryIndex)
            let value = try outcome.get()
            if case .refusal(let text) = value { try require(!text.isEmpty, "an error without a text") }
            try require(
                peak <= bound, "\(peak) bytes of memory for \(input.byteCount) bytes of input; \(bound) are allowed")
            try require(seconds <= Self.longestSeconds, "\(seconds) s for \(input.byteCount) bytes of input")
            return (nil, value)
        } catch {
            return ("\(error)", nil)
        }
    }

    /// Removes what the input before has left where this one need not have it: other files are overwritten.
    private func clear() throws {
        for name in ["run", "tuned.json", "x.npy", "y.npy", "dataset"] {
            let path = directory + "/" + name
            var status = stat()
            if lstat(path, &status) == 0 { try FileManager.default.removeItem(atPath: path) }
        }
    }

    private static func processSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }

    /// The fresh inputs `indices` of the campaign `seed`.
    func readMutants(_ indices: Range<Int>, seed: UInt64) {
        for index in indices {
            progress?[.index] = index
            var random = Random(seed: seed, index: index)
            let (complaint, outcome) = read(reader.mutant(&random), index: index)
            note(complaint, outcome, index: index)
        }
        progress?[.index] = indices.upperBound
    }

    /// All inputs of the corpus from `first` on, each of which has to come to what it says.
    func readCorpus(from first: Int) {
        let corpus = reader.corpus
        for index in first..<max(first, corpus.count) {
            progress?[.index] = index
            let entry = corpus[index]
            var (complaint, outcome) = read(entry.input, index: index)
            switch (outcome, entry.error) {
            case (.value?, let error?): complaint = "it is read, but was expected to be refused: \(error)"
            case (.refusal(let text)?, nil): complaint = "it is refused: \(text)"
            case (.refusal(let text)?, let error?) where !text.contains(error):
                complaint = "another error than expected, ‘\(error)’: \(text)"
            default: break
            }
            note(complaint.map { "‘\(entry.name)’: \($0)" }, outcome, index: index)
        }
        progress?[.index] = corpus.count
    }

    private func note(_ complaint: String?, _ outcome: Outcome?, index: Int) {
        if let complaint {
            progress?[.complaints] += 1
            // A line each, at once: the process may die of the next input.
            FileHandle.standardOutput.write(Data("\(index) \(complaint.replacing("\n", with: " "))\n".utf8))
        } else if case .value? = outcome {
            progress?[.values] += 1
        } else {
            progress?[.refusals] += 1
        }
    }
}
