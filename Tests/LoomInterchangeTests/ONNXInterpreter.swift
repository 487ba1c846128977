import Foundation
import LoomData

/// Reads a model as the format's description says, and runs the operators that dense networks have, in float64.
struct ONNXInterpreter {
    struct Tensor: Equatable {
        var shape: [Int]
        var numbers: [Double] = []
        var texts: [String] = []
    }

    struct Node {
        var operation = ""
        var inputs: [String] = []
        var outputs: [String] = []
        var integers: [String: Int] = [:]
    }

    struct Failure: Error { let reason: String }

    private(set) var nodes: [Node] = []
    private(set) var constants: [String: Tensor] = [:]
    private(set) var inputs: [String] = []
    private(set) var outputs: [String] = []
    private(set) var metadata: [String: String] = [:]

    // MARK: Reading

    init(_ bytes: [UInt8]) throws {
        try Self.read(bytes[...]) { number, value in
            guard case .bytes(let part) = value else { return }
            if number == 7 { try readGraph(part) }
            if number == 14 {
                var pair = ["", ""]
                try Self.read(part) { number, value in pair[number - 1] = Self.text(value) }
                metadata[pair[0]] = pair[1]
            }
        }
    }

    private mutating func readGraph(_ bytes: ArraySlice<UInt8>) throws {
        try Self.read(bytes) { number, value in
            guard case .bytes(let part) = value else { return }
            switch number {
            case 1: nodes.append(try Self.node(part))
            case 5: try readConstant(part)
            case 11: inputs.append(try Self.name(part))
            case 12: outputs.append(try Self.name(part))
            default: break
            }
        }
    }

    private static func node(_ bytes: ArraySlice<UInt8>) throws -> Node {
        var node = Node()
        try read(bytes) { number, value in
            switch number {
            case 1: node.inputs.append(text(value))
            case 2: node.outputs.append(text(value))
            case 4: node.operation = text(value)
            case 5:
                guard case .bytes(let part) = value else { return }
                var (name, integer) = ("", 0)
                try read(part) { number, value in
                    if number == 1 { name = text(value) }
                    if number == 3, case .varint(let bits) = value { integer = Int(Int64(bitPattern: bits)) }
                }
                node.integers[name] = integer
            default: break
            }
        }
        return node
    }

