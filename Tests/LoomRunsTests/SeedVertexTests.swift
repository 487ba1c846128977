import TestSupport
import Testing

/// Networks of vertices through `inspect` and `jacobian`.
@Suite struct SeedVertexTests {
    static let configurations = [
        "F4.3": "004-vertices-sigmoid-output", "F4.4": "004-vertices-softmax-output",
        "F4.5a": "004-pair-sigmoid-sigmoid", "F4.5b": "004-pair-sigmoid-softmax",
        "F4.5c": "004-pair-softmax-sigmoid", "F4.5d": "004-pair-softmax-softmax", "F4.6": "004-deep-skip",
        "F4.7": "004-layered-vertices", "F4.8": "004-deep-chain",
    ]

    @Test func everyVertexNetworkHasAConfiguration() {
        let fixtures = SeedFixtures.shared.fixtures.filter { $0.value["dag"] != nil }
        #expect(Set(fixtures.keys) == Set(Self.configurations.keys))
    }

    @Test(arguments: configurations.keys.sorted())
    func everyNumberIsThere(fixture id: String) throws {
        let fixture = SeedFixtures.fixture(id)
        let expected = fixture["expected"]!
        let configuration = try SeedConfiguration.load(Self.configurations[id]!)
        let json = try SeedConfiguration.inspect(configuration, step: true)
        var comparison = Comparison(id, tolerance: SeedFixtures.tolerance)
        comparison.compare("yhat", json["prediction"]!.flat, expected["yhat"]!.flat)
        comparison.compare("loss", json["loss"]!["total"]!.number!, expected["loss"]!.number!)
        // The fixtures have derivatives of ŷ; those of the loss are ŷ − y times them.
        let factor = expected["yhat"]!.number! - fixture["target"]!.number!
        let layers = json["layers"]!.elements!
        let byName = Dictionary(uniqueKeysWithValues: layers.map { ($0["name"]!.string!, $0) })
        for name in expected["delta"]!.keys {
            let vertex = try #require(byName[name])
            comparison.compare("a \(name)", vertex["preactivations"]!.flat, expected["a"]![name]!.flat)
            comparison.compare("o \(name)", vertex["outputs"]!.flat, expected["o"]![name]!.flat)
            comparison.compare(
                "delta \(name)", vertex["deltas"]!.flat, expected["delta"]![name]!.flat.map { factor * $0 })
        }
        for edge in expected["dloss_dw"]!.elements! {
            let (from, to) = (edge["from"]!.string!, edge["to"]!.string!)
            comparison.compare("\(from) → \(to)", weights(byName[to]!, "weights_gradient", from), edge["g"]!.flat)
        }
        let after = json["after_step"]!
        comparison.compare("loss after", after["loss"]!.number!, fixture["sgd_step"]!["loss_after"]!.number!)
        let updated = Dictionary(
            uniqueKeysWithValues: after["layers"]!.elements!.map { ($0["name"]!.string!, $0) })
        for edge in fixture["sgd_step"]!["edges"]!.elements! {
            let (from, to) = (edge["from"]!.string!, edge["to"]!.string!)
            comparison.compare("after \(from) → \(to)", weights(updated[to]!, "weights", from), edge["w"]!.flat)
        }
        let inputs = fixture["inputs"]!.keys.sorted()
        comparison.compare(
            "dyhat_dx", try SeedConfiguration.jacobian(configuration, wrt: "input").values,
            inputs.map { expected["dyhat_do"]![$0]!.number! })
        #expect(comparison.passes, "\(comparison)")
        // A vertex comes after those that it reads.
        #expect(layers.last!["name"]!.string == fixture["dag"]!["output"]!.string)
    }

    /// A matrix of its own, or one of several under the names of what they multiply.
    private func weights(_ vertex: JSONValue, _ key: String, _ source: String) -> [Double] {
        vertex[key]![source]?.flat ?? vertex[key]!.flat
    }

    /// δ[v] = ∂ŷ/∂a[v], and what the text prints for it, where it leaves out ∂o[v]/∂a[v] (E4.4) or paths (E4.5, E4.7).
    @Test func printedFormulasAreNotReproduced() throws {
        var guarded = 0
        for (id, name) in Self.configurations {
            for vertex in SeedFixtures.fixture(id)["as_printed"]?.keys ?? [] {
                let printed = SeedFixtures.fixture(id)["as_printed"]![vertex]!
                guard let right = printed["right_delta"]?.flat else { continue }
                let got = try SeedConfiguration.jacobian(
                    SeedConfiguration.load(name), wrt: "\(vertex).preactivations"
                ).values
                var comparison = Comparison("\(id) \(vertex)", tolerance: SeedFixtures.tolerance)
                comparison.compare("delta", got, right)
                #expect(comparison.passes, "\(comparison)")
                let wrong = printed["printed_parent_formula_WRONG"]!.number!
                #expect(got.allSatisfy { abs($0 - wrong) > 1e-6 })
                guarded += 1
            }
        }
        #expect(guarded == 10)
        let chain = SeedFixtures.fixture("F4.8")["as_printed"]!
        let configuration = try SeedConfiguration.load("004-deep-chain")
        let delta = try SeedConfiguration.jacobian(configuration, wrt: "v.preactivations").values
        let gamma = try SeedConfiguration.jacobian(configuration, wrt: "p.preactivations").values
        #expect(zip(delta, chain["delta_v_WRONG"]!.flat).allSatisfy { $0 != $1 })
        #expect(gamma != chain["gamma_p_WRONG"]!.flat)
    }

    @Test func verticesInLayersAreTheDenseNetwork() throws {
        let vertices = try SeedConfiguration.inspect(SeedConfiguration.load("004-layered-vertices"))
        let dense = try SeedConfiguration.inspect(SeedConfiguration.load("004-layered-dense"))
        #expect(vertices["loss"] == dense["loss"])
        #expect(vertices["input_gradient"] == dense["input_gradient"])
    }
}
