import LoomData

extension ONNXModel {
    /// Reads the bytes of a file.
    /// - Throws: `InterchangeError`: it is no ONNX file, or has weights outside of it.
    package init(decoding bytes: [UInt8]) throws(InterchangeError) {
        self.init()
        do {
            try Self.forEachField(bytes[...]) { number, value in
                if number == 7, case .bytes(let graph) = value { try decodeGraph(graph) }
            }
        } catch let error as InterchangeError {
            throw error
        } catch {
            throw InterchangeError("it is no ONNX file, or damaged")
        }
        guard !nodes.isEmpty, !outputs.isEmpty else {
            throw InterchangeError("it is no ONNX file, or has an empty graph")
        }
    }

    private mutating func decodeGraph(_ bytes: ArraySlice<UInt8>) throws {
        try Self.forEachField(bytes) { number, value in
            guard case .bytes(let part) = value else { return }
            switch number {
            case 1: nodes.append(try Node(decoding: part))
            case 5: constants.append(try Tensor(decoding: part))
            case 11: inputs.append(try Value(decoding: part))
            case 12: outputs.append(try Value(decoding: part))
            default: break
            }
        }
    }

    /// The fields of a message, one after the other.
    fileprivate static func forEachField(
        _ bytes: ArraySlice<UInt8>, _ body: (Int, ProtobufDecoder.Value) throws -> Void
    ) throws {
        var decoder = ProtobufDecoder(bytes)
        while let field = try decoder.next() { try body(field.number, field.value) }
    }
}

extension ProtobufDecoder.Value {
    /// A field of type string; empty where it is none.
    fileprivate var text: String {
        if case .bytes(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { "" }
    }

    /// A field of type int32 or int64, or a list of them, packed or not.
    fileprivate func integers() throws -> [Int64] {
        switch self {
        case .varint(let bits): return [Int64(bitPattern: bits)]
        case .bytes(let bytes):
            var (decoder, result) = (ProtobufDecoder(bytes), [Int64]())
            while !decoder.isAtEnd { result.append(Int64(bitPattern: try decoder.varint())) }
            return result
        case .fixed32, .fixed64: return []
        }
    }
}

extension ONNXModel.Node {
    fileprivate init(decoding bytes: ArraySlice<UInt8>) throws {
        var (operation, inputs, outputs) = ("", [String](), [String]())
        var (attributes, constant) = ([(name: String, value: Attribute)](), ONNXModel.Tensor?.none)
        try ONNXModel.forEachField(bytes) { number, value in
            switch number {
            case 1: inputs.append(value.text)
            case 2: outputs.append(value.text)
            case 4: operation = value.text
            case 5:
                guard case .bytes(let part) = value else { return }
                let attribute = try Self.attribute(part)
                if let value = attribute.value { attributes.append((attribute.name, value)) }
                constant = attribute.tensor ?? constant
            default: break
            }
        }
        self.init(operation: operation, inputs: inputs, outputs: outputs, attributes: attributes, constant: constant)
    }

    private static func attribute(
        _ bytes: ArraySlice<UInt8>
    ) throws -> (name: String, value: Attribute?, tensor: ONNXModel.Tensor?) {
        var (name, attribute, tensor) = ("", Attribute?.none, ONNXModel.Tensor?.none)
        try ONNXModel.forEachField(bytes) { number, value in
            switch (number, value) {
            case (1, _): name = value.text
            case (2, .fixed32(let bits)): attribute = .float(Float(bitPattern: bits))
            case (3, .varint(let bits)): attribute = .int(Int64(bitPattern: bits))
            case (5, .bytes(let part)): tensor = try ONNXModel.Tensor(decoding: part)
            default: break
            }
        }
        return (name, attribute, tensor)
    }

    /// An attribute of type int.
    package func integer(_ name: String, default value: Int64) -> Int64 {
        for attribute in attributes where attribute.name == name {
            if case .int(let integer) = attribute.value { return integer }
        }
        return value
    }