    private mutating func readConstant(_ bytes: ArraySlice<UInt8>) throws {
        var (name, type, raw, tensor) = ("", 0, [UInt8](), Tensor(shape: []))
        try Self.read(bytes) { number, value in
            switch (number, value) {
            case (1, .varint(let count)): tensor.shape.append(Int(count))
            case (2, .varint(let number)): type = Int(number)
            case (6, _): tensor.texts.append(Self.text(value))
            case (8, _): name = Self.text(value)
            case (9, .bytes(let part)): raw = Array(part)
            default: break
            }
        }
        tensor.numbers = raw.withUnsafeBytes { raw in
            switch type {
            case 1: return (0..<raw.count / 4).map { Double(raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)) }
            case 7: return (0..<raw.count / 8).map { Double(raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
            default: return (0..<raw.count / 8).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
            }
        }
        let count = tensor.shape.reduce(1, *)
        guard count == max(tensor.numbers.count, tensor.texts.count) else { throw Failure(reason: "size of \(name)") }
        constants[name] = tensor
    }

    private static func read(
        _ bytes: ArraySlice<UInt8>, _ body: (Int, ProtobufDecoder.Value) throws -> Void
    ) throws {
        var decoder = ProtobufDecoder(bytes)
        while let field = try decoder.next() { try body(field.number, field.value) }
    }

    private static func name(_ bytes: ArraySlice<UInt8>) throws -> String {
        var result = ""
        try read(bytes) { number, value in if number == 1 { result = text(value) } }
        return result
    }

    private static func text(_ value: ProtobufDecoder.Value) -> String {
        if case .bytes(let bytes) = value { String(decoding: bytes, as: UTF8.self) } else { "" }
    }

    // MARK: Running

    /// The outputs for one input.
    func run(_ input: Tensor) throws -> [String: Tensor] {
        var values = constants
        values[inputs[0]] = input
        for node in nodes {
            let arguments = try node.inputs.map { name in
                guard let value = values[name] else { throw Failure(reason: "\(name) is read before it is there") }
                return value
            }
            values[node.outputs[0]] = try Self.apply(node, arguments)
        }
        return values.filter { outputs.contains($0.key) }
    }

    private static func apply(_ node: Node, _ x: [Tensor]) throws -> Tensor {
        switch node.operation {
        case "Identity": x[0]
        case "Cast":
            switch node.integers["to"] {
            case 1: each(x[0]) { Double(Float($0)) }
            case 7: each(x[0]) { $0.rounded(.towardZero) }
            default: x[0]
            }
        case "Sigmoid": each(x[0]) { 1 / (1 + exp(-$0)) }
        case "Relu": each(x[0]) { max($0, 0) }
        case "Atan": each(x[0], atan)
        case "Tanh": each(x[0], tanh)
        case "Exp": each(x[0], exp)
        case "Softplus": each(x[0]) { log1p(exp(-abs($0))) + max($0, 0) }
        case "IsNaN": each(x[0]) { $0.isNaN ? 1 : 0 }
        case "Add": broadcast(x[0], x[1], +)
        case "Sub": broadcast(x[0], x[1], -)
        case "Mul": broadcast(x[0], x[1], *)
        case "Div": broadcast(x[0], x[1], /)
        case "Equal": broadcast(x[0], x[1]) { $0 == $1 ? 1 : 0 }
        case "GreaterOrEqual": broadcast(x[0], x[1]) { $0 >= $1 ? 1 : 0 }
        case "Where": broadcast(broadcast(x[0], x[1]) { $0 == 1 ? $1 : .nan }, x[2]) { $0.isNaN ? $1 : $0 }
        case "MatMul":
            try gemm([x[0], transposed(x[1])], transposed: true)
        case "Concat": concatenated(x)
        case "Slice": columns(x[0], Int(x[1].numbers[0])..<Int(x[2].numbers[0]))
        case "Gemm": try gemm(x, transposed: node.integers["transB"] == 1)
        case "Reshape":
            Tensor(
                shape: [x[0].numbers.count / Int(x[1].numbers[1] * x[1].numbers[2])]
                    + x[1].numbers[1...].map { Int($0) },
                numbers: x[0].numbers)
        case "Softmax": softmax(x[0])
        case "ReduceSum":
            Tensor(shape: x[0].shape.dropLast(), numbers: rows(x[0]).map { $0.reduce(0, +) })
        case "ArgMax":
            Tensor(shape: [x[0].shape[0]], numbers: rows(x[0]).map { row in Double(row.firstIndex(of: row.max()!)!) })
        case "Squeeze": Tensor(shape: x[0].shape.dropLast(), numbers: x[0].numbers)
        case "Gather":
            Tensor(
                shape: x[1].shape, numbers: x[0].texts.isEmpty ? x[1].numbers.map { x[0].numbers[Int($0)] } : [],
                texts: x[0].texts.isEmpty ? [] : x[1].numbers.map { x[0].texts[Int($0)] })
        default: throw Failure(reason: "no operator \(node.operation)")
        }
    }

    private static func each(_ x: Tensor, _ function: (Double) -> Double) -> Tensor {
        Tensor(shape: x.shape, numbers: x.numbers.map(function))
    }

    /// The rows along the last dimension.
    private static func rows(_ x: Tensor) -> [[Double]] {
        let width = x.shape.last!
        return (0..<x.numbers.count / width).map { Array(x.numbers[$0 * width..<($0 + 1) * width]) }
    }

    /// The dimensions of both are as many, or those of one are added in front; one of two that differ is 1.
    private static func broadcast(_ a: Tensor, _ b: Tensor, _ function: (Double, Double) -> Double) -> Tensor {
        let rank = max(a.shape.count, b.shape.count)
        let (aShape, bShape) = (padded(a.shape, rank), padded(b.shape, rank))
        let shape = zip(aShape, bShape).map { max($0, $1) }
        let numbers = (0..<shape.reduce(1, *)).map { index in
            var (rest, aIndex, bIndex, aStep, bStep) = (index, 0, 0, 1, 1)
            for axis in shape.indices.reversed() {
                let place = rest % shape[axis]
                rest /= shape[axis]
                aIndex += aShape[axis] == 1 ? 0 : place * aStep
                bIndex += bShape[axis] == 1 ? 0 : place * bStep
                aStep *= aShape[axis]
                bStep *= bShape[axis]
            }
            return function(a.numbers[aIndex], b.numbers[bIndex])
        }
        return Tensor(shape: shape, numbers: numbers)
    }

    private static func padded(_ shape: [Int], _ rank: Int) -> [Int] {
        Array(repeating: 1, count: rank - shape.count) + shape
    }

    private static func concatenated(_ x: [Tensor]) -> Tensor {
        let parts = x.map(rows)
        return Tensor(
            shape: [x[0].shape[0], x.reduce(0) { $0 + $1.shape[1] }],
            numbers: parts[0].indices.flatMap { row in parts.flatMap { $0[row] } })
    }

    private static func columns(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        Tensor(shape: [x.shape[0], range.count], numbers: rows(x).flatMap { $0[range] })
    }

    private static func gemm(_ x: [Tensor], transposed: Bool) throws -> Tensor {
        guard transposed, x[0].shape[1] == x[1].shape[1] else { throw Failure(reason: "shapes of Gemm") }
        let weights = rows(x[1])
        let numbers = rows(x[0]).flatMap { row in
            weights.indices.map { unit in
                zip(row, weights[unit]).reduce(x.count > 2 ? x[2].numbers[unit] : 0) { $0 + $1.0 * $1.1 }
            }
        }
        return Tensor(shape: [x[0].shape[0], weights.count], numbers: numbers)
    }

    private static func transposed(_ x: Tensor) -> Tensor {
        let rows = rows(x)
        return Tensor(
            shape: [x.shape[1], x.shape[0]], numbers: rows[0].indices.flatMap { column in rows.map { $0[column] } })
    }

    private static func softmax(_ x: Tensor) -> Tensor {
        let numbers = rows(x).flatMap { row in
            let exponentials = row.map { exp($0 - row.max()!) }
            let sum = exponentials.reduce(0, +)
            return exponentials.map { $0 / sum }
        }
        return Tensor(shape: x.shape, numbers: numbers)
    }
}
