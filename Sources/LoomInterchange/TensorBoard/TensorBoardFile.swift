import Foundation
import LoomData
import LoomRuns

/// A file of TensorBoard's events, written while a training runs.
///
/// A file is a sequence of records: the length, its checksum, a message, its checksum. The checksums are CRC-32C, rotated and
/// shifted (TensorFlow's tensorflow/core/lib/io/record_writer.h and tensorflow/core/lib/hash/crc32c.h); the messages are
/// `Event` (tensorflow/core/util/event.proto).
package final class TensorBoardFile {
    /// What is known after a step.
    package struct Point {
        /// The steps done.
        package let step: Int
        /// Seconds since 1970.
        package let time: Double
        /// Numbers by their tags, for example `loss/training`.
        package var numbers: [(tag: String, value: Double)]
        /// Numbers of which only the distribution is kept, by their tags.
        package var histograms: [(tag: String, values: Histogram)]

        package init(
            step: Int, time: Double = Date().timeIntervalSince1970, numbers: [(tag: String, value: Double)] = [],
            histograms: [(tag: String, values: Histogram)] = []
        ) {
            (self.step, self.time, self.numbers, self.histograms) = (step, time, numbers, histograms)
        }
    }

    private let file: GrowingFile

    /// The name of the file in its directory: TensorBoard looks for `tfevents`.
    package static let name = "events.out.tfevents.gradloom"

    /// Opens the file in `directory`, and makes it where there is none. Of one that is there the points up to `step` are kept,
    /// and what follows, written before an interruption perhaps, is removed.
    /// - Throws: `AtomicFile.WriteError`.
    package init(in directory: String, keepingUpTo step: Int) throws {
        file = try GrowingFile(directory + "/" + Self.name) { TensorBoardRecords.prefix(of: $0, upTo: step) }
        guard file.isEmpty else { return }
        var event = ProtobufEncoder()
        event.double(1, Date().timeIntervalSince1970)
        event.string(3, TensorBoardRecords.version)
        try file.append(TensorBoardRecords.record(event.bytes))
    }

    /// Appends a point.
    /// - Throws: `AtomicFile.WriteError`.
    package func append(_ point: Point) throws {
        var event = ProtobufEncoder()
        event.double(1, point.time)
        event.signedVarint(2, Int64(point.step))
        event.message(5) { summary in
            for (tag, value) in point.numbers {
                summary.message(1) {
                    $0.string(1, tag)
                    $0.float(2, Float(value))
                }
            }
            for (tag, histogram) in point.histograms {
                summary.message(1) { value in
                    value.string(1, tag)
                    value.message(5) { histogram.encode(into: &$0) }
                }
            }
        }
        try file.append(TensorBoardRecords.record(event.bytes))
    }
}

/// The records of a file of events.
enum TensorBoardRecords {
    /// What the first record of a file has to say.
    static let version = "brain.Event:2"

    /// The bytes of a record.
    static func record(_ message: [UInt8]) -> [UInt8] {
        let length = withUnsafeBytes(of: UInt64(message.count).littleEndian) { Array($0) }
        return length + checksum(length) + message + checksum(message)
    }

    /// The bytes of the records from the file's beginning whose steps are at most `step`: none where it does not begin as one.
    static func prefix(of contents: Data, upTo step: Int) -> Int {
        var end = 0
        while let record = nextRecord(of: contents, at: end) {
            guard let event = EventHead(record.message), event.step <= step else { break }
            guard end > 0 || event.version == version else { break }
            end = record.end
        }
        return end
    }

    private static func nextRecord(of contents: Data, at start: Int) -> (message: [UInt8], end: Int)? {
        guard contents.count - start >= 16 else { return nil }
        let length = Array(contents[contents.startIndex + start..<contents.startIndex + start + 8])
        let count = length.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard count <= UInt64(contents.count - start - 16) else { return nil }
        func bytes(_ offset: Int, _ count: Int) -> [UInt8] {
            let first = contents.startIndex + start + offset
            return Array(contents[first..<first + count])
        }
        let message = bytes(12, Int(count))
        guard bytes(8, 4) == checksum(length), bytes(12 + Int(count), 4) == checksum(message) else { return nil }
        return (message, start + 16 + Int(count))
    }

    private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        let sum = bytes.withUnsafeBytes { Checksum.crc32C(of: $0) }
        let masked = (sum >> 15 | sum << 17) &+ 0xa282_ead8
        return withUnsafeBytes(of: masked.littleEndian) { Array($0) }
    }
}

/// The fields of an event that are not its numbers.
private struct EventHead {
    var step = 0
    var version: String?

    init?(_ message: [UInt8]) {
        var decoder = ProtobufDecoder(message[...])
        do {
            while let field = try decoder.next() {
                switch (field.number, field.value) {
                case (2, .varint(let step)): self.step = Int(Int64(bitPattern: step))
                case (3, .bytes(let text)): version = String(decoding: text, as: UTF8.self)
                default: break
                }
            }
        } catch {
            return nil
        }
    }
}
