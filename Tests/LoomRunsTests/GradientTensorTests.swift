import Foundation
import LoomConfiguration
import LoomModel
import LoomReference
import TestSupport
import Testing

/// Gradient tensors, the chain rule, and Jacobians beside differences.
@Suite struct GradientTensorTests {
    @Test func functionOfThreeNumbers() {
        for instance in SeedFixtures.fixture("F3.8")["instances"]!.elements! {
            var graph = ScalarGraph()
            let x = instance["x"]!.flat.map { graph.variable($0) }
            let first = graph.add(x[0], graph.multiply(x[1], x[2]))
            let second = graph.add(graph.multiply(x[0], x[0]), graph.multiply(graph.variable(3), x[1]))
            let tensor = graph.jacobian(
                of: [first, second], named: [.init("f", 2)], wrt: x, named: [.init("x", 3)])
            #expect([graph[first], graph[second]] == instance["f"]!.flat)
            #expect(tensor.values == instance["jacobian"]!.flat)
            #expect(tensor.shape == [2, 3])
        }
    }

    /// Z(Y(X)) with X 2 × 3, Y = sigmoid(A X B) 2 × 2, Zᵢ = ½ Σ Cᵢⱼₖ Yⱼₖ².
    @Test func tensorChainRule() throws {
        let fixture = SeedFixtures.fixture("F3.12")
        let (a, b) = (fixture["inputs"]!["A"]!.matrix!, fixture["inputs"]!["B"]!.matrix!)
        let c = fixture["inputs"]!["C"]!.tensor!
        var graph = ScalarGraph()
        let x = fixture["inputs"]!["X"]!.flat.map { graph.variable($0) }
        var y: [ScalarGraph.Value] = []
        for row in 0..<2 {
            for column in 0..<2 {
                let factors = (0..<2).flatMap { i in (0..<3).map { a[row][i] * b[$0][column] } }
                y.append(graph.apply(.sigmoid, to: graph.sum(x, factors: factors)))
            }
        }
        let squares = y.map { graph.multiply($0, $0) }
        let z = c.map { slice in graph.sum(squares, factors: slice.flatMap { $0 }.map { $0 / 2 }) }
        let xAxes = [GradientTensor.Axis("X row", 2), .init("X column", 3)]
        let yAxes = [GradientTensor.Axis("Y row", 2), .init("Y column", 2)]
        let zAxes = [GradientTensor.Axis("Z", 3)]
        let yByX = graph.jacobian(of: y, named: yAxes, wrt: x, named: xAxes)
        let zByY = graph.jacobian(of: z, named: zAxes, wrt: y, named: yAxes)
        let zByX = graph.jacobian(of: z, named: zAxes, wrt: x, named: xAxes)
        var comparison = Comparison("F3.12", tolerance: SeedFixtures.tolerance)
        let expected = fixture["expected"]!
        comparison.compare("Y", y.map { graph[$0] }, expected["Y"]!.flat)
        comparison.compare("Z", z.map { graph[$0] }, expected["Z"]!.flat)
        comparison.compare("dY_dX", yByX.values, expected["dY_dX"]!.flat)
        comparison.compare("dZ_dY", zByY.values, expected["dZ_dY"]!.flat)
        comparison.compare("dZ_dX", zByX.values, expected["dZ_dX"]!.flat)
        comparison.compare("chained", zByY.chained(with: yByX).values, expected["dZ_dX"]!.flat)
        #expect(comparison.passes, "\(comparison)")
        #expect(yByX.shape == [2, 2, 2, 3])
        #expect(zByY.chained(with: yByX).dimensions == "Z 3 × X row 2 × X column 3")
    }

    /// The chain rule on a network: prediction by hidden outputs, times hidden outputs by weights.
    @Test func networkJacobiansChain() throws {
        let configuration = try SeedConfiguration.load("001-relu-softmax-jacobian")
        let outer = try SeedConfiguration.jacobian(configuration, wrt: "hidden")
        let inner = try SeedConfiguration.jacobian(configuration, of: "hidden", wrt: "hidden.weights")
        let direct = try SeedConfiguration.jacobian(configuration, wrt: "hidden.weights")
        var comparison = Comparison("chain", tolerance: SeedFixtures.tolerance)
        comparison.compare("values", outer.chained(with: inner).values, direct.values)
        #expect(comparison.passes, "\(comparison)")
    }

