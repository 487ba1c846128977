import Foundation
import LoomConfiguration
import LoomData
import LoomKernels
import LoomModel
import LoomRuns
import Testing

/// What is refused before anything is planned, and what is said where a wish cannot be met.
@Suite struct PlannedStepTests {
    private func configuration(_ overrides: [String]) throws -> Configuration {
        let yaml = """
            data: {synthetic: {task: teacher, samples: 100, inputs: 7, classes: 3}, validation: 0.2}
            network: {layers: [{units: 9, activation: tanh}, {units: 3}], output: softmax}
            training: {batch: 64}
            """
        return try Configuration(yaml: yaml, file: "a.yaml", overrides: ["parallel.gemm=builtin"] + overrides)
    }

    private func notes(_ overrides: String..., workers: Int = 2) throws -> [String] {
        try configuration(overrides).plannedStep(on: MachineSetup(workers: workers, policy: .none)).notes
    }

    @Test func aBatchLargerThanTheTrainingPart() throws {
        let configuration = try configuration(["training.batch=81"])
        let expected = ModelError(
            "training.batch is 81, but there are only 80 training samples; choose a batch of at most 80")
        #expect(throws: expected) {
            try configuration.plannedStep(on: MachineSetup(workers: 1, policy: .none))
        }
    }

    @Test func withoutABatchTheDataDecide() throws {
        let machine = try MachineSetup(workers: 1, policy: .none)
        for (samples, batch) in [(100, 80), (1000, 256)] {
            let configuration = try configuration(["training.batch=auto", "data.synthetic.samples=\(samples)"])
            let step = try configuration.plannedStep(on: machine)
            #expect(step.program.batchRows == batch)
            let trainer = try Experiment<Float>(configuration, machine: machine).trainer
            #expect(trainer.epochs.batchRows == batch && trainer.program.batchRows == batch)
            #expect(trainer.run(steps: 2).divergedStep == nil)
        }
    }

    @Test(arguments: ["network.output=sigmoid", "loss.kind=squared_sum", "network.output=softmax"])
    func classesAreStratifiedWithEveryLoss(override: String) throws {
        let configuration = try configuration([
            override, "data.synthetic={task: blobs, samples: 90, classes: 3, inputs: 7}",
            "data.validation={fraction: 0.3, stratified: true}", "training.batch=auto",
        ])
        let data = try PreparedData<Float>(
            configuration.data, network: configuration.network.description(inputs: 0), loss: configuration.loss)
        let validation = try #require(data.validation?.dataset)
        var counts = [0, 0, 0]
        switch validation.targets {
        case .labels(let labels, _): for label in labels.elements { counts[Int(label)] += 1 }
        case .values(let rows):
            for row in 0..<rows.rows { for column in 0..<3 where rows[row, column] == 1 { counts[column] += 1 } }
        case nil: break
        }
        withExtendedLifetime(validation) { #expect(counts == [9, 9, 9]) }
    }

    @Test func onlyStandardisedFloat32NeedsMemoryForFloat64() throws {
        func loading(_ overrides: String...) throws -> Int {
            let configuration = try configuration(overrides)
            return try configuration.plannedMemory(on: MachineSetup(workers: 1, policy: .none)).loadingBytes
        }
        func given(_ standardize: Bool) -> String {
            "data={inline: {inputs: [[1, 2], [3, 4], [5, 6]], targets: [0, 1, 0]}, standardize: \(standardize)}"
        }
        let plain = try loading(given(false), "training.batch=auto")
        // The inputs in float64; the targets are class indices.
        #expect(try loading(given(true), "training.batch=auto") == plain + 3 * 2 * 8)
        #expect(try loading(given(true), "training.batch=auto", "training.precision=float64") == plain)
        // A task's are known well from some of its samples.
        #expect(try loading("data.standardize=true") == loading())
    }

    @Test func parametersOfAFileThatFloat32DoesNotHold() throws {
        let network = try Network<Double>(configuration([]).network.description(inputs: 7))
        let parameters = network.initialParameters()
        parameters.setValues(0, to: parameters.values(0).dropLast() + [1e300])
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).safetensors")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Checkpoint.write(
            parameters: parameters, state: nil, step: 0, numerics: GemmBackend.builtin.numerics, to: path)
        let machine = try MachineSetup(workers: 1, policy: .none)
        let settings = try configuration(["network.initialization.parameters=\(path)", "training.batch=8"])
        #expect {
            try Experiment<Float>(settings, machine: machine)
        } throws: { error in
            "\(error)".hasPrefix("\(path): the tensor 'layer1.weights' has a value that is not finite in float32")
        }
        _ = try Experiment<Double>(settings, machine: machine)
    }

    @Test(arguments: ["data.synthetic.samples=1", "data.validation=0.9999"])
    func aValidationPartThatTakesAll(override: String) throws {
        let configuration = try configuration([override, "training.batch=1"])
        let machine = try MachineSetup(workers: 1, policy: .none)
        #expect {
            try Experiment<Float>(configuration, machine: machine)
        } throws: { error in
            "\(error)".contains("samples for validation leave none to train on")
        }
        #expect(throws: DataError.self) { try configuration.plannedStep(on: machine) }
    }

    @Test func moreStepsThanCanBeCounted() throws {
        let configuration = try configuration(["training.epochs=\(Int.max)"])
        let experiment = try Experiment<Float>(configuration, machine: MachineSetup(workers: 1, policy: .none))
        #expect(experiment.trainer.totalSteps == .max)
    }

    @Test func aWishThatIsMetNeedsNoNote() throws {
        #expect(
            try notes() == [] && notes("parallel.groups=4") == []
                && notes("parallel.groups=2", "parallel.route=all_reduce") == [])
    }

    @Test func groupsBeyondTheShards() throws {
        #expect(
            try notes("parallel.groups=64")
                == [
                    "parallel.groups is 64, but a batch of 64 in shards of 16 has 4 at most, and is trained with 4"
                ])
    }

    @Test func routesThatCannotBe() throws {
        let start = "parallel.route is"
        #expect(
            try notes("parallel.groups=2", "parallel.route=all_reduce", workers: 1)
                == [
                    "\(start) all_reduce, but gradients take the route partition: one worker has nobody to exchange "
                        + "gradients with"
                ])
        #expect(
            try notes("parallel.groups=1", "parallel.route=reduce_scatter")
                == [
                    "\(start) reduce_scatter, but gradients take the route partition: the gradient of such a batch is a "
                        + "single group, which cannot be shared out"
                ])
        #expect(
            try notes("parallel.groups=2", "parallel.route=all_reduce", "optimizer.clip_norm=1")
                == [
                    "\(start) all_reduce, but gradients take the route reduce_scatter: clipping, a penalty or weight "
                        + "decay needs the whole gradient"
                ])
    }
}
