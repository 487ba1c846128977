import Foundation
import LoomKernels
import LoomModel

extension Safetensors {
    /// The JSON header: a description of each tensor, and the metadata.
    struct Header {
        /// One tensor's entry, as the format spells it.
        struct Description: Codable {
            let dtype: String
            let shape: [Int]
            let offsets: [Int]

            enum CodingKeys: String, CodingKey {
                case dtype, shape
                case offsets = "data_offsets"
            }
        }

        /// A checked entry: where its bytes lie, counted from the start of the data.
        struct Entry {
            let name: String
            let description: Description
            let range: Range<Int>
        }

        static let metadataKey = "__metadata__"
        static let elementBytes = ["F32": 4, "F64": 8]
        /// The reference implementation's bound: a longer header is a damaged or hostile file.
        static let largestHeaderBytes = 100_000_000

        var descriptions: [String: Description]
        var metadata: [String: String]

        /// The header of `tensors` whose bytes follow one another in this order.
        init(describing tensors: [Part], metadata: [String: String]) {
            var offset = 0
            self.descriptions = [:]
            self.metadata = metadata
            for tensor in tensors {
                let end = offset + tensor.shape.reduce(1, *) * Self.elementBytes[tensor.typeName]!
                descriptions[tensor.name] = Description(
                    dtype: tensor.typeName, shape: tensor.shape, offsets: [offset, end])
                offset = end
            }
        }

        /// The JSON, padded with spaces so that the data after it are aligned.
        func encoded() throws -> [UInt8] {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            var bytes = [UInt8](try encoder.encode(self))
            let alignment = Safetensors.dataAlignmentBytes
            let excess = (8 + bytes.count) % alignment
            bytes += [UInt8](repeating: UInt8(ascii: " "), count: excess == 0 ? 0 : alignment - excess)
            return bytes
        }
    }
}

extension Safetensors.Header: Codable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        descriptions = [:]
        metadata = [:]
        for key in container.allKeys {
            if key.stringValue == Self.metadataKey {
                metadata = try container.decode([String: String].self, forKey: key)
            } else {
                descriptions[key.stringValue] = try container.decode(Description.self, forKey: key)
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        if !metadata.isEmpty {
            try container.encode(metadata, forKey: Key(stringValue: Self.metadataKey))
        }
        for (name, description) in descriptions {
            try container.encode(description, forKey: Key(stringValue: name))
        }
    }
}

// MARK: - Reading and checking

extension Safetensors.Header {
    /// The header of the file whose bytes are `data`, and where the tensors' bytes begin.
    static func read(from data: Data, path: String) throws(SafetensorsError) -> (Self, dataStart: Int) {
        func failure(_ problem: SafetensorsError.Problem, tensor: String? = nil) -> SafetensorsError {
            SafetensorsError(path: path, tensor: tensor, problem: problem)
        }
        guard data.count >= 8 else {
            throw failure(.truncated(found: data.count, expected: 8))
        }
        let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(largestHeaderBytes) else {
            throw failure(
                .header("its length is given as \(length) bytes; at most \(largestHeaderBytes) are allowed"))
        }
        let dataStart = 8 + Int(length)
        guard data.count >= dataStart else {
            throw failure(.truncated(found: data.count, expected: dataStart))
        }
        guard length > 0, data[8] == UInt8(ascii: "{") else {
            throw failure(.header("it does not begin with ‘{’"))
        }
        do {
            return (try JSONDecoder().decode(Self.self, from: data[8..<dataStart]), dataStart)
        } catch let DecodingError.keyNotFound(key, context) {
            throw failure(
                .header("‘\(key.stringValue)’ is missing"), tensor: context.codingPath.first?.stringValue)
        } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context) {
            let place = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
            throw failure(
                .header("‘\(place.joined(separator: "."))’ has the wrong type"), tensor: place.first)
        } catch {
            throw failure(.header("it is not valid JSON, or has an integer of more than 64 bits"))
        }
    }

    /// The checksum of every tensor; nil where whoever wrote the file made none. The metadata's own, which
    /// early files lack, is checked here.
    func validatedChecksums(path: String) throws(SafetensorsError) -> [String: String]? {
        guard let text = metadata[Safetensors.checksumsKey] else { return nil }
        guard let checksums = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8)) else {
            throw SafetensorsError(path: path, tensor: nil, problem: .metadata(key: Safetensors.checksumsKey))
        }
        if let checksum = checksums[Self.metadataKey], checksum != Self.checksum(of: metadata) {
            throw SafetensorsError(path: path, tensor: nil, problem: .metadataChecksum)
        }
        return checksums
    }

    /// SHA-256 of the entries but for the checksums: of each, by name, `NAME`, the number of the value's bytes and the value,
    /// a line break behind each.
    static func checksum(of metadata: [String: String]) -> String {
        let entries = metadata.filter { $0.key != Safetensors.checksumsKey }.sorted { $0.key < $1.key }
        return SHA256.digits(of: entries.flatMap { key, value in "\(key)\n\(value.utf8.count)\n\(value)\n".utf8 })
    }

    /// The entries in the order of their bytes, which must fill the `dataBytes` bytes of data exactly.
    func validatedTensors(dataBytes: Int, path: String) throws(SafetensorsError) -> [Entry] {
        var entries: [Entry] = []
        for (name, description) in descriptions.sorted(by: { $0.key < $1.key }) {
            let range = try Self.validatedRange(name: name, description: description, path: path)
            entries.append(Entry(name: name, description: description, range: range))
        }
        // Empty tensors share their offset with the next one: ties by the end, then by name, give one fixed order.
        entries.sort {
            ($0.range.lowerBound, $0.range.upperBound, $0.name)
                < ($1.range.lowerBound, $1.range.upperBound, $1.name)
        }
        var end = 0
        for entry in entries {
            if entry.range.lowerBound < end {
                throw SafetensorsError(
                    path: path, tensor: entry.name, problem: .overlap(byte: entry.range.lowerBound))
            }
            if entry.range.lowerBound > end {
                throw SafetensorsError(
                    path: path, tensor: entry.name, problem: .hole(bytes: end..<entry.range.lowerBound))
            }
            end = entry.range.upperBound
            if end > dataBytes {
                throw SafetensorsError(
                    path: path, tensor: entry.name, problem: .dataTruncated(found: dataBytes, expected: end))
            }
        }
        if end < dataBytes {
            throw SafetensorsError(path: path, tensor: nil, problem: .hole(bytes: end..<dataBytes))
        }
        return entries
    }

    private static func validatedRange(
        name: String, description: Description, path: String
    ) throws(SafetensorsError) -> Range<Int> {
        func failure(_ problem: SafetensorsError.Problem) -> SafetensorsError {
            SafetensorsError(path: path, tensor: name, problem: problem)
        }
        guard let elementBytes = elementBytes[description.dtype] else {
            throw failure(.elementType(description.dtype))
        }
        var expectedBytes = elementBytes
        for dimension in description.shape {
            let (product, overflow) = expectedBytes.multipliedReportingOverflow(by: dimension)
            guard dimension >= 0, !overflow else { throw failure(.shape(description.shape)) }
            expectedBytes = product
        }
        let offsets = description.offsets
        guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1] else {
            throw failure(.offsets(offsets))
        }
        guard offsets[1] - offsets[0] == expectedBytes else {
            throw failure(
                .size(shape: description.shape, expected: expectedBytes, found: offsets[1] - offsets[0]))
        }
        return offsets[0]..<offsets[1]
    }
}
