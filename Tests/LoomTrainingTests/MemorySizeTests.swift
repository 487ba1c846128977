import LoomData
import LoomKernels
import LoomModel
import LoomPlan
import Testing

@testable import LoomTraining

/// Sizes that cannot be counted, or not be had, are refused by name before anything is reserved.
@Suite struct MemorySizeTests {
    @Test func products() {
        #expect(MemorySize.product(1 << 20, 1 << 20, 8) == 1 << 43)
        #expect(MemorySize.product(1 << 20, 1 << 20, 9) == nil)
        #expect(MemorySize.product(.max, 2) == nil && MemorySize.product(1 << 40, 1 << 40, 1 << 40) == nil)
    }

    @Test func whatTheSystemGives() {
        #expect(MemorySize.canBeReserved(0) && MemorySize.canBeReserved(1 << 20))
        #expect(!MemorySize.canBeReserved(.max))
        #expect(MemorySize.words(51_539_607_528) == "51.5 GB" && MemorySize.words(1_234_000) == "1.2 MB")
        #expect(MemorySize.words(448_000_000_000) == "448 GB" && MemorySize.words(1 << 43) == "8.8 TB")
    }

    private static func network(_ inputs: Int, _ layers: [LayerDescription]) -> NetworkDescription {
        NetworkDescription(
            inputs: inputs, layers: layers + [LayerDescription(name: "output", units: 2)], output: .softmax)
    }

    private static let hugeNetworks: [(NetworkDescription, String)] = [
        (network(3, [LayerDescription(name: "a", units: .max)]), "layer 'a' has \(Int.max) units and 3 inputs"),
        (network(3, [LayerDescription(name: "a", units: 1 << 62)]), "layer 'a' has \(1 << 62) units and 3 inputs"),
        (network(.max, []), "layer 'output' has 2 units and \(Int.max) inputs"),
        (
            network(3, [LayerDescription(name: "a", units: 4, activation: .softmaxWeighted, components: .max)]),
            "layer 'a' has 4 units of \(Int.max) components"
        ),
        (
            network(3, (0..<9).map { LayerDescription(name: "n\($0)", units: 1 << 19) }),
            "layer 'n4' has 524288 units and 524288 inputs"
        ),
    ]

    @Test(arguments: hugeNetworks)
    func unitsThatCannotBeCounted(description: NetworkDescription, message: String) {
        for precision in [Precision.float32, .float64] {
            #expect {
                if precision == .float32 {
                    _ = try Network<Float>(description)
                } else {
                    _ = try Network<Double>(description)
                }
            } throws: { error in
                "\(error)".hasPrefix(message) && "\(error)".contains("fewer units")
            }
        }
    }

    private func plan(samples: Int, batch: Int, inputs: Int = 2, units: Int = 4) throws -> MemoryPlan {
        try MemoryPlan(
            network: Self.network(inputs, [LayerDescription(name: "a", units: units)]),
            loss: LossDescription(kind: .crossEntropy), optimizer: OptimizerDescription(),
            schedule: TrainingSchedule(batchRows: batch, epochs: 1), team: TeamPlan(workers: 2), samples: samples,
            validationSamples: 0, targets: .label, of: Float.self)
    }

    @Test func samplesAndBatchesThatCannotBeCounted() throws {
        #expect { try plan(samples: 1 << 32, batch: 8, inputs: 1 << 32) } throws: { error in
            "\(error)".hasPrefix("4294967296 samples of 4294967296 features and 1 target are more than 8.8 TB")
        }
        #expect { try plan(samples: 1 << 32, batch: 1 << 32, units: 1 << 20) } throws: { error in
            "\(error)".hasPrefix("the activations of a batch of 4294967296 are more than 8.8 TB")
        }
    }

    @Test(arguments: [
        (1_000_000_000, 8, 4, "the samples need 12.0 GB of it: choose fewer samples or features"),
        (8, 8, 1 << 24, "choose a smaller training.batch"),
        (8, 1, 1 << 24, "the parameters and what updates them need "),
    ])
    func whatNeedsMostIsNamed(samples: Int, batch: Int, units: Int, message: String) throws {
        var plan = try plan(samples: samples, batch: batch, units: units)
        plan.programBytes = 1 << 50
        let needed = plan.totalBytes - plan.programBytes
        try plan.checkReservable { $0 <= needed }
        #expect { try plan.checkReservable { $0 < needed } } throws: { error in
            "\(error)".hasPrefix("the training needs \(MemorySize.words(needed)) of memory")
                && "\(error)".contains(message)
        }
    }

    // MARK: Numbers beyond the precision

    @Test func givenParametersThatFloat32DoesNotHold() throws {
        var weights = [[1.0, 2, 3], [4, 5, 1e39]]
        var layer = LayerDescription(name: "output", units: 2, weights: weights)
        func refused<Scalar: LoomScalar>(_: Scalar.Type, _ rule: Initialization = .init()) -> String? {
            do {
                _ = try Network<Scalar>(
                    NetworkDescription(inputs: 3, layers: [layer], output: .softmax, initialization: rule))
                return nil
            } catch {
                return "\(error)"
            }
        }
        #expect(
            refused(Float.self)?.hasPrefix("weight [1][2] of layer 'output' is 1e+39, which is not finite in float32")
                == true)
        #expect(refused(Double.self) == nil)
        weights[1][2] = 1
        layer = LayerDescription(name: "output", units: 2, weights: weights, bias: [-1e300, 0])
        #expect(refused(Float.self)?.hasPrefix("bias [0] of layer 'output' is -1e+300") == true)
        layer = LayerDescription(name: "output", units: 2)
        #expect(refused(Float.self) == nil)
        let constant = Initialization(kind: .constant, value: 1e300)
        #expect(refused(Float.self, constant)?.hasPrefix("the initial value of all weights is 1e+300") == true)
        #expect(refused(Double.self, constant) == nil)
    }

    @Test func tensorsThatAreNotFinite() throws {
        let network = try Network<Float>(Self.network(3, [LayerDescription(name: "a", units: 4)]))
        let parameters = network.initialParameters()
        #expect(parameters.firstNotFinite == nil)
        parameters.setValues(2, to: parameters.values(2).dropLast() + [.infinity])
        #expect(parameters.firstNotFinite == network.layout.tensors[2].name)
    }
}
