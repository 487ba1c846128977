import LoomModel
import LoomReference
import TestSupport
import Testing

/// The Jacobians of the course notes.
@Suite struct SeedJacobianTests {
    private func compare(
        _ comparison: inout Comparison, _ place: String, _ got: GradientTensor, _ want: JSONValue?,
        shape: [Int]
    ) {
        #expect(got.shape == shape, "\(place)")
        comparison.compare(place, got.values, want!.flat)
    }

    @Test func softmaxJacobian() throws {
        let fixture = SeedFixtures.fixture("F0.3")["expected"]!
        let configuration = try SeedConfiguration.load("000-softmax-jacobian")
        let tensor = try SeedConfiguration.jacobian(configuration, wrt: "softmax.preactivations")
        var comparison = Comparison("F0.3", tolerance: SeedFixtures.tolerance)
        compare(&comparison, "J", tensor, fixture["jacobian"], shape: [4, 4])
        let json = try SeedConfiguration.inspect(configuration)
        comparison.compare("softmax", json["prediction"]!.flat, fixture["softmax"]!.flat)
        #expect(comparison.passes, "\(comparison)")
    }

    /// The value and the derivative of an activation: a unit that does nothing else.
    private func activation(_ activation: Activation, at z: Double) throws -> (value: Double, derivative: Double) {
        let network = NetworkDescription(
            inputs: 1,
            layers: [
                LayerDescription(name: "unit", units: 1, activation: activation, hasBias: false, weights: [[1]]),
                LayerDescription(name: "output", units: 1, hasBias: false, weights: [[1]]),
            ], output: .identity)
        let configuration = SeedConfiguration.made(
            network: network, loss: LossDescription(kind: .squaredSum), inputs: [[z]], targets: [[0]])
        let value = try SeedConfiguration.inspect(configuration)["prediction"]!.flat[0]
        guard activation != .threshold else { return (value, 0) }
        let tensor = try SeedConfiguration.jacobian(configuration, of: "unit", wrt: "unit.preactivations")
        return (value, tensor.values[0])
    }

    @Test func activationTables() throws {
        let arctan = SeedFixtures.fixture("F0.4")
        let table = SeedFixtures.fixture("F3.1")
        var comparison = Comparison("F0.4, F3.1", tolerance: SeedFixtures.tolerance)
        for (index, z) in arctan["inputs"]!["a"]!.flat.enumerated() {
            let got = try activation(.arctan, at: z)
            comparison.compare("arctan \(z)", got.value, arctan["expected"]!["arctan"]!.flat[index])
            comparison.compare("arctan′ \(z)", got.derivative, arctan["expected"]!["derivative"]!.flat[index])
        }
        let expected = table["expected"]!
        for (index, z) in table["inputs"]!["z"]!.flat.enumerated() {
            let sigmoid = try activation(.sigmoid, at: z)
            comparison.compare("sigmoid \(z)", sigmoid.value, expected["sigmoid"]!.flat[index])
            comparison.compare("sigmoid′ \(z)", sigmoid.derivative, expected["sigmoid_derivative"]!.flat[index])
            comparison.compare("relu \(z)", try activation(.relu, at: z).value, expected["relu"]!.flat[index])
            comparison.compare(
                "threshold \(z)", try activation(.threshold, at: z).value, expected["threshold"]!.flat[index])
        }
        #expect(comparison.passes, "\(comparison)")
    }

    /// The tensor of order 3 and all other Jacobians of the relu network; the text has weights in × out, inputs first.
    @Test func reluSoftmaxJacobians() throws {
        let fixture = SeedFixtures.fixture("F1.1")["expected"]!
        let configuration = try SeedConfiguration.load("001-relu-softmax-jacobian")
        var comparison = Comparison("F1.1", tolerance: SeedFixtures.tolerance)
        func tensor(_ wrt: String, of: String = "prediction") throws -> GradientTensor {
            try SeedConfiguration.jacobian(configuration, of: of, wrt: wrt)
        }
        func transposed(_ value: JSONValue?) -> [Double] {
            let rows = value!.matrix!
            return rows[0].indices.flatMap { column in rows.map { $0[column] } }
        }
        let main = try tensor("hidden.weights")
        #expect(main.dimensions == "output 3 × hidden.weights out 4 × in 3")
        compare(&comparison, "dW1", main, fixture["dYhat_dW1_canonical"], shape: [3, 4, 3])
        let byText = fixture["dYhat_dW1"]!.tensor!
        for (n, j, k) in [(0, 0, 0), (2, 1, 2), (1, 3, 0)] {
            comparison.compare("D[\(n),\(j),\(k)]", main[k, j, n], byText[n][j][k])
        }
        compare(&comparison, "dZ2", try tensor("output.preactivations"), fixture["dYhat_dZ2"], shape: [3, 3])
        comparison.compare("dH", try tensor("hidden").values, transposed(fixture["dYhat_dH"]))
        comparison.compare("dZ1", try tensor("hidden.preactivations").values, transposed(fixture["dYhat_dZ1"]))
        comparison.compare("db1", try tensor("hidden.bias").values, transposed(fixture["dYhat_db1"]))
        comparison.compare("db2", try tensor("output.bias").values, transposed(fixture["dYhat_db2"]))
        comparison.compare("dX", try tensor("input").values, transposed(fixture["dYhat_dX"]))
        let second = try tensor("output.weights")
        for (hidden, slice) in fixture["dYhat_dW2"]!.tensor!.enumerated() {
            for (unit, row) in slice.enumerated() {
                comparison.compare("dW2", row.indices.map { second[$0, unit, hidden] }, row)
            }
        }
        let element = try SeedConfiguration.jacobian(configuration, wrt: "hidden.weights", element: [0, 0])
        compare(&comparison, "element", element, fixture["dYhat_dW1_element_1_1"], shape: [3])
        #expect(comparison.passes, "\(comparison)")
        try printedProductIsNoJacobian(main)
    }

