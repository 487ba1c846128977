import Foundation
import LoomData
import LoomModel
import LoomRuns

extension TrainedModel {
    /// The bytes of an ONNX file: see `ONNXModel.init(_:version:)`.
    /// - Throws: `InterchangeError` for more than a file holds.
    package func onnx(version: String) throws(InterchangeError) -> [UInt8] {
        let bytes = description.layers.reduce(0) {
            $0 + $1.preActivations * ($1.inputCount + 1) * MemoryLayout<Float>.stride
        }
        guard bytes < ONNXModel.mostBytes else {
            throw InterchangeError("the parameters take more than the 2 GB of an ONNX file; choose safetensors")
        }
        return ONNXModel(self, version: version).encoded()
    }
}

extension ONNXModel {
    /// Protocol buffers have no more; the rest of a file is small.
    fileprivate static let mostBytes = 2_000_000_000

    /// The graph of a trained network: input `input`, samples × columns of the data in float32; outputs `prediction`, samples ×
    /// outputs in float32, and `label` where one of several classes is predicted.
    ///
    /// What training made of the columns is part of the graph. A column of categories is the index of the category, in the
    /// order of `categories` in the metadata; a missing value is NaN. Everything is computed in the precision of the training,
    /// what comes before the first layer in float64.
    package init(_ model: TrainedModel, version: String) {
        self.init()
        producer.version = version
        let type: ElementType = model.isFloat64 ? .float64 : .float32
        let features = addFeatures(model, type)
        var values: [String: String] = [:]
        for (layer, parameters) in zip(model.description.layers, model.parameters) {
            values[layer.name] = addLayer(
                layer, parameters, values: values, features: features, model.description.inputs, type)
        }
        addOutputs(of: values[model.description.layers.last!.name]!, model.description, type)
        addMetadata(model)
    }

    // MARK: Parts

    /// Adds an operator and gives the name of its result.
    private mutating func add(
        _ operation: String, _ inputs: [String], _ name: String,
        _ attributes: [(name: String, value: Node.Attribute)] = []
    ) -> String {
        nodes.append(Node(operation: operation, inputs: inputs, outputs: [name], attributes: attributes))
        return name
    }

    /// Adds a constant and gives its name.
    private mutating func constant(_ name: String, _ shape: [Int], _ values: Tensor.Values) -> String {
        constants.append(Tensor(name: name, shape: shape, values: values))
        return name
    }

    private mutating func cast(_ value: String, to type: ElementType, _ name: String) -> String {
        add("Cast", [value], name, [("to", .int(type.rawValue))])
    }

    /// Columns `first` to `first + count` of a matrix.
    private mutating func columns(_ first: Int, _ count: Int, of matrix: String, _ name: String) -> String {
        let begin = constant("\(name).begin", [1], .int64([Int64(first)]))
        let end = constant("\(name).end", [1], .int64([Int64(first + count)]))
        let axis = constant("\(name).axis", [1], .int64([1]))
        return add("Slice", [matrix, begin, end, axis], name)
    }

    private mutating func sideBySide(_ matrices: [String], _ name: String) -> String {
        matrices.count == 1 ? matrices[0] : add("Concat", matrices, name, [("axis", .int(1))])
    }

    /// Adds numbers of a type and gives their name.
    private mutating func numbers(_ name: String, _ shape: [Int], _ values: [Double], _ type: ElementType) -> String {
        constant(name, shape, type == .float64 ? .float64(values) : .float32(values.map { Float($0) }))
    }

    // MARK: Inputs

    /// The features that training made of the columns of the data, in `type`.
    private mutating func addFeatures(_ model: TrainedModel, _ type: ElementType) -> String {
        let columns = model.columns.flatMap { $0.allSatisfy { $0.isPlain && $0.mean == nil } ? nil : $0 }
        inputs = [Value(name: "input", type: .float32, columns: columns?.count ?? model.description.inputs)]
        let isChanged = columns != nil || model.scale != 1 || model.standardization != nil
        guard isChanged || type == .float64 else { return "input" }
        var features = cast("input", to: .float64, "input.float64")
        if let columns { features = addPreparation(columns, of: features) }
        if model.scale != 1 {
            features = add("Mul", [features, constant("scale", [1], .float64([model.scale]))], "features.scaled")
        }
        if let standardization = model.standardization {
            let count = standardization.means.count
            let means = constant("standardization.mean", [count], .float64(standardization.means))
            let deviations = constant("standardization.deviation", [count], .float64(standardization.deviations))
            features = add(
                "Div", [add("Sub", [features, means], "features.centred"), deviations], "features.standardized")
        }
        return type == .float64 ? features : cast(features, to: type, "features.float32")
    }

    /// Categories one by one, missing numbers replaced and marked.
    private mutating func addPreparation(_ tableColumns: [CSVColumn], of table: String) -> String {
        var features: [String] = []
        for (index, column) in tableColumns.enumerated() {
            let name = "column\(index)"
            let value = columns(index, 1, of: table, name)
            let isMissing = column.mean != nil || column.marksMissing ? add("IsNaN", [value], "\(name).missing") : ""
            if let categories = column.categories {
                let indices = constant(
                    "\(name).categories", [1, categories.count], .float64(categories.indices.map { Double($0) }))
                let matches = add("Equal", [value, indices], "\(name).matches")
                features.append(cast(matches, to: .float64, "\(name).one_hot"))
            } else if let mean = column.mean {
                let filling = constant("\(name).mean", [1], .float64([mean]))
                features.append(add("Where", [isMissing, filling, value], "\(name).filled"))
            } else {
                features.append(value)
            }
            if column.marksMissing { features.append(cast(isMissing, to: .float64, "\(name).mark")) }
        }
        return sideBySide(features, "features")
    }

