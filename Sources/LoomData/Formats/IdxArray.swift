import LoomKernels

extension NumberArray {
    /// Opens a file in the IDX format (Yann LeCun's, of MNIST): two zero bytes, a byte for the element type, one for the
    /// number of dimensions, an extent of four bytes for each, and the elements, all of them big-endian.
    ///
    /// - Throws: `DataError` for a file that is missing, of another format, truncated or longer than its header says.
    package init(idx path: String) throws(DataError) {
        let file = try InputFile(path: path)
        let (shape, element, offset) = try file.withBytes { bytes throws(DataError) in
            try Self.idxHeader(bytes, path: path)
        }
        self.init(file, offset: offset, shape: shape, element: element, isBigEndian: true)
    }

    private static func idxHeader(
        _ bytes: UnsafeRawBufferPointer, path: String
    ) throws(DataError) -> (shape: [Int], element: ElementType, offset: Int) {
        func refused(_ problem: String, _ remedy: String = "copy or download the file again") -> DataError {
            DataError(.badData, source: path, problem: problem, remedy: remedy)
        }
        guard bytes.count >= 4 else {
            throw refused("the file is truncated: \(bytes.count) bytes, an IDX file begins with 4")
        }
        guard bytes[0] == 0, bytes[1] == 0, let element = idxElement(bytes[2]), bytes[3] > 0 else {
            if let format = FileFormat.known(bytes) {
                throw refused("the file is \(format.what), expected an IDX file", format.remedy)
            }
            let magic = bytes.prefix(4).map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            throw refused(
                "the magic number is \(magic.joined(separator: " ")), expected 00 00, the element type (08 for bytes) "
                    + "and the number of dimensions", "name an IDX file, such as train-images-idx3-ubyte")
        }
        let dimensions = Int(bytes[3])
        let offset = 4 + 4 * dimensions
        guard bytes.count >= offset else {
            throw refused("the file is truncated: it ends inside its header of \(offset) bytes")
        }
        let shape = (0..<dimensions).map {
            Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4 + 4 * $0, as: UInt32.self)))
        }
        guard columnCount(shape) != nil, let expected = byteCount(shape, element) else {
            throw refused("the shape \(shape) is too large")
        }
        guard bytes.count - offset == expected else {
            let difference = bytes.count - offset < expected ? "the file is truncated" : "the file is too long"
            throw refused(
                "\(difference): shape \(shape) of \(element) needs \(expected) bytes of elements, "
                    + "\(bytes.count - offset) are there")
        }
        return (shape, element, offset)
    }

    private static func idxElement(_ code: UInt8) -> ElementType? {
        switch code {
        case 0x08: .uint8
        case 0x09: .int8
        case 0x0b: .int16
        case 0x0c: .int32
        case 0x0d: .float32
        case 0x0e: .float64
        default: nil
        }
    }
}

extension ArraySource {
    /// The IDX files at the paths `inputs` and `targets` (one dimension; nil to predict). Every number of the inputs is
    /// multiplied with `scale`.
    ///
    /// - Throws: `DataError`.
    package init(idxInputs inputs: String, targets: String?, scale: Double = 1) throws(DataError) {
        try self.init(
            inputs: NumberArray(idx: inputs),
            targets: targets.map { path throws(DataError) in try NumberArray(idx: path) }, scale: scale)
    }
}
