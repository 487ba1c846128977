import LoomModel

/// A dense network found in the graph of an ONNX model.
///
/// What is computed from the input element by element before the first product becomes part of its weights. Layers may read
/// several others, side by side or added up.
package struct DenseGraph {
    /// Outputs of a layer, or columns of the input with what was done to them: scale · x + shift.
    private enum Part {
        case features(first: Int, scales: [Double], shifts: [Double])
        case layer(Int)
    }

    /// A layer while it is put together.
    private struct Layer {
        var name: String
        /// The sources of its columns, in their order.
        var parts: [Part]
        /// One row for each unit.
        var weights: [[Double]]
        var bias: [Double]?
        var activation = Activation.identity
        /// Whether something was computed from its pre-activations other than by a following bias, sum or activation.
        var isComplete = false
        /// Whether its product was added to that of another layer, which has its weights now.
        var isMerged = false
    }

    private var layers: [Layer] = []
    private var constants: [String: ONNXModel.Tensor] = [:]
    private var values: [String: [Part]] = [:]
    /// How many nodes read a value.
    private var readers: [String: Int] = [:]
    private var inputCount = 0
    private var output = OutputMap.identity
    /// More features than any table has: a damaged file may ask for more memory than there is.
    private static let mostInputs = 1 << 24

    /// The network that computes `prediction` of `model`; nil: its first output of floating-point numbers.
    /// - Throws: `InterchangeError` that names the node which has no counterpart.
    package init(_ model: ONNXModel, prediction: String? = nil) throws(InterchangeError) {
        constants = Dictionary(model.constants.map { ($0.name, $0) }) { $1 }
        let inputs = model.inputs.filter { constants[$0.name] == nil }
        guard let input = inputs.first, inputs.count == 1 else {
            throw InterchangeError(
                "the graph has the inputs \(inputs.map(\.name)); a dense network has one, samples × features")
        }
        let floats = model.outputs.filter { $0.type == .float32 || $0.type == .float64 }
        guard let output = prediction ?? floats.first?.name else {
            throw InterchangeError("no output of the graph has floating-point numbers; name one with --prediction")
        }
        let nodes = Self.ancestors(of: output, in: model.nodes)
        for name in nodes.flatMap(\.inputs) { readers[name, default: 0] += 1 }
        inputCount = try Self.inputCount(of: input, nodes: nodes, constants: constants)
        guard inputCount <= Self.mostInputs else {
            throw InterchangeError(
                "the input '\(input.name)' has \(inputCount) columns; up to \(Self.mostInputs) are read")
        }
        values[input.name] = [
            .features(
                first: 0, scales: Array(repeating: 1, count: inputCount), shifts: Array(repeating: 0, count: inputCount)
            )
        ]
        for node in nodes { try apply(node) }
        guard case .layer(let last)? = values[output]?.first, values[output]!.count == 1, last == layers.count - 1
        else {
            throw InterchangeError(
                "the output '\(output)' is not computed by a last layer; the graph computes: "
                    + "\(model.outputs.map(\.name)), choose one with --prediction")
        }
        if layers[last].activation == .sigmoid { (layers[last].activation, self.output) = (.identity, .sigmoid) }
        guard layers[last].activation == .identity else {
            throw InterchangeError(
                "the last layer has the activation \(layers[last].activation.rawValue), which is no output map; they are "
                    + "\(OutputMap.allCases.map(\.rawValue).joined(separator: ", "))")
        }
    }

    /// The nodes that the value is computed from, in the order of the graph.
    private static func ancestors(of value: String, in nodes: [ONNXModel.Node]) -> [ONNXModel.Node] {
        var needed: Set = [value]
        var result: [ONNXModel.Node] = []
        for node in nodes.reversed() where !needed.isDisjoint(with: node.outputs) {
            needed.formUnion(node.inputs)
            result.append(node)
        }
        return result.reversed()
    }

    /// The columns of the input: its own dimension, or what the first product with weights needs.
    private static func inputCount(
        of input: ONNXModel.Value, nodes: [ONNXModel.Node], constants: [String: ONNXModel.Tensor]
    ) throws(InterchangeError) -> Int {
        if let columns = input.columns, columns > 0 { return columns }
        for node in nodes where node.operation == "Gemm" || node.operation == "MatMul" {
            guard node.inputs.count > 1, let weights = constants[node.inputs[1]], weights.shape.count == 2 else {
                continue
            }
            return node.operation == "Gemm" && node.integer("transB", default: 0) == 1
                ? weights.shape[1] : weights.shape[0]
        }
        throw InterchangeError("the input '\(input.name)' does not say how many features a sample has")
    }

    // MARK: Nodes

    private mutating func apply(_ node: ONNXModel.Node) throws(InterchangeError) {
        let result = node.outputs.first ?? ""
        let changesNothing = ["Constant", "Identity", "Dropout", "Cast", "Flatten", "Reshape"].contains(node.operation)
        guard changesNothing || output == .identity else { throw unknown(node, "follows a softmax") }
        switch node.operation {
        case "Constant":
            guard let constant = node.constant else { throw unknown(node, "is not a tensor") }
            constants[result] = .init(name: result, shape: constant.shape, values: constant.values)
        case "Identity", "Dropout", "Cast": values[result] = try value(node, 0)
        case "Flatten":
            guard node.integer("axis", default: 1) == 1 else { throw unknown(node, "has another axis than 1") }
            values[result] = try value(node, 0)
        case "Reshape": values[result] = try reshaped(node)
        case "Concat":
            guard [1, -1].contains(node.integer("axis", default: 0)) else {
                throw unknown(node, "has another axis than 1")
            }
            var parts: [Part] = []
            for index in node.inputs.indices { parts += try complete(value(node, index)) }
            values[result] = parts
        case "Slice": values[result] = try sliced(node)
        case "Gemm", "MatMul": try addProduct(node, result)
        case "Add", "Sub", "Mul", "Div": try applyArithmetic(node, result)
        case "Softmax":
            guard [1, -1].contains(node.integer("axis", default: -1)) else {
                throw unknown(node, "has another axis than 1")
            }
            values[result] = [.layer(try freshLayer(node, 0))]
            output = .softmax
        default:
            guard let activation = Self.activations[node.operation] else {
                throw unknown(node, "has no counterpart here")
            }
            let index = try freshLayer(node, 0)
            layers[index].activation = activation
            layers[index].isComplete = true
            values[result] = [.layer(index)]
        }
    }

    private static let activations: [String: Activation] = [
        "Relu": .relu, "Sigmoid": .sigmoid, "Tanh": .tanh, "Atan": .arctan, "Exp": .exp, "Softplus": .softplus,
    ]

    private func unknown(_ node: ONNXModel.Node, _ what: String) -> InterchangeError {
        InterchangeError(
            "the operator \(node.operation), which makes '\(node.outputs.first ?? "")', \(what); dense layers with the activations "
                + "\(Self.activations.keys.sorted().joined(separator: ", ")) are read")
    }

    private func value(_ node: ONNXModel.Node, _ index: Int) throws(InterchangeError) -> [Part] {
        guard node.inputs.indices.contains(index), let value = values[node.inputs[index]] else {
            throw unknown(node, "reads something that is not computed from the input")
        }
        return value
    }

    private func numbers(_ node: ONNXModel.Node, _ index: Int) -> (shape: [Int], values: [Double])? {
        guard node.inputs.indices.contains(index), let constant = constants[node.inputs[index]] else { return nil }
        return constant.numbers.map { (constant.shape, $0) }
    }

    /// A value that is one layer whose pre-activations nobody else reads.
    private func freshLayer(_ node: ONNXModel.Node, _ index: Int) throws(InterchangeError) -> Int {
        let parts = try value(node, index)
        guard parts.count == 1, case .layer(let layer) = parts[0], !layers[layer].isComplete,
            readers[node.inputs[index]] == 1
        else { throw unknown(node, "does not follow the product of a layer, or not alone") }
        return layer
    }

    /// Parts that other layers read: their layers change no more.
    private mutating func complete(_ parts: [Part]) -> [Part] {
        for case .layer(let index) in parts { layers[index].isComplete = true }
        return parts
    }

    private func width(_ part: Part) -> Int {
        switch part {
        case .features(_, let scales, _): scales.count
        case .layer(let index): layers[index].weights.count
        }
    }

    private func reshaped(_ node: ONNXModel.Node) throws(InterchangeError) -> [Part] {
        let parts = try value(node, 0)
        let count = Double(parts.reduce(0) { $0 + width($1) })
        guard let shape = numbers(node, 1)?.values, shape.count == 2, shape[0] <= 0, shape[1] == count || shape[1] == -1
        else { throw unknown(node, "changes the columns") }
        return parts
    }

    private func sliced(_ node: ONNXModel.Node) throws(InterchangeError) -> [Part] {
        let parts = try value(node, 0)
        guard parts.count == 1, case .features(let first, let scales, let shifts) = parts[0],
            let begin = numbers(node, 1)?.values, let end = numbers(node, 2)?.values, begin.count == 1, end.count == 1,
            (begin + end).allSatisfy(\.isFinite),
            numbers(node, 3)?.values == [1], numbers(node, 4).map({ $0.values == [1] }) ?? true
        else { throw unknown(node, "takes something else than neighbouring columns of the input") }
        let count = Double(scales.count)
        func place(_ number: Double) -> Int { Int(min(max(number < 0 ? number + count : number, 0), count)) }
        let (low, high) = (place(begin[0]), place(end[0]))
        guard low < high else { throw unknown(node, "takes no column") }
        return [.features(first: first + low, scales: Array(scales[low..<high]), shifts: Array(shifts[low..<high]))]
    }

    // MARK: Layers

    private mutating func addProduct(_ node: ONNXModel.Node, _ result: String) throws(InterchangeError) {
        let parts = complete(try value(node, 0))
        guard let (shape, numbers) = numbers(node, 1), shape.count == 2 else {
            throw unknown(node, "does not multiply with constant weights")
        }
        let isGemm = node.operation == "Gemm"
        let isTransposed = isGemm && node.integer("transB", default: 0) == 1
        guard !isGemm || node.integer("transA", default: 0) == 0 else { throw unknown(node, "transposes the samples") }
        let (units, count) = isTransposed ? (shape[0], shape[1]) : (shape[1], shape[0])
        guard count == parts.reduce(0, { $0 + width($1) }), units > 0 else {
            throw unknown(node, "has weights for another number of inputs")
        }
        // Columns of the input that are not read become zeros: no file may ask for much more memory than it has numbers.
        guard units * inputCount <= max(1 << 24, 64 * numbers.count) else {
            throw unknown(node, "reads too few of the \(inputCount) columns of the input")
        }
        let alpha = isGemm ? Double(node.float("alpha", default: 1)) : 1
        let weights = (0..<units).map { unit in
            (0..<count).map { alpha * (isTransposed ? numbers[unit * count + $0] : numbers[$0 * units + unit]) }
        }
        var layer = Layer(name: layerName(node.inputs[1]), parts: parts, weights: weights)
        if isGemm, node.inputs.count > 2, !node.inputs[2].isEmpty {
            let beta = Double(node.float("beta", default: 1))
            layer.bias = try vector(node, 2, count: units).map { beta * $0 }
        }
        layers.append(layer)
        values[result] = [.layer(layers.count - 1)]
    }

    /// The name of the weights without what follows the layer's, if it can be a layer's.
    private func layerName(_ weights: String) -> String {
        let usual = "layer\(layers.count + 1)"
        for ending in [".weight", ".weights", "_weight"] where weights.hasSuffix(ending) {
            let name = String(weights.dropLast(ending.count))
            let isTaken = name.isEmpty || name == NetworkDescription.dataName || layers.contains { $0.name == name }
            return isTaken ? usual : name
        }
        return usual
    }

    /// A constant with one number for each column, or one for all.
    private func vector(_ node: ONNXModel.Node, _ index: Int, count: Int) throws(InterchangeError) -> [Double] {
        guard let (shape, values) = numbers(node, index), shape.dropLast().allSatisfy({ $0 == 1 }) else {
            throw unknown(node, "has an operand that is no constant row")
        }
        if values.count == count { return values }
        guard values.count == 1 else {
            throw unknown(node, "has a constant of \(values.count) numbers for \(count) columns")
        }
        return Array(repeating: values[0], count: count)
    }

    private mutating func applyArithmetic(_ node: ONNXModel.Node, _ result: String) throws(InterchangeError) {
        guard node.inputs.count == 2 else { throw unknown(node, "has not two operands") }
        let isFirst = values[node.inputs[0]] != nil
        if isFirst, values[node.inputs[1]] != nil {
            guard node.operation == "Add" else { throw unknown(node, "combines two layers") }
            return try addLayers(node, result)
        }
        let (operand, other) = isFirst ? (0, 1) : (1, 0)
        let parts = try value(node, operand)
        if parts.count == 1, case .features(let first, let scales, let shifts) = parts[0] {
            let numbers = try vector(node, other, count: scales.count)
            values[result] = [
                try changed(node, first: first, scales: scales, shifts: shifts, by: numbers, isFirst: isFirst)
            ]
            return
        }
        let index = try freshLayer(node, operand)
        guard node.operation == "Add" || (node.operation == "Sub" && isFirst) else {
            throw unknown(node, "changes what a layer computed")
        }
        let numbers = try vector(node, other, count: layers[index].weights.count)
        let old = layers[index].bias ?? Array(repeating: 0, count: numbers.count)
        layers[index].bias = zip(old, numbers).map { node.operation == "Add" ? $0 + $1 : $0 - $1 }
        values[result] = [.layer(index)]
    }

    private func changed(
        _ node: ONNXModel.Node, first: Int, scales: [Double], shifts: [Double], by numbers: [Double], isFirst: Bool
    ) throws(InterchangeError) -> Part {
        switch node.operation {
        case "Add": return .features(first: first, scales: scales, shifts: zip(shifts, numbers).map(+))
        case "Sub" where isFirst: return .features(first: first, scales: scales, shifts: zip(shifts, numbers).map(-))
        case "Mul":
            return .features(first: first, scales: zip(scales, numbers).map(*), shifts: zip(shifts, numbers).map(*))
        case "Div" where isFirst:
            return .features(first: first, scales: zip(scales, numbers).map(/), shifts: zip(shifts, numbers).map(/))
        default: throw unknown(node, "has no counterpart here")
        }
    }

    /// z of two products is that of one, over the inputs of both side by side: the later layer's, for it may read what follows the
    /// earlier one.
    private mutating func addLayers(_ node: ONNXModel.Node, _ result: String) throws(InterchangeError) {
        let (one, other) = (try freshLayer(node, 0), try freshLayer(node, 1))
        let (earlier, later) = (min(one, other), max(one, other))
        guard one != other, layers[one].weights.count == layers[other].weights.count else {
            throw unknown(node, "adds layers of different sizes")
        }
        layers[later].parts = layers[earlier].parts + layers[later].parts
        layers[later].weights = zip(layers[earlier].weights, layers[later].weights).map(+)
        if let bias = layers[earlier].bias {
            layers[later].bias = layers[later].bias.map { zip($0, bias).map(+) } ?? bias
        }
        layers[earlier].isMerged = true
        values[result] = [.layer(later)]
    }

    // MARK: Results

    /// The network with its weights given.
    package var description: NetworkDescription {
        NetworkDescription(
            inputs: inputCount, layers: layers.indices.filter { !layers[$0].isMerged }.map { describe($0) },
            output: output)
    }

    /// Inputs that are read twice have the sum of both weights; columns of the input that are not read have zeros.
    private func describe(_ index: Int) -> LayerDescription {
        let layer = layers[index]
        var names: [String] = []
        var matrices: [String: [[Double]]] = [:]
        var bias = layer.bias
        var column = 0
        for part in layer.parts {
            let name: String
            let width: Int
            switch part {
            case .layer(let source): (name, width) = (layers[source].name, layers[source].weights.count)
            case .features: (name, width) = (NetworkDescription.dataName, inputCount)
            }
            if !names.contains(name) { names.append(name) }
            var matrix =
                matrices[name] ?? Array(repeating: Array(repeating: 0, count: width), count: layer.weights.count)
            for unit in layer.weights.indices {
                switch part {
                case .layer: for place in 0..<width { matrix[unit][place] += layer.weights[unit][column + place] }
                case .features(let first, let scales, let shifts):
                    for place in scales.indices {
                        matrix[unit][first + place] += layer.weights[unit][column + place] * scales[place]
                    }
                    let shift = shifts.indices.reduce(0) { $0 + layer.weights[unit][column + $1] * shifts[$1] }
                    if shift != 0 {
                        bias = bias ?? Array(repeating: 0, count: layer.weights.count)
                        bias![unit] += shift
                    }
                }
            }
            matrices[name] = matrix
            column += self.width(part)
        }
        let earlier = layers[..<index].last { !$0.isMerged }?.name
        let isNext = names == [earlier ?? NetworkDescription.dataName]
        return LayerDescription(
            name: layer.name, units: layer.weights.count, activation: layer.activation, inputs: isNext ? nil : names,
            hasBias: bias != nil, connectionWeights: names.map { matrices[$0]! }, bias: bias)
    }
}