    // MARK: Layers

    private mutating func addLayer(
        _ layer: ModelDescription.Layer, _ parameters: TrainedModel.Parameters, values: [String: String],
        features: String,
        _ featureCount: Int, _ type: ElementType
    ) -> String {
        let sources = layer.inputs.enumerated().map { index, input in
            switch input {
            case .layer(let name): return values[name]!
            case .features(0, featureCount): return features
            case .features(let first, let count):
                return columns(first, count, of: features, "\(layer.name).input\(index)")
            }
        }
        let x = sideBySide(sources, "\(layer.name).inputs")
        let weights = constant(
            "\(layer.name).weight", [layer.preActivations, layer.inputCount], Tensor.Values(parameters.weights))
        let bias = parameters.bias.map {
            constant("\(layer.name).bias", [layer.preActivations], Tensor.Values($0))
        }
        let z = add("Gemm", [x, weights] + (bias.map { [$0] } ?? []), "\(layer.name).z", [("transB", .int(1))])
        return add(layer.activation, to: z, layer, type)
    }

    private mutating func add(
        _ activation: Activation, to z: String, _ layer: ModelDescription.Layer, _ type: ElementType
    ) -> String {
        let name = "\(layer.name).output"
        switch activation {
        case .identity: return z
        case .sigmoid: return add("Sigmoid", [z], name)
        case .relu: return add("Relu", [z], name)
        case .arctan: return float32Only("Atan", z, name, type)
        case .tanh: return add("Tanh", [z], name)
        case .exp: return add("Exp", [z], name)
        case .softplus: return float32Only("Softplus", z, name, type)
        case .threshold: return threshold(z, name, type)
        case .softmaxWeighted: return softmaxWeighted(z, layer, name)
        }
    }

    /// An operator that ONNX Runtime has in float32 alone.
    private mutating func float32Only(_ operation: String, _ z: String, _ name: String, _ type: ElementType) -> String {
        guard type == .float64 else { return add(operation, [z], name) }
        let rounded = cast(z, to: .float32, "\(name).argument")
        return cast(add(operation, [rounded], "\(name).float32"), to: .float64, name)
    }

    /// 1 where z ≥ 0, otherwise 0.
    private mutating func threshold(_ z: String, _ name: String, _ type: ElementType) -> String {
        let zero = numbers("\(name).zero", [1], [0], type)
        return cast(add("GreaterOrEqual", [z, zero], "\(name).yes"), to: type, name)
    }

    /// Σ softmax(a)·a over the components of each unit.
    private mutating func softmaxWeighted(_ z: String, _ layer: ModelDescription.Layer, _ name: String) -> String {
        let shape = constant(
            "\(name).shape", [3], .int64([-1, Int64(layer.units), Int64(layer.components)]))
        let components = add("Reshape", [z, shape], "\(name).components")
        let weights = add("Softmax", [components], "\(name).weights", [("axis", .int(2))])
        let axis = constant("\(name).axis", [1], .int64([2]))
        let products = add("Mul", [components, weights], "\(name).products")
        return add("ReduceSum", [products, axis], name, [("keepdims", .int(0))])
    }

    // MARK: Outputs

    private mutating func addOutputs(of logits: String, _ description: ModelDescription, _ type: ElementType) {
        let layer = description.layers.last!
        let name = type == .float32 ? "prediction" : "prediction.float64"
        switch description.output {
        case .softmax: _ = add("Softmax", [logits], name, [("axis", .int(1))])
        case .sigmoid: _ = add("Sigmoid", [logits], name)
        case .identity: _ = add("Identity", [logits], name)
        case .threshold: _ = threshold(logits, name, type)
        case .softmaxWeighted: _ = softmaxWeighted(logits, layer, name)
        }
        if type == .float64 { _ = cast(name, to: .float32, "prediction") }
        outputs = [Value(name: "prediction", type: .float32, columns: layer.units)]
        guard let classes = description.classes else { return }
        let index: String
        if description.output == .softmax {
            index = add("ArgMax", [name], "class", [("axis", .int(1)), ("keepdims", .int(0))])
        } else {
            let half = numbers("class.threshold", [1], [0.5], type)
            let axis = constant("class.axis", [1], .int64([1]))
            let decisions = add("GreaterOrEqual", [name, half], "class.decisions")
            index = cast(add("Squeeze", [decisions, axis], "class.decision"), to: .int64, "class")
        }
        let labels: String
        switch classes {
        case .numbers(let numbers):
            labels = constant("labels", [numbers.count], .int64(numbers.map { Int64($0) }))
            outputs.append(Value(name: "label", type: .int64, columns: nil))
        case .texts(let texts):
            labels = constant("labels", [texts.count], .texts(texts))
            outputs.append(Value(name: "label", type: .text, columns: nil))
        }
        _ = add("Gather", [labels, index], "label")
    }

    private mutating func addMetadata(_ model: TrainedModel) {
        metadata.append(("description", model.descriptionText))
        if let columns = model.columns.flatMap({ try? JSONLines.text($0) }) { metadata.append(("columns", columns)) }
    }
}
