import LoomModel
import LoomReference
import TestSupport
import Testing

/// The fixtures' tables of single functions, and Jacobians that follow from them.
@Suite struct ReferenceFunctionTests {
    @Test func activationTable() {
        let table = SeedFixtures.fixture("F3.1")
        let points = table["inputs"]!["z"]!.vector!
        func wanted(_ key: String) -> [Double] { table["expected"]![key]!.vector! }
        var comparison = Comparison("F3.1", tolerance: SeedFixtures.tolerance)
        for activation in [Activation.threshold, .sigmoid, .relu] {
            comparison.compare(
                activation.rawValue, points.map { ReferenceFunctions.activate(activation, at: $0) },
                wanted(activation.rawValue))
        }
        comparison.compare(
            "sigmoid'", points.map { ReferenceFunctions.derivative(.sigmoid, at: $0) },
            wanted("sigmoid_derivative"))
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func arctanTable() {
        let table = SeedFixtures.fixture("F0.4")
        let points = table["inputs"]!["a"]!.vector!
        var comparison = Comparison("F0.4", tolerance: SeedFixtures.tolerance)
        comparison.compare(
            "arctan", points.map { ReferenceFunctions.activate(.arctan, at: $0) },
            table["expected"]!["arctan"]!.vector!)
        comparison.compare(
            "arctan'", points.map { ReferenceFunctions.derivative(.arctan, at: $0) },
            table["expected"]!["derivative"]!.vector!)
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func sigmoidDerivativeOfRandomPoints() {
        let fixture = SeedFixtures.fixture("F3.10")
        var comparison = Comparison("F3.10", tolerance: SeedFixtures.tolerance)
        let points = fixture["expected"]!["z"]!.vector!
        comparison.compare(
            "f'", points.map { ReferenceFunctions.derivative(.sigmoid, at: $0) },
            fixture["expected"]!["fprime"]!.vector!)
        #expect(comparison.passes, "\(comparison)")
    }

    @Test(arguments: RandomProblem.trainableActivations)
    func derivativesAgreeWithCentralDifferences(activation: Activation) {
        // Away from relu's kink; h = 1e-5 leaves h²/6 · f''' ≈ 1e-10 and 1e-16 / h ≈ 1e-11.
        let step = 1e-5
        var comparison = Comparison(activation.rawValue, tolerance: Tolerance(absolute: 1e-9, relative: 1e-9))
        for z in [-3, -1.2, -0.3, 0.3, 0.9, 2.5] {
            let above = ReferenceFunctions.activate(activation, at: z + step)
            let below = ReferenceFunctions.activate(activation, at: z - step)
            let derivative = ReferenceFunctions.derivative(activation, at: z)
            comparison.compare("f'(\(z))", derivative, (above - below) / (2 * step))
        }
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func functionsStayFiniteFarFromZero() {
        #expect(ReferenceFunctions.activate(.softplus, at: 1000) == 1000)
        #expect(ReferenceFunctions.activate(.softplus, at: -1000) == 0)
        #expect(ReferenceFunctions.derivative(.softplus, at: 1000) == 1)
        #expect(ReferenceFunctions.derivative(.tanh, at: -1000) == 0)
        #expect(ReferenceFunctions.softmax([1000, 0, -1000]) == [1, 0, 0])
        #expect(ReferenceFunctions.derivative(.relu, at: 0, reluAtZero: .zero) == 0)
        #expect(ReferenceFunctions.derivative(.relu, at: 0, reluAtZero: .one) == 1)
        #expect(ReferenceFunctions.derivative(.relu, at: -1e-300, reluAtZero: .one) == 0)
    }

    @Test func softmaxAndItsJacobian() {
        let fixture = SeedFixtures.fixture("F0.3")
        let logits = fixture["inputs"]!["a"]!.vector!
        let softmax = ReferenceFunctions.softmax(logits)
        var comparison = Comparison("F0.3", tolerance: SeedFixtures.tolerance)
        comparison.compare("softmax", softmax, fixture["expected"]!["softmax"]!.vector!)
        let jacobian = logits.indices.map { output in
            ReferenceFunctions.lossGradient(
                .halfSquared, output: .softmax, logits: logits, targets: picking(output, of: softmax))
        }
        comparison.compare("Jacobian", jacobian, fixture["expected"]!["jacobian"]!.matrix!)
        #expect(comparison.passes, "\(comparison)")
    }

    /// ∂prediction/∂W, one backward pass per output.
    @Test func predictionJacobianOfAReluNetwork() throws {
        let expected = SeedFixtures.fixture("F1.1")["expected"]!
        let block = SeedFixtures.block("F1.1c")
        let trainer = try ReferenceTrainer(
            network: block.network, loss: LossDescription(kind: .halfSquared, reduction: .sum),
            optimizer: .init())
        let prediction = trainer.forward(inputs: block.inputs).prediction[0]
        let passes = try prediction.indices.map { output in
            try trainer.gradients(inputs: block.inputs, targets: .values([picking(output, of: prediction)]))
        }
        var comparison = Comparison("F1.1", tolerance: SeedFixtures.tolerance)
        comparison.compare("prediction", prediction, expected["Yhat"]!.vector!)
        comparison.compare(
            "dYhat/dW1", passes.map { $0.layers[0].weights }, expected["dYhat_dW1_canonical"]!.tensor!)
        // The file gives these by parameter first, then output.
        for (key, value) in [
            ("dYhat_db1", { $0.layers[0].bias! }), ("dYhat_db2", { $0.layers[1].bias! }),
            ("dYhat_dX", { $0.inputs[0] }), ("dYhat_dZ1", { $0.deltas[0][0] }),
        ] as [(String, (ReferenceGradients) -> [Double])] {
            let wanted = expected[key]!.matrix!
            for (output, gradients) in passes.enumerated() {
                comparison.compare("\(key) of output \(output)", value(gradients), wanted.map { $0[output] })
            }
        }
        #expect(comparison.passes, "\(comparison)")
    }

    /// The target t with ∂ ½‖ŷ − t‖² / ∂ŷ = the unit vector of `output`, so that a gradient is a row of a Jacobian.
    private func picking(_ output: Int, of prediction: [Double]) -> [Double] {
        prediction.indices.map { prediction[$0] - ($0 == output ? 1 : 0) }
    }

    @Test func meanCrossEntropyOfGivenLogits() throws {
        let fixture = SeedFixtures.fixture("F2.1")
        let expected = fixture["expected"]!
        let labels = fixture["inputs"]!["labels_one_based"]!.vector!.map { Int($0) - 1 }
        let logits = fixture["inputs"]!["z3"]!.matrix!
        let gradients = try passThrough(
            units: 3, output: .softmax, loss: LossDescription(kind: .crossEntropy, reduction: .mean)
        ).gradients(inputs: logits, targets: .labels(labels))
        var comparison = Comparison("F2.1", tolerance: SeedFixtures.tolerance)
        comparison.compare("J", gradients.totalLoss, expected["J"]!.number!)
        comparison.compare("per-sample loss", gradients.perSampleLosses, expected["per_sample"]!.vector!)
        comparison.compare("softmax", gradients.pass.prediction, expected["psi"]!.matrix!)
        comparison.compare("dJ/dz", gradients.inputs, expected["dJ_dz3"]!.matrix!)
        #expect(comparison.passes, "\(comparison)")
    }

    /// A network whose logits are its inputs: one layer with the identity matrix and no bias.
    private func passThrough(units: Int, output: OutputMap, loss: LossDescription) throws -> ReferenceTrainer {
        let identity = (0..<units).map { row in (0..<units).map { $0 == row ? 1.0 : 0 } }
        let layer = LayerDescription(name: "logits", units: units, hasBias: false, weights: identity)
        return try ReferenceTrainer(
            network: NetworkDescription(inputs: units, layers: [layer], output: output), loss: loss,
            optimizer: .init())
    }

    @Test func binaryCrossEntropyTable() throws {
        let rows = SeedFixtures.fixture("F3.13")["binary"]!.elements!
        let gradients = try passThrough(
            units: 1, output: .sigmoid, loss: LossDescription(kind: .crossEntropy, reduction: .sum)
        ).gradients(
            inputs: rows.map { [$0["z"]!.number!] }, targets: .values(rows.map { [$0["y"]!.number!] }))
        // Relative only: also the tiny losses of sure and right decisions must have all their digits.
        var comparison = Comparison("F3.13 binary", tolerance: Tolerance(absolute: 0, relative: 1e-12))
        comparison.compare("loss", gradients.perSampleLosses, rows.map { $0["loss"]!.number! })
        #expect(comparison.passes, "\(comparison)")
        var derivatives = Comparison("F3.13 binary", tolerance: SeedFixtures.tolerance)
        derivatives.compare("dloss/dz", gradients.inputs, rows.map { [$0["dloss_dz"]!.number!] })
        #expect(derivatives.passes, "\(derivatives)")
    }

    @Test func categoricalCrossEntropyTable() throws {
        var comparison = Comparison("F3.13 categorical", tolerance: SeedFixtures.tolerance)
        for row in SeedFixtures.fixture("F3.13")["categorical"]!.elements! {
            let logits = row["z"]!.vector!
            let trainer = try passThrough(
                units: logits.count, output: .softmax, loss: LossDescription(kind: .crossEntropy))
            let pass = trainer.forward(inputs: logits.map { _ in logits })
            let losses = try trainer.perSampleLosses(of: pass, targets: .labels(Array(logits.indices)))
            comparison.compare("softmax of \(logits)", pass.prediction[0], row["softmax"]!.vector!)
            comparison.compare("loss of \(logits)", losses, row["loss_if_class_k_one_based"]!.vector!)
        }
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func squaredLossTable() throws {
        var comparison = Comparison("F3.13 squared", tolerance: SeedFixtures.tolerance)
        for row in SeedFixtures.fixture("F3.13")["squared"]!.elements! {
            let logits = row["z"]!.vector!
            for (kind, factor) in [(LossDescription.Kind.squaredSum, 1.0), (.halfSquared, 0.5)] {
                let gradients = try passThrough(
                    units: logits.count, output: .identity, loss: LossDescription(kind: kind)
                ).gradients(inputs: [logits], targets: .values([row["y"]!.vector!]))
                comparison.compare("\(kind)", gradients.totalLoss, factor * row["loss"]!.number!)
                comparison.compare(
                    "\(kind) dloss/dz", gradients.inputs[0], row["dloss_dz"]!.vector!.map { factor * $0 })
            }
        }
        #expect(comparison.passes, "\(comparison)")
    }

    @Test func batchForwardPassWithTwoKindsOfOutput() throws {
        let fixture = SeedFixtures.fixture("F3.6")
        let (given, expected) = (fixture["parameters"]!, fixture["expected"]!)
        let hidden = LayerDescription(
            name: "hidden", units: 5, activation: .sigmoid, weights: given["Wh"]!.matrix!,
            bias: given["bh"]!.vector!)
        let classes = LayerDescription(
            name: "classes", units: 3, weights: given["Wo"]!.matrix!, bias: given["bo"]!.vector!)
        let decision = LayerDescription(
            name: "decision", units: 1, weights: [given["Wo_binary"]!.vector!],
            bias: [given["bo_binary"]!.number!])
        func forward(_ last: LayerDescription, _ output: OutputMap) throws -> ReferencePass {
            try ReferenceTrainer(
                network: NetworkDescription(inputs: 3, layers: [hidden, last], output: output),
                loss: LossDescription(kind: .crossEntropy), optimizer: .init()
            ).forward(inputs: fixture["inputs"]!["X"]!.matrix!)
        }
        let several = try forward(classes, .softmax)
        let binary = try forward(decision, .sigmoid)
        var comparison = Comparison("F3.6", tolerance: SeedFixtures.tolerance)
        comparison.compare("Zh", several.preActivations[0], expected["Zh"]!.matrix!)
        comparison.compare("Uh", several.outputs[0], expected["Uh"]!.matrix!)
        comparison.compare("Zo", several.logits, expected["Zo"]!.matrix!)
        comparison.compare("Uo", several.prediction, expected["Uo"]!.matrix!)
        comparison.compare("Zo binary", binary.logits.map { $0[0] }, expected["Zo_binary"]!.vector!)
        comparison.compare("Uo binary", binary.prediction.map { $0[0] }, expected["Uo_binary"]!.vector!)
        #expect(comparison.passes, "\(comparison)")
    }
}
