import Foundation
import LoomRuns

/// A run's epochs as a CSV file, a line for each, written while it goes on.
package final class EpochTable {
    /// The name of the file in the run's directory.
    package static let name = "epochs.csv"
    private static let columns = [
        "epoch", "step", "loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate",
        "samples_per_second",
        "seconds",
    ]
    private let file: GrowingFile

    /// Opens the file in `directory`, and makes it where there is none. Lines of later steps than `step`, written before an
    /// interruption perhaps, are removed.
    /// - Throws: `AtomicFile.WriteError`.
    package init(in directory: String, keepingUpTo step: Int) throws {
        let head = Self.columns.joined(separator: ",") + "\n"
        file = try GrowingFile(directory + "/" + Self.name) { Self.prefix(of: $0, head: head, upTo: step) }
        if file.isEmpty { try file.append(Array(head.utf8)) }
    }

    /// Appends the line of an epoch; what the task does not have is empty.
    /// - Throws: `AtomicFile.WriteError`.
    package func append(_ epoch: EpochEvent, learningRate: Double) throws {
        let numbers: [Double?] = [
            epoch.loss, epoch.accuracy, epoch.validationLoss, epoch.validationAccuracy, learningRate,
            epoch.samplesPerSecond,
            epoch.seconds,
        ]
        let cells = ["\(epoch.epoch)", "\(epoch.step)"] + numbers.map { $0.map { "\($0)" } ?? "" }
        try file.append(Array((cells.joined(separator: ",") + "\n").utf8))
    }

    /// The bytes of the head and of the whole lines whose steps are at most `step`.
    private static func prefix(of contents: Data, head: String, upTo step: Int) -> Int {
        guard contents.starts(with: Array(head.utf8)) else { return 0 }
        var end = head.utf8.count
        while let newline = contents[(contents.startIndex + end)...].firstIndex(of: UInt8(ascii: "\n")) {
            let cells = contents[(contents.startIndex + end)..<newline].split(separator: UInt8(ascii: ","))
            guard cells.count > 1, let its = Int(String(decoding: cells[1], as: UTF8.self)), its <= step else { break }
            end = newline - contents.startIndex + 1
        }
        return end
    }
}
