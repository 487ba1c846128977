import Foundation
import LoomKernels
import LoomModel

/// Named tensors of 32- or 64-bit floating-point numbers, and strings about them, in a safetensors file.
///
/// The file is an 8-byte little-endian header length, a JSON header
/// `{"name": {"dtype": …, "shape": […], "data_offsets": [begin, end]}, …, "__metadata__": {…}}` and the tensors' bytes,
/// little-endian and row-major, without holes (format: the safetensors project's README, section "Format").
public struct Safetensors: Sendable, Equatable {
    /// A tensor's numbers, in row-major order.
    public enum Values: Sendable, Equatable {
        /// Stored as F32.
        case float32([Float])
        /// Stored as F64.
        case float64([Double])

        /// The number of elements.
        public var count: Int {
            switch self {
            case .float32(let values): values.count
            case .float64(let values): values.count
            }
        }

        /// The format's name of the element type.
        public var typeName: String {
            switch self {
            case .float32: "F32"
            case .float64: "F64"
            }
        }

        /// The bytes of all numbers in memory order.
        func withBytes(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
            switch self {
            case .float32(let values): try values.withUnsafeBytes(body)
            case .float64(let values): try values.withUnsafeBytes(body)
            }
        }

        /// The numbers as `Scalar`, converted where that is not the stored type.
        public func converted<Scalar: BinaryFloatingPoint>(to _: Scalar.Type) -> [Scalar] {
            switch self {
            case .float32(let values): values as? [Scalar] ?? values.map { Scalar($0) }
            case .float64(let values): values as? [Scalar] ?? values.map { Scalar($0) }
            }
        }
    }

    /// The entry of the metadata that has the SHA-256 of every tensor's bytes, and under `__metadata__` that of the other
    /// entries: `{"NAME": "DIGITS", …}`.
    static let checksumsKey = "checksums"

    /// One named tensor.
    public struct Tensor: Sendable, Equatable {
        /// The name, unique in the file.
        public let name: String
        /// The dimensions, slowest first: [rows, columns] for a matrix, [] for a single number.
        public let shape: [Int]
        /// The numbers, as many as the product of the dimensions.
        public let values: Values

        /// A tensor; the number of values must be the product of the dimensions.
        public init(name: String, shape: [Int], values: Values) {
            precondition(shape.allSatisfy { $0 >= 0 }, "dimensions are not negative")
            precondition(shape.reduce(1, *) == values.count, "‘\(name)’: shape and values differ in size")
            self.name = name
            self.shape = shape
            self.values = values
        }
    }

    /// The tensors, in the order of their bytes when read from a file.
    public let tensors: [Tensor]
    /// The header's `__metadata__`.
    public let metadata: [String: String]
    /// The file that the tensors were read from; nil for tensors made in memory. It serves error messages only.
    public let path: String?

    /// Tensors to be written; their names must differ and not be `__metadata__`.
    public init(tensors: [Tensor], metadata: [String: String] = [:]) {
        precondition(Set(tensors.map(\.name)).count == tensors.count, "tensor names are unique")
        precondition(!tensors.contains { $0.name == Header.metadataKey }, "‘__metadata__’ names the metadata")
        self.init(tensors: tensors, metadata: metadata, path: nil)
    }

    private init(tensors: [Tensor], metadata: [String: String], path: String?) {
        self.tensors = tensors
        self.metadata = metadata
        self.path = path
    }

    /// The same tensors and metadata, whichever file they came from.
    public static func == (left: Safetensors, right: Safetensors) -> Bool {
        left.tensors == right.tensors && left.metadata == right.metadata
    }

    /// The tensor called `name`.
    ///
    /// - Throws: `SafetensorsError` when there is none, or when its shape is not `shape` (nil: any shape will do).
    public func tensor(_ name: String, shape: [Int]? = nil) throws(SafetensorsError) -> Tensor {
        guard let tensor = tensors.first(where: { $0.name == name }) else {
            throw SafetensorsError(path: path, tensor: name, problem: .missing(present: tensors.map(\.name)))
        }
        if let shape, shape != tensor.shape {
            throw SafetensorsError(
                path: path, tensor: name, problem: .otherShape(found: tensor.shape, expected: shape))
        }
        return tensor
    }
}

// MARK: - Reading

extension Safetensors {
    /// Reads and checks the file at `path`.
    ///
    /// - Throws: `SafetensorsError`, naming the file and where possible the tensor: unreadable or truncated file, a
    ///   header that is not what the format asks for, element types other than F32 and F64, sizes that contradict
    ///   shapes, overlapping tensors, bytes that belong to no tensor.
    public init(contentsOf path: String) throws(SafetensorsError) {
        let data: Data
        do {
            // Mapped where possible: the tensors are copied out of it once, and large files are never held twice.
            data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        } catch {
            throw SafetensorsError(path: path, tensor: nil, problem: .unreadable(Self.readableReason(error)))
        }
        let (header, dataStart) = try Header.read(from: data, path: path)
        let tensors = try header.validatedTensors(dataBytes: data.count - dataStart, path: path)
        let checksums = try header.validatedChecksums(path: path)
        self.init(
            tensors: try tensors.map { entry throws(SafetensorsError) in
                let bytes = data[dataStart + entry.range.lowerBound..<dataStart + entry.range.upperBound]
                let values: Values =
                    entry.description.dtype == "F32"
                    ? .float32(Self.elements(of: bytes)) : .float64(Self.elements(of: bytes))
                if let checksums {
                    let sum = SHA256()
                    bytes.withUnsafeBytes { sum.add($0) }
                    guard checksums[entry.name] == sum.digits() else {
                        throw SafetensorsError(path: path, tensor: entry.name, problem: .checksum)
                    }
                }
                return Tensor(name: entry.name, shape: entry.description.shape, values: values)
            },
            metadata: header.metadata.filter { $0.key != Self.checksumsKey }, path: path)
    }

    private static func elements<Element: BitwiseCopyable & Numeric>(of bytes: Data) -> [Element] {
        [Element](unsafeUninitializedCapacity: bytes.count / MemoryLayout<Element>.size) { buffer, count in
            count = bytes.copyBytes(to: buffer) / MemoryLayout<Element>.size
        }
    }

    /// The system's reason where there is one; Foundation's own sentence repeats the path.
    private static func readableReason(_ error: any Error) -> String {
        guard let code = ((error as? CocoaError)?.underlying as? POSIXError)?.code else {
            return error.localizedDescription
        }
        return AtomicFile.systemMessage(code.rawValue)
    }
}
