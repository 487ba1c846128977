import LoomData
import LoomRuns

/// A model in ONNX, as far as dense networks need it.
///
/// The messages and their fields' numbers: onnx/onnx.proto3 of the ONNX project.
package struct ONNXModel {
    /// The versions that files are written in: as old as the operators allow, so that many programs read them.
    package static let (representationVersion, operatorVersion): (Int64, Int64) = (8, 17)

    /// The type of a tensor's elements, by its number in the format.
    package enum ElementType: Int64, Sendable {
        case float32 = 1
        case int64 = 7
        case text = 8
        case bool = 9
        case float64 = 11
        /// One that networks of ours do not have.
        case other = 0
    }

    /// A constant.
    package struct Tensor {
        package enum Values {
            case float32([Float])
            case float64([Double])
            case int64([Int64])
            case texts([String])
        }
        package let name: String
        package let shape: [Int]
        package let values: Values
    }

    /// An operator of the graph.
    package struct Node {
        package enum Attribute: Equatable {
            case float(Float)
            case int(Int64)
        }
        package let operation: String
        package let inputs: [String]
        package let outputs: [String]
        package var attributes: [(name: String, value: Attribute)] = []
        /// The attribute that is a tensor: the value of a `Constant`.
        package var constant: Tensor?
    }

    /// An input or output of the graph, one row for each sample.
    package struct Value {
        package let name: String
        package let type: ElementType
        /// Numbers of a sample; nil: the value has one dimension.
        package let columns: Int?
    }

    package var nodes: [Node] = []
    package var constants: [Tensor] = []
    package var inputs: [Value] = []
    package var outputs: [Value] = []
    package var metadata: [(key: String, value: String)] = []
    /// Who made it.
    package var producer = (name: "gradloom", version: "")

    package init() {}

    /// The bytes of the file.
    package func encoded() -> [UInt8] {
        var model = ProtobufEncoder()
        model.signedVarint(1, Self.representationVersion)
        model.string(2, producer.name)
        model.string(3, producer.version)
        model.message(7) { graph in
            for node in nodes { graph.message(1) { node.encode(into: &$0) } }
            graph.string(2, "gradloom")
            for constant in constants { graph.message(5) { constant.encode(into: &$0) } }
            for input in inputs { graph.message(11) { input.encode(into: &$0) } }
            for output in outputs { graph.message(12) { output.encode(into: &$0) } }
        }
        model.message(8) { $0.signedVarint(2, Self.operatorVersion) }
        for (key, value) in metadata {
            model.message(14) {
                $0.string(1, key)
                $0.string(2, value)
            }
        }
        return model.bytes
    }
}

extension ONNXModel.Tensor.Values {
    /// The same numbers.
    init(_ values: Safetensors.Values) {
        switch values {
        case .float32(let numbers): self = .float32(numbers)
        case .float64(let numbers): self = .float64(numbers)
        }
    }
}

extension ONNXModel.Tensor {
    private var type: ONNXModel.ElementType {
        switch values {
        case .float32: .float32
        case .float64: .float64
        case .int64: .int64
        case .texts: .text
        }
    }

    fileprivate func encode(into tensor: inout ProtobufEncoder) {
        for dimension in shape { tensor.signedVarint(1, Int64(dimension)) }
        tensor.signedVarint(2, type.rawValue)
        if case .texts(let texts) = values {
            for text in texts { tensor.string(6, text) }
        }
        tensor.string(8, name)
        // Little-endian, as the format wants them.
        switch values {
        case .float32(let values): values.withUnsafeBytes { tensor.bytes(9, $0) }
        case .float64(let values): values.withUnsafeBytes { tensor.bytes(9, $0) }
        case .int64(let values): values.withUnsafeBytes { tensor.bytes(9, $0) }
        case .texts: break
        }
    }
}

extension ONNXModel.Node {
    fileprivate func encode(into node: inout ProtobufEncoder) {
        for input in inputs { node.string(1, input) }
        for output in outputs { node.string(2, output) }
        node.string(3, outputs.joined(separator: "+"))
        node.string(4, operation)
        for (name, value) in attributes {
            node.message(5) { attribute in
                attribute.string(1, name)
                switch value {
                case .float(let value):
                    attribute.float(2, value)
                    attribute.signedVarint(20, 1)
                case .int(let value):
                    attribute.signedVarint(3, value)
                    attribute.signedVarint(20, 2)
                }
            }
        }
    }
}

extension ONNXModel.Value {
    fileprivate func encode(into value: inout ProtobufEncoder) {
        value.string(1, name)
        value.message(2) { type in
            type.message(1) { tensor in
                tensor.signedVarint(1, self.type.rawValue)
                tensor.message(2) { shape in
                    shape.message(1) { $0.string(2, "samples") }
                    if let columns { shape.message(1) { $0.signedVarint(1, Int64(columns)) } }
                }
            }
        }
    }
}
