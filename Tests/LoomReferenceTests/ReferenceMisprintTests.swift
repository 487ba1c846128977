import LoomModel
import LoomReference
import TestSupport
import Testing

/// The texts behind the fixtures contain misprints; right code must not reproduce a single one.
@Suite struct ReferenceMisprintTests {
    /// Misprints that no number of the reference trainer can be compared with, and why.
    static let notComparable: [String: String] = [
        "F3.3/as_printed/row_label_WRONG": "words, not a number",
        "F3.17/as_printed/dL_dW_with_u_for_x_WRONG": "4 × 4, where the gradient is 4 × 3",
        "F4.2/as_printed/grad_W2_last_line_with_broadcasting_WRONG": "4 × 3; its transpose is compared below",
    ]

    /// Misprints by the place where the file has them, and the same quantity from the reference trainer.
    static let guards = chainGuards.merging(parentGuards) { first, _ in first }

    private static let chainGuards: [String: @Sendable () throws -> [[Double]]] = [
        "F0.2/as_printed/loss_with_W1_transposed": { [[try gradients("F0.2").totalLoss]] },
        "F1.2/as_printed/b2_new_WRONG": { [try afterStep("F1.2").parameters[1].bias!] },
        "F1.2/as_printed/loss_new_WRONG": {
            let block = SeedFixtures.block("F1.2")
            let targets = ReferenceTargets.values(block.training!.targets)
            return [[try afterStep("F1.2").totalLoss(inputs: block.inputs, targets: targets)]]
        },
        "F2.3/as_printed/dJ_dz2_WRONG": { try gradients("F2.3").deltas[0] },
        "F2.3/as_printed/dJ_db1_WRONG": { [try gradients("F2.3").layers[0].bias!] },
        "F2.3/as_printed/dJ_dW1_WRONG": { try gradients("F2.3").layers[0].weights },
        "F3.3/as_printed/zH2_at_3.5_WRONG": {
            let block = SeedFixtures.block("F3.3")
            return [[try block.referenceTrainer().forward(inputs: [[3.5]]).preActivations[0][0][1]]]
        },
        "F3.6/as_printed/first_three_samples_only_N3_K3_WRONG": {
            let logits = SeedFixtures.fixture("F3.6")["expected"]!["Zo"]!.matrix!
            return logits.prefix(3).map(ReferenceFunctions.softmax)
        },
        "F3.6/as_printed/row_sums_WRONG": {
            let logits = SeedFixtures.fixture("F3.6")["expected"]!["Zo"]!.matrix!
            return [logits.prefix(3).map { ReferenceFunctions.softmax($0).reduce(0, +) }]
        },
        "F3.14/as_printed/dL_dWo_with_index_k_WRONG_first_row": {
            [Array(try gradients("F3.14").layers[1].weights[0].prefix(3))]
        },
        "F3.17/as_printed/dL_du_summed_over_i_WRONG": {
            // ∂L/∂u of the first sample: ∂L/∂ŷ times the output's weights.
            let weights = SeedFixtures.block("F3.17").parameters[1].weights[0]
            let delta = try gradients("F3.17").deltas[1][0][0]
            return [weights.map { $0 * delta }]
        },
        "F4.8/as_printed/delta_v_WRONG": { [try deltas("F4.8")["v"]!] },
        "F4.8/as_printed/gamma_p_WRONG": { [try deltas("F4.8")["p"]!] },
        "FX.1/as_printed/db2_as_mean_of_shard_means_WRONG": { [try gradients("FX.1").layers[1].bias!] },
    ]

    /// The text's formula for a vertex before the output is one number; no component of ∂ŷ/∂a may be it.
    private static let parentGuards: [String: @Sendable () throws -> [[Double]]] = {
        let places = [
            ("F4.3", "v2"), ("F4.3", "v3"), ("F4.3", "v4"), ("F4.4", "v2"), ("F4.4", "v3"), ("F4.4", "v4"),
            ("F4.5a", "v"), ("F4.5b", "v"), ("F4.5c", "v"), ("F4.5d", "v"),
        ]
        var guards: [String: @Sendable () throws -> [[Double]]] = [:]
        for (id, vertex) in places {
            guards["\(id)/as_printed/\(vertex)/printed_parent_formula_WRONG"] = {
                [Array(try deltas(id)[vertex]!.prefix(1))]
            }
        }
        return guards
    }()

    /// Half a unit of the last printed digit, for misprints that are rounded: the wrong formula gives a number as near
    /// as that, so nothing nearer may pass.
    static let rounding = [
        "F1.2/as_printed/b2_new_WRONG": 0.0005,
        "F1.2/as_printed/loss_new_WRONG": 0.05,
    ]

    private static func gradients(_ id: String) throws -> ReferenceGradients {
        let block = SeedFixtures.block(id)
        return try block.referenceTrainer().gradients(
            inputs: block.inputs, targets: .values(block.training!.targets))
    }

