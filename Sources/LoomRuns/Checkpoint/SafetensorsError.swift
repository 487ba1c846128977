/// Why a safetensors file, or a tensor in it, cannot be used.
public struct SafetensorsError: Error, CustomStringConvertible, Equatable {
    /// What is wrong. Byte positions count from the start of the tensors' data.
    public enum Problem: Sendable, Equatable {
        /// The file cannot be read; the system's reason.
        case unreadable(String)
        /// The file ends inside its header; sizes in bytes.
        case truncated(found: Int, expected: Int)
        /// The header breaks the format; what is wrong with it.
        case header(String)
        /// An element type other than F32 and F64.
        case elementType(String)
        /// A negative dimension, or a product too large for memory.
        case shape([Int])
        /// Offsets that are not [begin, end] with 0 ≤ begin ≤ end.
        case offsets([Int])
        /// The offsets span another number of bytes than the shape needs.
        case size(shape: [Int], expected: Int, found: Int)
        /// The tensor begins before the one before it ends.
        case overlap(byte: Int)
        /// Bytes that belong to no tensor.
        case hole(bytes: Range<Int>)
        /// The data end inside the tensor; sizes in bytes.
        case dataTruncated(found: Int, expected: Int)
        /// The numbers are not those that were written: their checksum differs.
        case checksum
        /// The metadata are not those that were written: their checksum differs.
        case metadataChecksum
        /// An entry of the metadata is damaged.
        case metadata(key: String)
        /// There is no tensor of that name.
        case missing(present: [String])
        /// The tensor has another shape than the network needs.
        case otherShape(found: [Int], expected: [Int])
    }

    /// The file; nil for tensors made in memory.
    public let path: String?
    /// The tensor, where the problem belongs to one.
    public let tensor: String?
    /// What is wrong.
    public let problem: Problem

    /// The process exit code, as BSD's sysexits.h numbers them: 66 (EX_NOINPUT) for a file that cannot be read, else 65.
    public var exitCode: Int32 {
        if case .unreadable = problem { 66 } else { 65 }
    }

    /// The sentence for the user.
    public var description: String {
        let place = [path.map { "‘\($0)’" }, tensor.map { "tensor ‘\($0)’" }].compactMap { $0 }
        return (place + [sentence]).joined(separator: ": ")
    }

    private var sentence: String {
        switch problem {
        case .unreadable(let reason):
            return "cannot be read: \(reason)"
        case .truncated(let found, let expected):
            return
                "not a complete safetensors file: it has \(found) bytes, its header alone needs \(expected)"
        case .header(let what):
            return "not a valid safetensors header: \(what)"
        case .elementType(let name):
            return "element type \(name) is not supported; expected F32 or F64"
        case .shape(let shape):
            return "shape \(shape) is not valid"
        case .offsets(let offsets):
            return "data_offsets \(offsets) are not valid; expected [begin, end] with 0 ≤ begin ≤ end"
        case .size(let shape, let expected, let found):
            return "shape \(shape) needs \(expected) bytes, but data_offsets span \(found)"
        case .overlap(let byte):
            return "its data begin at byte \(byte), inside the tensor before it"
        case .hole(let bytes):
            return "bytes \(bytes.lowerBound) to \(bytes.upperBound - 1) of the data belong to no tensor"
        case .dataTruncated(let found, let expected):
            return
                "the file is truncated: the tensor ends at byte \(expected) of the data, of which there are \(found)"
        case .checksum:
            return "damaged: its numbers are not those that were written"
        case .metadataChecksum:
            return "damaged: its metadata are not those that were written"
        case .metadata(let key):
            return "damaged: the entry '\(key)' of its metadata is not what a checkpoint has there"
        case .missing(let present):
            let names = present.prefix(8).map { "‘\($0)’" }.joined(separator: ", ")
            let more = present.count > 8 ? " and \(present.count - 8) more" : ""
            return "there is no such tensor; the file has \(present.isEmpty ? "none" : names + more)"
        case .otherShape(let found, let expected):
            return "its shape is \(found); expected \(expected)"
        }
    }
}
