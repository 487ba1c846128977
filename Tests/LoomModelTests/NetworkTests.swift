import LoomKernels
import TestSupport
import Testing

@testable import LoomModel

/// What a description must look like, where its parameters lie, and what they start from.
@Suite struct NetworkTests {
    private func chain(
        _ widths: [Int], activation: Activation = .relu, output: OutputMap = .softmax,
        initialization: Initialization = .init()
    ) -> NetworkDescription {
        NetworkDescription(
            inputs: widths[0],
            layers: widths.dropFirst().enumerated().map { index, units in
                LayerDescription(
                    name: "dense\(index)", units: units,
                    activation: index == widths.count - 2 ? .identity : activation,
                    components: index < widths.count - 2 && activation == .softmaxWeighted ? 2 : nil)
            }, output: output, initialization: initialization)
    }

    private func refusal(_ description: NetworkDescription) -> String {
        let error = #expect(throws: ModelError.self) { try Network<Float>(description) }
        return error?.description ?? ""
    }

    /// The sentence names everything of `parts`.
    private func expect(_ sentence: String, names parts: [String]) {
        for part in parts { #expect(sentence.contains(part), "‘\(part)’ is missing in: \(sentence)") }
    }

    // MARK: Refusals

    @Test func sizesThatCannotBe() {
        expect(refusal(chain([0, 3])), names: ["no input features"])
        expect(refusal(NetworkDescription(inputs: 2, layers: [], output: .identity)), names: ["no layers"])
        expect(refusal(chain([3, 0, 2])), names: ["'dense0'", "0 units"])
        expect(refusal(chain([3, 4, -1])), names: ["'dense1'", "-1 units"])
    }

    @Test func givenWeightsThatDoNotFit() {
        var description = chain([3, 4, 2])
        description.layers[1].weights = [[1, 2, 3], [4, 5, 6]]
        expect(
            refusal(description),
            names: ["'dense1'", "2 units", "4 inputs", "must be 2 × 4", "they are 2 × 3"])
        description.layers[1].weights = [[1, 2, 3, 4]]
        expect(refusal(description), names: ["'dense1'", "must be 2 × 4", "they are 1 × 4"])
        description.layers[1].weights = [[1, 2, 3, 4], [1, 2, 3]]
        expect(refusal(description), names: ["'dense1'", "they are 2 × 3 or 4"])
        description.layers[1].weights = nil
        description.layers[0].bias = [1, 2, 3]
        expect(refusal(description), names: ["'dense0'", "4 units", "3 biases"])
    }

    @Test func namesAndTheLastActivation() {
        var description = chain([3, 4, 2])
        description.layers[1].name = "dense0"
        expect(refusal(description), names: ["'dense0'", "twice", "unique"])
        description = chain([3, 4, 2])
        description.layers[1].activation = .relu
        expect(refusal(description), names: ["'dense1'", "'relu'", "must be identity"])
    }

    @Test func thresholdsCannotBeTrained() throws {
        let hidden = try Network<Float>(chain([3, 4, 2], activation: .threshold))
        expect(
            try #require(hidden.untrainableReason), names: ["'dense0'", "threshold", "derivative", "sigmoid"])
        let output = try Network<Float>(chain([3, 4, 2], output: .threshold))
        expect(try #require(output.untrainableReason), names: ["output map", "threshold", "derivative"])
        for activation in Activation.allCases where activation != .threshold {
            #expect(try Network<Float>(chain([3, 4, 2], activation: activation)).untrainableReason == nil)
        }
    }

    // MARK: Layout

    @Test func layoutOfRowsAndNames() throws {
        let network = try Network<Float>(chain([17, 5, 33, 1]))
        #expect(
            network.layout.tensors.map(\.name) == [
                "dense0.weights", "dense0.bias", "dense1.weights", "dense1.bias", "dense2.weights",
                "dense2.bias",
            ])
        #expect(network.layout.tensors.map(\.shape) == [[5, 17], [5], [33, 5], [33], [1, 33], [1]])
        #expect(network.layout.tensors.map(\.stride) == [32, 16, 16, 48, 48, 16])
        #expect(network.layout.tensors.map(\.offset) == [0, 160, 176, 704, 752, 800])
        #expect(network.layout.elementCount == 816)
        #expect(network.layout.parameterCount == 5 * 17 + 5 + 33 * 5 + 33 + 33 + 1)
        let wide = try Network<Double>(chain([17, 5, 33, 1]))
        #expect(wide.layout.tensors.map(\.stride) == [24, 8, 8, 40, 40, 8])
        #expect(wide.layout.tensors.map(\.shape) == network.layout.tensors.map(\.shape))
    }

    @Test(arguments: [[1, 1], [3, 16, 2], [9, 31, 7, 64, 65], [784, 128, 10]])
    func everyRowBeginsACacheLine(widths: [Int]) throws {
        try checkAlignment(Float.self, widths)
        try checkAlignment(Double.self, widths)
    }

    private func checkAlignment<Scalar: LoomScalar>(_: Scalar.Type, _ widths: [Int]) throws {
        var description = chain(widths)
        description.layers[0].hasBias = false
        let network = try Network<Scalar>(description)
        let parameters = network.initialParameters()
        let size = MemoryLayout<Scalar>.stride
        var end = 0
        for (index, tensor) in network.layout.tensors.enumerated() {
            #expect(tensor.offset == end && (tensor.stride * size).isMultiple(of: 64))
            #expect(tensor.stride == Padding.stride(columns: tensor.columns, of: Scalar.self))
            let view = parameters.view(index)
            #expect(Int(bitPattern: view.pointer).isMultiple(of: 64))
            #expect(view.pointer == parameters.view(0).pointer + tensor.offset)
            end = tensor.offset + tensor.rows * tensor.stride
        }
        #expect(network.layout.elementCount == end)
        #expect(
            network.layers.map { $0.bias == nil } == [true] + Array(repeating: false, count: widths.count - 2)
        )
        #expect(network.layout.tensors.count == 2 * (widths.count - 1) - 1)
    }

    /// Whole cache lines; from eight on, no multiple of four of them.
    @Test(arguments: 1...600) func strides(columns: Int) {
        for (stride, lanes) in [
            (Padding.stride(columns: columns, of: Float.self), 16),
            (Padding.stride(columns: columns, of: Double.self), 8),
        ] {
            #expect(stride >= columns && stride.isMultiple(of: lanes))
            let lines = stride / lanes
            #expect(lines < 8 || !lines.isMultiple(of: 4))
            #expect(stride - columns < (lines % 4 == 1 ? 2 : 1) * lanes)
        }
    }

    /// The weights of the data lie transposed where that hardly needs more padding; whoever reads or writes them sees units
    /// × inputs.
    @Test func weightsOfTheDataLieTransposed() throws {
        let network = try Network<Float>(chain([5, 32, 48, 3]))
        #expect(network.layout.tensors.map(\.isTransposed) == [true, false, false, false, false, false])
        let first = network.layout.tensors[0]
        #expect(first.rows == 5 && first.columns == 32 && first.shape == [32, 5])
        let buffer = ParameterBuffer<Float>(layout: network.layout)
        let values = (0..<160).map(Float.init)
        buffer.setValues(0, to: values)
        #expect(buffer.values(0) == values)
        #expect(buffer.view(0)[2, 7] == 7 * 5 + 2)
        #expect(buffer.weights(0).rows == 32 && buffer.weights(0).columns == 5)
        let expected = [(1, false), (10, false), (13, true), (16, true), (17, false), (26, true), (128, true)]
        for (units, isTransposed) in expected {
            let network = try Network<Double>(chain([20, units, 2]))
            #expect(network.layout.tensors[0].isTransposed == isTransposed, "\(units)")
        }
    }

    /// Element e of units × inputs is drawn at e, however the weights lie.
    @Test func initialParametersDoNotDependOnTheLayout() throws {
        let rule = Initialization(kind: .he, distribution: .uniform, seed: 3)
        let parameters = try Network<Double>(chain([7, 32, 2], initialization: rule)).initialParameters()
        #expect(parameters.layout.tensors[0].isTransposed)
        let random = CounterRandom(seed: 3, purpose: .initialization, subStream: 0)
        let expected = (0..<224).map { (6.0 / 7).squareRoot() * (2 * random.uniform(at: $0) - 1) }
        #expect(parameters.values(0) == expected)
    }

    @Test func buffersReadAndWriteWithoutPadding() throws {
        let network = try Network<Double>(chain([3, 5, 2]))
        let buffer = ParameterBuffer<Double>(layout: network.layout)
        buffer.fill(-1)
        let weights = (0..<15).map(Double.init)
        buffer.setValues(0, to: weights)
        #expect(buffer.values(0) == weights)
        #expect(buffer.view(0)[4, 2] == 14 && buffer.view(0).pointer[4 * 8 + 2] == 14)
        // The padding and the neighbours stay.
        #expect(buffer.view(0).pointer[3] == -1 && buffer.values(1) == Array(repeating: -1, count: 5))
        let other = ParameterBuffer<Double>(layout: network.layout)
        other.copy(from: buffer)
        #expect(other.values(0) == weights && other.values(3) == [-1, -1])
    }

    @Test func operations() throws {
        // 2·M·N·K: forward and gradient of both layers, backward of the second.
        let network = try Network<Float>(chain([784, 128, 10]))
        #expect(network.operationsPerSample == 2 * Double(2 * 784 * 128 + 3 * 128 * 10))
        #expect(try Network<Float>(chain([5, 3])).operationsPerSample == 60)
    }

    // MARK: Initialisation

    /// The sample variance of n normal numbers has the deviation √(2/n) · variance: 0.5 % here, uniform ones less.
    @Test(arguments: Initialization.Kind.allCases, Initialization.Distribution.allCases)
    func variance(kind: Initialization.Kind, distribution: Initialization.Distribution) throws {
        let rule = Initialization(kind: kind, distribution: distribution, value: 0.375, seed: 5)
        let network = try Network<Double>(chain([400, 200, 7], initialization: rule))
        let parameters = network.initialParameters()
        let weights = parameters.values(0)
        #expect(parameters.values(1).allSatisfy { $0 == 0 } && parameters.values(3).allSatisfy { $0 == 0 })
        guard kind != .constant else {
            #expect(weights.allSatisfy { $0 == 0.375 } && parameters.values(2).allSatisfy { $0 == 0.375 })
            return
        }
        let expected = kind == .he ? 2.0 / 400 : 2.0 / 600
        let mean = weights.reduce(0, +) / Double(weights.count)
        let variance = weights.reduce(0) { $0 + $1 * $1 } / Double(weights.count)
        #expect(abs(mean) < 4 * (expected / Double(weights.count)).squareRoot())
        #expect(abs(variance / expected - 1) < 0.02)
        let bound = (3 * expected).squareRoot()
        let largest = weights.map(abs).max()!
        if distribution == .uniform {
            #expect(largest < bound && largest > 0.999 * bound)
        } else {
            // 80,000 normal numbers reach beyond 4 deviations, and never beyond 7.
            #expect(largest > 4 * expected.squareRoot() && largest < 7 * expected.squareRoot())
        }
        // The second layer has its own variance: 7 units on 200 inputs.
        let second = parameters.values(2)
        let secondVariance = second.reduce(0) { $0 + $1 * $1 } / Double(second.count)
        #expect(abs(secondVariance / (kind == .he ? 2.0 / 200 : 2.0 / 207) - 1) < 0.15)
    }

    @Test(arguments: Initialization.Distribution.allCases)
    func theSeedAloneDecides(distribution: Initialization.Distribution) throws {
        func values(seed: UInt64, _ widths: [Int]) throws -> [[Double]] {
            let rule = Initialization(kind: .xavier, distribution: distribution, seed: seed)
            let parameters = try Network<Double>(chain(widths, initialization: rule)).initialParameters()
            return parameters.layout.tensors.indices.map { parameters.values($0) }
        }
        let first = try values(seed: 1, [6, 5, 5, 6])
        #expect(try values(seed: 1, [6, 5, 5, 6]) == first)
        let other = try values(seed: 2, [6, 5, 5, 6])
        for tensor in [0, 2, 4] {
            #expect(other[tensor] != first[tensor])
            #expect(Set(first[tensor]).count == first[tensor].count, "no number comes twice")
        }
        // Layers of the same variance do not repeat each other.
        #expect(Set(first[0]).isDisjoint(with: first[4]))
    }

    /// Float32 starts from float64's numbers, rounded.
    @Test(arguments: Initialization.Kind.allCases) func bothPrecisionsStartAlike(kind: Initialization.Kind)
        throws
    {
        let rule = Initialization(kind: kind, value: 0.1, seed: 8)
        let narrow = try Network<Float>(chain([13, 21, 3], initialization: rule)).initialParameters()
        let wide = try Network<Double>(chain([13, 21, 3], initialization: rule)).initialParameters()
        for tensor in 0..<4 { #expect(narrow.values(tensor) == wide.values(tensor).map { Float($0) }) }
    }

    @Test func givenValuesAreTaken() throws {
        var description = chain([2, 2, 1], initialization: Initialization(kind: .constant, value: 9))
        description.layers[0].weights = [[1, 2], [3, 4]]
        description.layers[1].bias = [5]
        let parameters = try Network<Float>(description).initialParameters()
        #expect(parameters.values(0) == [1, 2, 3, 4] && parameters.values(1) == [0, 0])
        #expect(parameters.values(2) == [9, 9] && parameters.values(3) == [5])
    }
}
