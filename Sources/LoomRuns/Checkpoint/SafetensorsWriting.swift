import Foundation
import LoomKernels
import LoomModel

extension Safetensors {
    /// A tensor to be written whose numbers are handed over piece by piece, so that no copy of them is made.
    struct Part {
        let name: String
        let shape: [Int]
        /// "F32" or "F64".
        let typeName: String
        /// Hands over the bytes of all numbers, row by row.
        let forEachPiece: (_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

        init(
            name: String, shape: [Int], typeName: String,
            forEachPiece: @escaping (_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
        ) {
            self.name = name
            self.shape = shape
            self.typeName = typeName
            self.forEachPiece = forEachPiece
        }

        /// A tensor that is in memory as it is written.
        init(_ tensor: Tensor) {
            self.init(name: tensor.name, shape: tensor.shape, typeName: tensor.values.typeName) { body in
                try tensor.values.withBytes(body)
            }
        }

        /// SHA-256 of the bytes.
        var checksum: String {
            let sum = SHA256()
            try? forEachPiece { sum.add($0) }
            return sum.digits()
        }
    }

    /// The data begin at a multiple of this many bytes, so that a mapped file can feed vector kernels directly.
    ///
    /// The reference writer aligns to 8; every reader takes spaces at the header's end.
    static let dataAlignmentBytes = 64

    /// Writes the file, whole or not at all. Equal contents give equal bytes.
    ///
    /// The float64 tensors come first: so every element is aligned to its size. Within a type the order is `tensors`'.
    ///
    /// - Parameter withChecksums: Whether the metadata get the checksums of themselves and of every tensor, which
    ///   `init(contentsOf:)` checks.
    /// - Throws: `AtomicFile.WriteError`.
    public func write(to path: String, withChecksums: Bool = false) throws {
        try Self.write(tensors.map(Part.init), metadata: metadata, withChecksums: withChecksums, to: path)
    }

    /// As `write(to:withChecksums:)`, of parts with different names.
    static func write(
        _ parts: [Part], metadata: [String: String], withChecksums: Bool = false, to path: String
    ) throws {
        let ordered = inOrder(parts)
        var metadata = metadata
        if withChecksums {
            var checksums = Dictionary(uniqueKeysWithValues: ordered.map { ($0.name, $0.checksum) })
            checksums[Header.metadataKey] = Header.checksum(of: metadata)
            metadata[checksumsKey] = try JSONLines.text(checksums)
        }
        let header = try Header(describing: ordered, metadata: metadata).encoded()
        try AtomicFile.write(to: path) { try append(header, ordered, to: $0) }
    }

    /// Appends the file's bytes to an open one. Equal contents give equal bytes.
    package func append(to output: borrowing AtomicFile.Output) throws {
        let parts = Self.inOrder(tensors.map(Part.init))
        try Self.append(Header(describing: parts, metadata: metadata).encoded(), parts, to: output)
    }

    /// The larger elements first.
    private static func inOrder(_ parts: [Part]) -> [Part] {
        parts.filter { $0.typeName == "F64" } + parts.filter { $0.typeName == "F32" }
    }

    private static func append(_ header: [UInt8], _ parts: [Part], to output: borrowing AtomicFile.Output) throws {
        try output.append([UInt64(header.count).littleEndian])
        try output.append(header)
        for part in parts { try part.forEachPiece { try output.append($0) } }
    }
}

extension ParameterBuffer {
    /// The tensors in layout order, as a checkpoint has them, their names behind `prefix`; valid while this buffer lives.
    func parts(prefix: String) -> [Safetensors.Part] {
        layout.tensors.enumerated().map { index, tensor in
            Safetensors.Part(
                name: prefix + tensor.name, shape: tensor.shape,
                typeName: Scalar.precision == .float32 ? "F32" : "F64"
            ) { [self] body in
                try forEachPiece(of: index, body)
            }
        }
    }

    /// The rows of a tensor without their padding, many at a time: a system call for each would take longer.
    private func forEachPiece(of index: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var elements: [Scalar] = []
        for row in rows(index) {
            elements += row
            if elements.count >= 1 << 16 {
                try elements.withUnsafeBytes(body)
                elements.removeAll(keepingCapacity: true)
            }
        }
        if !elements.isEmpty { try elements.withUnsafeBytes(body) }
    }
}
