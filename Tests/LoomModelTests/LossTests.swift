import LoomKernels
import LoomReference
import TestSupport
import Testing

@testable import LoomModel

/// Which losses go with which outputs, what a batch's loss is scaled by, and which decisions count.
@Suite struct LossTests {
    @Test(arguments: OutputMap.allCases, LossDescription.Kind.allCases)
    func onlyWhatCanBeTrained(output: OutputMap, kind: LossDescription.Kind) {
        let isTrainable = RandomProblem.trainableOutputs.contains { $0 == (output, kind) }
        guard !isTrainable else {
            #expect(throws: Never.self) { try Loss<Float>(LossDescription(kind: kind), output: output) }
            return
        }
        let error = #expect(throws: ModelError.self) {
            try Loss<Float>(LossDescription(kind: kind), output: output)
        }
        let sentence = error?.description ?? ""
        #expect(sentence.contains(output.rawValue))
        let remedy = output == .softmaxWeighted ? "half_squared" : "sigmoid"
        #expect(sentence.contains(remedy), "what to use instead: \(sentence)")
    }

    @Test func scaleIsThatOfTheWholeBatch() throws {
        let sum = try Loss<Double>(LossDescription(kind: .squaredSum, reduction: .sum), output: .identity)
        let mean = try Loss<Double>(LossDescription(kind: .squaredSum, reduction: .mean), output: .identity)
        #expect(sum.scale(samples: 7) == 1 && mean.scale(samples: 8) == 0.125)
    }

    @Test(arguments: RandomProblem.trainableOutputs.map { [$0.output.rawValue, $0.loss.rawValue] })
    func decisions(names: [String]) throws {
        let output = OutputMap(rawValue: names[0])!
        let loss = try Loss<Float>(
            LossDescription(kind: LossDescription.Kind(rawValue: names[1])!), output: output)
        let expected: [OutputMap: Int] = [.softmax: 1, .sigmoid: 5, .identity: 0, .softmaxWeighted: 0]
        #expect(loss.decisionsPerSample(outputs: 5) == expected[output])
    }

    /// Values, deltas and right decisions of the fast loss against the reference's, also where logits are far apart.
    @Test(arguments: [1, 30, 700], [true, false]) func equalsTheReference(magnitude: Double, hasBias: Bool)
        throws
    {
        for combination in RandomProblem.trainableOutputs {
            let problem = scaled(
                RandomProblem(
                    seed: 3, layers: [4, 9], activation: .identity, output: combination.output,
                    loss: LossDescription(kind: combination.loss, reduction: .sum), rows: 20, hasBias: hasBias
                ),
                by: magnitude)
            try check(problem, Double.self, Tolerance(absolute: 1e-12, relative: 1e-10))
            var weighted = problem
            weighted.weights = (0..<20).map { Double($0 % 4) / 2 }
            try check(weighted, Double.self, Tolerance(absolute: 1e-12, relative: 1e-10))
            // Logits near the magnitude are rounded to 1e-7 of it, and the loss and its gradient follow them; the weights of
            // softmax-weighted components follow them, too, and are multiplied by errors of the magnitude.
            let product = combination.output == .softmaxWeighted ? magnitude * magnitude : magnitude
            try check(problem, Float.self, Tolerance(absolute: 1e-6 * product, relative: 1e-5))
        }
    }

    private func scaled(_ problem: RandomProblem, by factor: Double) -> FastProblem {
        var result = FastProblem(problem)
        result.inputs = problem.inputs.map { $0.map { Double(Float(factor * $0)) } }
        return result
    }

    private func check<Scalar: LoomScalar>(
        _ problem: FastProblem, _ type: Scalar.Type, _ tolerance: Tolerance
    ) throws {
        let reference = try ReferenceTrainer(
            network: problem.network, loss: problem.loss, optimizer: OptimizerDescription())
        let expected = try reference.gradients(
            inputs: problem.inputs, targets: .values(problem.targets), weights: problem.weights)
        let network = try Network<Scalar>(problem.network)
        let parameters = network.initialParameters()
        let rows = problem.inputs.count
        let workspace = Workspace(network: network, parameters: parameters, capacity: rows)
        let data = try problem.dataset(type)
        let batch = try TargetMemory(data, rows: rows)
        let loss = try Loss<Scalar>(problem.loss, output: problem.network.output)
        var comparison = Comparison("\(problem) \(Scalar.precision)", tolerance: tolerance)
        var withoutDeltas = 0.0
        for writesDeltas in [false, true] {
            workspace.fillBytes(0xff)
            workspace.handle.forward(rows: 0..<rows, data: data.inputs)
            var correct = 3
            let sum = loss.evaluate(
                workspace.handle, rows: 0..<rows, targets: batch.targets, scale: 1, writesDeltas: writesDeltas,
                correct: &correct)
            let deltas = workspace.handle.deltas(of: 0)
            if writesDeltas {
                comparison.compare("loss", sum, expected.dataLoss)
                comparison.compare("deltas", deltas.rowsOfDoubles, expected.deltas[0])
                comparison.compare("logits", workspace.handle.logits.rowsOfDoubles, expected.pass.logits)
                #expect(sum == withoutDeltas)
            } else {
                withoutDeltas = sum
                #expect(
                    (0..<rows).allSatisfy { deltas[$0, 0].isNaN },
                    "deltas that are not wanted are not written")
            }
            #expect(correct == 3 + rightDecisions(problem, expected.pass), "right decisions are added")
        }
        #expect(comparison.passes, "\(comparison)")
        withExtendedLifetime((workspace, data, batch, parameters)) {}
    }

    private func rightDecisions(_ problem: FastProblem, _ pass: ReferencePass) -> Int {
        switch problem.network.output {
        case .softmax:
            zip(pass.logits, problem.targets).filter {
                $0.firstIndex(of: $0.max()!) == $1.firstIndex(of: $1.max()!)
            }.count
        case .sigmoid:
            zip(pass.logits.joined(), problem.targets.joined()).filter { ($0 >= 0) == ($1 >= 0.5) }.count
        case .identity, .threshold, .softmaxWeighted: 0
        }
    }
}