    /// A graph with skip connections, of every smooth activation, against central differences.
    static let skipping = """
        data: {inline: {inputs: [[0.3, -0.7, 0.2], [-0.5, 0.1, 0.9]], targets: [0.4, -0.2]}}
        network:
          layers:
            - {name: a, units: 3, activation: ACTIVATION}
            - {name: b, units: 2, activation: softmax_weighted, components: 2, inputs: [input, a]}
            - {name: c, units: 2, inputs: [a, b, input]}
          output: OUTPUT
          initialization: {kind: xavier, seed: 4}
        loss: {kind: half_squared, l2: 0.01}
        """

    @Test(arguments: ["sigmoid", "arctan", "tanh", "exp", "softplus"], ["softmax", "sigmoid", "identity"])
    func jacobiansAgreeWithDifferences(activation: String, output: String) throws {
        let yaml = Self.skipping.replacing("ACTIVATION", with: activation).replacing("OUTPUT", with: output)
            .replacing("[0.4, -0.2]", with: "[[0.4, 0.6], [0.7, 0.3]]")
        let configuration = try Configuration(yaml: yaml, file: "skipping.yaml")
        let problem = try ReferenceProblem(configuration, samples: .all(limit: .max))
        let jacobian = try NetworkJacobian(problem)
        let step = 1e-5
        var comparison = Comparison("differences", tolerance: Tolerance(absolute: 1e-9, relative: 1e-9))
        func prediction(feature: Int, by change: Double) throws -> [[Double]] {
            let inputs = problem.inputs.map { row in
                row.enumerated().map { $0.offset == feature ? $0.element + change : $0.element }
            }
            return try problem.trainer().forward(inputs: inputs).prediction
        }
        let byInput = try jacobian.tensor(of: "prediction", wrt: "input")
        #expect(byInput.dimensions == "sample 2 × output 2 × input 3")
        for feature in 0..<3 {
            let (above, below) = (
                try prediction(feature: feature, by: step), try prediction(feature: feature, by: -step)
            )
            for sample in 0..<2 {
                for unit in 0..<2 {
                    comparison.compare(
                        "\(sample) \(unit) \(feature)", byInput[sample, unit, feature],
                        (above[sample][unit] - below[sample][unit]) / (2 * step))
                }
            }
        }
        // The chain rule over both ways from a: directly, and through b.
        let whole = try jacobian.tensor(of: "prediction", wrt: "a")
        #expect(whole.shape == [2, 2, 3])
        let loss = try jacobian.tensor(of: "loss", wrt: "b.weights.a")
        #expect(loss.dimensions == "b.weights.a out 4 × in 3")
        let inspected = try SeedConfiguration.inspect(configuration)
        comparison.compare(
            "loss", loss.values, inspected["layers"]!.elements![1]["weights_gradient"]!["a"]!.flat)
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func requestsThatCannotBeMet() throws {
        let configuration = try SeedConfiguration.load("001-relu-softmax-jacobian")
        func message(of: String = "prediction", wrt: String, element: [Int]? = nil) -> String {
            do {
                _ = try SeedConfiguration.jacobian(configuration, of: of, wrt: wrt, element: element)
                return "no error"
            } catch {
                return "\(error)"
            }
        }
        #expect(message(wrt: "hiden.weights") == "there is no array 'hiden.weights'; did you mean 'hidden.weights'?")
        #expect(message(wrt: "loss").hasPrefix("nothing is computed from 'loss'"))
        #expect(message(of: "input", wrt: "hidden").hasPrefix("'input' is not computed from anything"))
        #expect(
            message(of: "hidden", wrt: "output")
                == "'hidden' does not depend on 'output', so all derivatives are 0")
        #expect(message(of: "hidden.preactivations", wrt: "hidden").contains("does not depend on"))
        #expect(
            message(wrt: "hidden.weights", element: [4, 0])
                == "'hidden.weights' is 4 × 3, counted from 0; there is no element 4,0")
        #expect(message(wrt: "hidden.weights", element: [1]).contains("2 axes (4 × 3), but the element has 1 index"))
    }

    @Test func thresholdsHaveNoDerivative() throws {
        let configuration = try SeedConfiguration.load("003-problem-1.1-threshold")
        #expect(throws: ModelError.self) { try SeedConfiguration.jacobian(configuration, wrt: "input") }
        #expect(throws: ModelError.self) {
            try SeedConfiguration.jacobian(configuration, of: "output", wrt: "hidden.weights")
        }
        // Behind the threshold there is one.
        let tensor = try SeedConfiguration.jacobian(configuration, of: "output", wrt: "hidden")
        #expect(tensor.shape[1...] == [1, 2])
    }
}