    /// What the text prints as the Jacobian (E1.6) is its sum over the hidden units.
    private func printedProductIsNoJacobian(_ tensor: GradientTensor) throws {
        let printed = SeedFixtures.fixture("F1.1")["as_printed"]!["N_x_K_product"]!.matrix!
        var comparison = Comparison("E1.6", tolerance: SeedFixtures.tolerance)
        for n in 0..<3 {
            for k in 0..<3 {
                let sum = (0..<4).reduce(0) { $0 + tensor[k, $1, n] }
                comparison.compare("sum \(n) \(k)", sum, printed[n][k])
                #expect(abs(tensor[k, 0, n] - printed[n][k]) > 1e-4)
            }
        }
        #expect(comparison.passes, "\(comparison)")
    }

    /// ∂Z₁/∂W₁ as all numbers and as its blocks: block i is the row i of W₁, and holds X.
    @Test func blocksOfTheLinearPart() throws {
        let fixture = SeedFixtures.fixture("F1.1")
        let configuration = try SeedConfiguration.load("001-relu-softmax-jacobian")
        let tensor = try SeedConfiguration.jacobian(
            configuration, of: "hidden.preactivations", wrt: "hidden.weights")
        let dense = fixture["expected"]!["dZ1_dW1"]!.tensor!
        #expect(tensor.shape == [4, 4, 3])
        for n in 0..<3 {
            for a in 0..<4 {
                for i in 0..<4 { #expect(tensor[i, a, n] == dense[n][a][i]) }
            }
        }
        let inputs = fixture["inputs"]!["X"]!.flat
        for unit in 0..<4 {
            let rows = tensor.block(output: unit)
            #expect(rows.map(\.indices) == [[unit]])
            #expect(rows.map(\.values) == [inputs])
        }
    }

    @Test func linearGradientTensors() throws {
        let fixture = SeedFixtures.fixture("F3.7")["expected"]!
        let configuration = try SeedConfiguration.load("003-linear-gradients")
        var comparison = Comparison("F3.7", tolerance: SeedFixtures.tolerance)
        func check(_ wrt: String, _ key: String, _ shape: [Int]) throws {
            compare(
                &comparison, key, try SeedConfiguration.jacobian(configuration, wrt: wrt), fixture[key], shape: shape)
        }
        try check("linear.weights", "dz_dW", [3, 3, 4])
        try check("linear.bias", "dz_db", [3, 3])
        try check("input", "dz_dx", [3, 4])
        let json = try SeedConfiguration.inspect(configuration)
        comparison.compare("z", json["prediction"]!.flat, fixture["z"]!.flat)
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func sigmoidJacobians() throws {
        let fixture = SeedFixtures.fixture("F3.10")["expected"]!
        let configuration = try SeedConfiguration.load("003-problem-2.3-sigmoid")
        var comparison = Comparison("F3.10", tolerance: SeedFixtures.tolerance)
        func check(_ wrt: String, _ key: String, _ shape: [Int]) throws {
            compare(
                &comparison, key, try SeedConfiguration.jacobian(configuration, wrt: wrt), fixture[key], shape: shape)
        }
        try check("unit.preactivations", "du_dz", [3, 3])
        try check("unit.weights", "du_dW", [3, 3, 2])
        try check("unit.bias", "du_db", [3, 3])
        try check("input", "du_dx", [3, 2])
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func gradientsOfLosses() throws {
        let logistic = SeedFixtures.fixture("F3.9")["expected"]!
        let squared = SeedFixtures.fixture("F3.11")["expected"]!
        var comparison = Comparison("F3.9, F3.11", tolerance: SeedFixtures.tolerance)
        func check(_ name: String, _ wrt: String, _ want: JSONValue?) throws {
            let tensor = try SeedConfiguration.jacobian(SeedConfiguration.load(name), of: "loss", wrt: wrt)
            comparison.compare("\(name) \(wrt)", tensor.values, want!.flat)
        }
        try check("003-problem-2.2-logistic", "output.preactivations", logistic["dJ_dz"])
        try check("003-problem-2.2-logistic", "output.weights", logistic["dJ_dw"])
        try check("003-problem-2.2-logistic", "output.bias", logistic["dJ_db"])
        try check("003-problem-2.4-squared", "output", squared["dL_dz"])
        try check("003-problem-2.4-squared", "output.weights", squared["dL_dW"])
        try check("003-problem-2.4-squared", "output.bias", squared["dL_db"])
        try check("003-problem-2.4-squared", "input", squared["dL_dx"])
        // Per sample: z of sample i by the weights is x of sample i.
        let tensor = try SeedConfiguration.jacobian(
            SeedConfiguration.load("003-problem-2.2-logistic"), of: "output", wrt: "output.weights")
        #expect(tensor.axes.map(\.name) == ["sample", "output", "output.weights out", "in"])
        comparison.compare("dz_dw", tensor.values, logistic["dz_dw"]!.flat)
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func hiddenOutputsOfTheMiniBatch() throws {
        let fixture = SeedFixtures.fixture("F3.14")["extra_expected"]!["dL_dUh"]!
        let tensor = try SeedConfiguration.jacobian(
            SeedConfiguration.load("003-problem-3.1-softmax"), of: "loss", wrt: "hidden")
        let exponential = try SeedConfiguration.jacobian(
            SeedConfiguration.load("003-problem-3.2-exponential"), of: "loss", wrt: "exponentials")
        var comparison = Comparison("F3.14, F3.17", tolerance: SeedFixtures.tolerance)
        compare(&comparison, "dUh", tensor, fixture, shape: [6, 5])
        let values = SeedFixtures.fixture("F3.17")["values"]!
        compare(&comparison, "dL_du", exponential, values["dL_du"], shape: [5, 4])
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func softmaxWeightedUnit() throws {
        let fixture = SeedFixtures.fixture("F4.1")
        var comparison = Comparison("F4.1", tolerance: SeedFixtures.tolerance)
        func check(_ a: [Double], _ o: JSONValue?, _ delta: JSONValue?) throws {
            let identity = a.indices.map { row in a.indices.map { $0 == row ? 1.0 : 0 } }
            let layer = LayerDescription(
                name: "unit", units: 1, components: a.count, hasBias: false, weights: identity)
            let configuration = SeedConfiguration.made(
                network: NetworkDescription(inputs: a.count, layers: [layer], output: .softmaxWeighted),
                loss: LossDescription(kind: .halfSquared), inputs: [a], targets: [[0]])
            comparison.compare("o", try SeedConfiguration.inspect(configuration)["prediction"]!.flat, o!.flat)
            let tensor = try SeedConfiguration.jacobian(configuration, wrt: "unit.preactivations")
            comparison.compare("delta", tensor.values, delta!.flat)
        }
        try check(fixture["inputs"]!["a"]!.flat, fixture["expected"]!["o"], fixture["expected"]!["delta"])
        for edge in fixture["edge_cases"]!.elements! { try check(edge["a"]!.flat, edge["o"], edge["delta"]) }
        let own = try SeedConfiguration.jacobian(
            SeedConfiguration.load("004-softmax-weighted-unit"), wrt: "unit.preactivations")
        comparison.compare("configuration", own.values, fixture["expected"]!["delta"]!.flat)
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func softmaxWeightedOutput() throws {
        let fixture = SeedFixtures.fixture("F4.2")["values"]!
        let configuration = try SeedConfiguration.load("004-softmax-weighted-output")
        var comparison = Comparison("F4.2", tolerance: SeedFixtures.tolerance)
        func check(_ wrt: String, of: String = "prediction", _ key: String, _ shape: [Int]) throws {
            compare(
                &comparison, key, try SeedConfiguration.jacobian(configuration, of: of, wrt: wrt), fixture[key],
                shape: shape)
        }
        try check("output.preactivations", "dyhat_da_v", [1, 3])
        try check("output.weights", "dyhat_dW2", [1, 3, 4])
        try check("hidden.weights", "dyhat_dW1", [1, 4, 3])
        try check("output.weights", of: "loss", "grad_W2", [3, 4])
        try check("hidden.weights", of: "loss", "grad_W1", [4, 3])
        #expect(comparison.passes, "\(comparison)")
    }
}