    /// An attribute of type float.
    package func float(_ name: String, default value: Float) -> Float {
        for attribute in attributes where attribute.name == name {
            if case .float(let float) = attribute.value { return float }
        }
        return value
    }
}

extension ONNXModel.Tensor {
    fileprivate init(decoding bytes: ArraySlice<UInt8>) throws {
        var (name, shape, type) = ("", [Int](), Int64(0))
        var (raw, listed, integers, texts): ([UInt8], [UInt8], [Int64], [String]) = ([], [], [], [])
        var isElsewhere = false
        try ONNXModel.forEachField(bytes) { number, value in
            switch (number, value) {
            case (1, _): shape += try value.integers().map { Int($0) }
            case (2, .varint(let bits)): type = Int64(bitPattern: bits)
            case (4, .bytes(let part)), (10, .bytes(let part)): listed += part
            case (4, .fixed32(let bits)): listed += withUnsafeBytes(of: bits.littleEndian) { Array($0) }
            case (10, .fixed64(let bits)): listed += withUnsafeBytes(of: bits.littleEndian) { Array($0) }
            case (5, _), (7, _): integers += try value.integers()
            case (6, _): texts.append(value.text)
            case (8, _): name = value.text
            case (9, .bytes(let part)): raw = Array(part)
            case (14, .varint(let place)): isElsewhere = place == 1
            default: break
            }
        }
        guard !isElsewhere else {
            throw InterchangeError(
                "the weights '\(name)' are in another file; save the model with its weights in one file")
        }
        let values: Values
        let numbers = raw.isEmpty ? listed : raw
        switch type {
        case 1: values = .float32(Self.elements(numbers))
        case 11: values = .float64(Self.elements(numbers))
        case 6: values = .int64(raw.isEmpty ? integers : Self.elements(raw).map { (number: Int32) in Int64(number) })
        case 7: values = .int64(raw.isEmpty ? integers : Self.elements(raw))
        case 8: values = .texts(texts)
        case 9: values = .int64(raw.isEmpty ? integers : raw.map { Int64($0) })
        default:
            throw InterchangeError(
                "the constant '\(name)' has elements of type \(type) of ONNX; float32, float64 and whole numbers are read"
            )
        }
        let (count, isTooLarge) = shape.reduce((1, false)) { product, dimension in
            let (count, overflow) = product.0.multipliedReportingOverflow(by: dimension)
            return (count, product.1 || overflow || dimension < 0)
        }
        guard !isTooLarge, count == values.count else {
            throw InterchangeError("the constant '\(name)' has \(values.count) numbers, but the shape \(shape)")
        }
        self.init(name: name, shape: shape, values: values)
    }

    private static func elements<Element: BitwiseCopyable>(_ bytes: [UInt8]) -> [Element] {
        bytes.withUnsafeBytes { raw in
            let size = MemoryLayout<Element>.size
            return (0..<raw.count / size).map { raw.loadUnaligned(fromByteOffset: $0 * size, as: Element.self) }
        }
    }

    /// The elements as numbers; nil: they are texts.
    package var numbers: [Double]? {
        switch values {
        case .float32(let values): values.map { Double($0) }
        case .float64(let values): values
        case .int64(let values): values.map { Double($0) }
        case .texts: nil
        }
    }
}

extension ONNXModel.Tensor.Values {
    /// The number of elements.
    fileprivate var count: Int {
        switch self {
        case .float32(let values): values.count
        case .float64(let values): values.count
        case .int64(let values): values.count
        case .texts(let values): values.count
        }
    }
}

extension ONNXModel.Value {
    /// Types and dimensions are those of its first tensor type; of two dimensions the second one counts, where it is a number.
    fileprivate init(decoding bytes: ArraySlice<UInt8>) throws {
        var (name, type, dimensions) = ("", Int64(1), [Int?]())
        try ONNXModel.forEachField(bytes) { number, value in
            if number == 1 { name = value.text }
            guard number == 2, case .bytes(let part) = value else { return }
            try ONNXModel.forEachField(part) { number, value in
                guard number == 1, case .bytes(let tensor) = value else { return }
                try ONNXModel.forEachField(tensor) { number, value in
                    if number == 1, case .varint(let bits) = value { type = Int64(bitPattern: bits) }
                    guard number == 2, case .bytes(let shape) = value else { return }
                    try ONNXModel.forEachField(shape) { number, value in
                        guard number == 1, case .bytes(let dimension) = value else { return }
                        var size: Int?
                        try ONNXModel.forEachField(dimension) { number, value in
                            if number == 1, case .varint(let bits) = value { size = Int(Int64(bitPattern: bits)) }
                        }
                        dimensions.append(size)
                    }
                }
            }
        }
        self.init(
            name: name, type: ONNXModel.ElementType(rawValue: type) ?? .other,
            columns: dimensions.count > 1 ? dimensions.last! : nil)
    }
}