    private static func afterStep(_ id: String) throws -> ReferenceTrainer {
        let block = SeedFixtures.block(id)
        var trainer = try block.referenceTrainer(
            optimizer: OptimizerDescription(kind: .sgd, learningRate: block.training!.step!.learningRate))
        try trainer.step(inputs: block.inputs, targets: .values(block.training!.targets))
        return trainer
    }

    /// ∂ŷ/∂a of every vertex: with the target ŷ − 1, ½ (ŷ − y)² has the derivative 1.
    private static func deltas(_ id: String) throws -> [String: [Double]] {
        let block = SeedFixtures.vertexBlocks.first { $0.fixture == id }!
        let problem = block.problem(target: block.prediction - 1)
        let trainer = try ReferenceTrainer(network: problem.network, loss: problem.loss, optimizer: .init())
        let gradients = try trainer.gradients(inputs: problem.inputs, targets: .values(problem.targets))
        return block.byVertex(gradients.deltas.map { $0[0] }, components: true)
    }

    /// The value at a path like "F2.3/as_printed/dJ_dz2_WRONG", as rows.
    private static func printed(_ path: String) -> [[Double]]? {
        let parts = path.split(separator: "/").map(String.init)
        var value: JSONValue? = SeedFixtures.fixture(parts[0])
        for key in parts.dropFirst() { value = value?[key] }
        if let matrix = value?.matrix { return matrix }
        return value.flatMap { $0.vector ?? $0.number.map { [$0] } }.map { [$0] }
    }

    @Test func everyMisprintIsGuardedOrNamed() {
        var paths: Set<String> = []
        func walk(_ value: JSONValue, _ path: String) {
            for key in value.keys {
                let place = "\(path)/\(key)"
                if key.contains("_WRONG") && !key.hasSuffix("_WRONG_shape") { paths.insert(place) }
                if let member = value[key] { walk(member, place) }
            }
        }
        for (id, fixture) in SeedFixtures.shared.fixtures { walk(fixture, id) }
        // The one misprint whose key does not say so.
        paths.insert("F0.2/as_printed/loss_with_W1_transposed")
        #expect(Set(Self.guards.keys).union(Self.notComparable.keys) == paths)
        #expect(Set(Self.guards.keys).isDisjoint(with: Self.notComparable.keys))
    }

    @Test(arguments: guards.keys.sorted())
    func misprintIsNotReproduced(path: String) throws {
        let wrong = try #require(Self.printed(path))
        let tolerance = Self.rounding[path].map { Tolerance(absolute: $0, relative: 0) }
        var comparison = Comparison(path, tolerance: tolerance ?? SeedFixtures.tolerance)
        comparison.compare("misprint", try Self.guards[path]!(), wrong)
        #expect(comparison.differsInValue, "\(comparison)")
    }

    /// The misprint of F0.2 is exactly what transposed weights give, so a test on it does guard the layout.
    @Test func transposedWeightsGiveTheMisprintedLoss() throws {
        let block = SeedFixtures.block("F0.2")
        var network = block.network
        let weights = try #require(network.layers[0].weights)
        network.layers[0].weights = weights.indices.map { row in weights.map { $0[row] } }
        let training = try #require(block.training)
        let trainer = try ReferenceTrainer(network: network, loss: training.loss, optimizer: .init())
        var comparison = Comparison("F0.2", tolerance: SeedFixtures.tolerance)
        comparison.compare(
            "loss", try trainer.totalLoss(inputs: block.inputs, targets: .values(training.targets)),
            try #require(SeedFixtures.fixture("F0.2")["as_printed"]?["loss_with_W1_transposed"]?.number))
        #expect(comparison.passes, "\(comparison)")
    }

    /// The misprinted gradient of F4.2 has the transposed shape; its transpose must not come out either.
    @Test func broadcastGradientIsNotReproduced() throws {
        let path = "F4.2/as_printed/grad_W2_last_line_with_broadcasting_WRONG"
        let wrong = try #require(Self.printed(path))
        var comparison = Comparison(path, tolerance: SeedFixtures.tolerance)
        comparison.compare(
            "misprint", try Self.gradients("F4.2").layers[1].weights,
            wrong[0].indices.map { row in wrong.map { $0[row] } })
        #expect(comparison.differsInValue, "\(comparison)")
    }

    /// What reaches the output by the direct edge alone is not the whole ∂ŷ/∂a of a vertex with other ways to it.
    @Test(arguments: ["F4.3", "F4.4"], ["v2", "v3"])
    func directEdgesAreNotEverything(id: String, vertex: String) throws {
        let printed = try #require(SeedFixtures.fixture(id)["as_printed"]?[vertex])
        let got = try #require(try Self.deltas(id)[vertex])
        var right = Comparison("\(id) \(vertex)", tolerance: SeedFixtures.tolerance)
        right.compare("delta", got, try #require(printed["right_delta"]?.vector))
        #expect(right.passes, "\(right)")
        var wrong = Comparison("\(id) \(vertex)", tolerance: SeedFixtures.tolerance)
        wrong.compare("delta", got, try #require(printed["direct_edge_times_local"]?.vector))
        #expect(wrong.differsInValue)
    }
}
