import Foundation
import LoomKernels
import LoomModel
import LoomTraining
import TestSupport
import Testing

@testable import LoomRuns

/// What is saved is enough to go on with the same bits.
@Suite struct CheckpointTests {
    private func trainer<Scalar: LoomScalar>(
        _ type: Scalar.Type, _ kind: OptimizerDescription.Kind, weights: UInt64 = 1
    ) throws -> Trainer<Scalar> {
        var problem = FastProblem.made(layers: [5, 18, 3], output: .softmax, rows: 50, seed: 1)
        problem.network.initialization.seed = weights
        return try problem.trainer(
            type,
            optimizer: OptimizerDescription(
                kind: kind, learningRate: 0.02, clipNorm: 0.5,
                schedule: LearningRateSchedule(kind: .cosine, warmupSteps: 3)),
            schedule: TrainingSchedule(batchRows: 16, epochs: 4, seed: 3), team: TeamPlan(workers: 2))
    }

    private func inTemporaryDirectory(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(directory.path)
    }

    // MARK: Names

    @Test func checkpointsNameEveryConnection() throws {
        let problem = RandomGraph.problem(seed: 3)
        let trainer = try problem.trainer(Float.self)
        let names = trainer.network.layout.tensors.map(\.name)
        #expect(Set(names).count == names.count)
        for layer in trainer.network.description.layers {
            let inputs = layer.inputs!
            for input in inputs {
                #expect(names.contains(inputs.count == 1 ? "\(layer.name).weights" : "\(layer.name).weights.\(input)"))
            }
        }
        _ = trainer.run(steps: 3)
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Checkpoint.contents(
            parameters: trainer.parameters, state: trainer.state, step: trainer.step, numerics: .fma1
        ).write(to: path)
        let other = try problem.trainer(Float.self)
        #expect(try Checkpoint.restore(Safetensors(contentsOf: path), parameters: other.parameters) == 3)
        #expect(other.parameters.hash == trainer.parameters.hash)
    }

    // MARK: Going on

    /// Saved within an epoch, at its end and at the very beginning.
    @Test(arguments: OptimizerDescription.Kind.allCases, [0, 4, 6])
    func goesOnWithTheSameBits(kind: OptimizerDescription.Kind, step: Int) throws {
        try check(Float.self, kind, step: step)
        try check(Double.self, kind, step: step)
    }

    private func check<Scalar: LoomScalar>(
        _ type: Scalar.Type, _ kind: OptimizerDescription.Kind, step: Int
    ) throws {
        let uninterrupted = try trainer(type, kind)
        #expect(uninterrupted.run(steps: .max / 2).steps == 16)
        let first = try trainer(type, kind)
        _ = first.run(steps: step)
        try inTemporaryDirectory { directory in
            let path = directory + "/checkpoint.safetensors"
            try Checkpoint.contents(
                parameters: first.parameters, state: first.state, step: first.step, numerics: .fma1
            ).write(to: path)
            // Other weights, and a state that is not zero: all must come from the file.
            let second = try trainer(type, kind, weights: 99)
            _ = second.run(steps: 2)
            try second.restore(Safetensors(contentsOf: path))
            #expect(second.step == step)
            #expect(second.parameters.hash == first.parameters.hash)
            _ = second.run(steps: .max / 2)
            #expect(second.step == 16)
            #expect(second.parameters.hash == uninterrupted.parameters.hash)
            #expect(second.state.first?.hash == uninterrupted.state.first?.hash)
            #expect(second.state.second?.hash == uninterrupted.state.second?.hash)
        }
    }

    // MARK: Contents

    @Test func namesAndShapes() throws {
        let trainer = try trainer(Float.self, .adam)
        _ = trainer.run(steps: 2)
        let extra = Safetensors.Tensor(name: "mean", shape: [2], values: .float64([1, 2]))
        let contents = Checkpoint.contents(
            parameters: trainer.parameters, state: trainer.state, step: 2, numerics: .fma1,
            metadata: ["key": "value"], extraTensors: [extra])
        let names = ["layer1.weights", "layer1.bias", "layer2.weights", "layer2.bias"]
        #expect(
            contents.tensors.map(\.name) == names + names.map { "optimizer.first." + $0 }
                + names.map { "optimizer.second." + $0 } + ["mean"])
        #expect(contents.tensors.prefix(4).map(\.shape) == [[18, 5], [18], [3, 18], [3]])
        #expect(contents.tensors[0].values == .float32(trainer.parameters.values(0)))
        #expect(contents.tensors[9].values == .float32(trainer.state.second!.values(1)))
        #expect(contents.metadata == ["key": "value", "step": "2", "numerics": "fma-1", "format": "gradloom"])
        #expect(Checkpoint.numerics(of: contents) == .fma1)
        // Before checkpoints had the entry.
        #expect(Checkpoint.numerics(of: Safetensors(tensors: contents.tensors)) == .fma0)
        let plain = try self.trainer(Double.self, .sgd)
        let withoutState = Checkpoint.contents(
            parameters: plain.parameters, state: plain.state, step: 0, numerics: .openBLAS)
        #expect(Checkpoint.numerics(of: withoutState) == .openBLAS)
        #expect(withoutState.tensors.map(\.name) == names)
        #expect(withoutState.tensors[3].values == .float64([0, 0, 0]))
    }

    /// Straight from the buffers, or by way of tensors in memory: the same contents; the former with checksums.
    @Test(arguments: OptimizerDescription.Kind.allCases) func writesWhatTheContentsSay(
        kind: OptimizerDescription.Kind
    ) throws {
        try checkWriting(Float.self, kind)
        try checkWriting(Double.self, kind)
    }

    private func checkWriting<Scalar: LoomScalar>(_ type: Scalar.Type, _ kind: OptimizerDescription.Kind) throws {
        let trainer = try trainer(type, kind)
        _ = trainer.run(steps: 3)
        let extra = Safetensors.Tensor(name: "mean", shape: [2], values: .float64([1, 2]))
        try inTemporaryDirectory { directory in
            try Checkpoint.contents(
                parameters: trainer.parameters, state: trainer.state, step: 3, numerics: .fma1,
                metadata: ["key": "value"], extraTensors: [extra]
            ).write(to: directory + "/contents")
            try Checkpoint.write(
                parameters: trainer.parameters, state: trainer.state, step: 3, numerics: .fma1,
                metadata: ["key": "value"], extraTensors: [extra], to: directory + "/direct")
            let direct = try Safetensors(contentsOf: directory + "/direct")
            #expect(try direct == Safetensors(contentsOf: directory + "/contents"))
            // Every byte of the numbers counts.
            let bytes = try Data(contentsOf: URL(fileURLWithPath: directory + "/direct"))
            #expect(bytes.range(of: Data("\\\"mean\\\":".utf8)) != nil)
            for place in [bytes.count - 1, bytes.count / 2 + bytes.count / 3] {
                var damaged = bytes
                damaged[place] ^= 0x10
                try damaged.write(to: URL(fileURLWithPath: directory + "/damaged"))
                let error = try #require(throws: SafetensorsError.self) {
                    try Safetensors(contentsOf: directory + "/damaged")
                }
                #expect(error.problem == .checksum && error.isDamage)
            }
        }
    }

    /// Whatever single bit changes on the disk, of numbers or of what is said about them: it is noticed, or means the same.
    @Test func everyByteCounts() throws {
        let trainer = try trainer(Float.self, .sgd)
        try inTemporaryDirectory { directory in
            let path = directory + "/checkpoint"
            try Checkpoint.write(
                parameters: trainer.parameters, state: trainer.state, step: 3, numerics: .fma1,
                metadata: ["labels": "1", "names": "a\nb"], to: path)
            let whole = try Safetensors(contentsOf: path)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            var noticed = 0
            for place in bytes.indices {
                var damaged = bytes
                damaged[place] ^= place.isMultiple(of: 2) ? 1 : 0x10
                try damaged.write(to: URL(fileURLWithPath: path))
                do {
                    let read = try Safetensors(contentsOf: path)
                    let means = read.metadata.merging(whole.metadata) { $1 } == read.metadata
                    #expect(means && read.tensors.elementsEqual(whole.tensors), "byte \(place)")
                } catch {
                    noticed += 1
                }
            }
            // The rest are spaces behind the header, and the names of the entries that have the checksums.
            #expect(noticed > bytes.count - 100)
        }
    }

    /// The parameters alone can be read in the other precision, to evaluate or predict.
    @Test func parametersInTheOtherPrecision() throws {
        let saved = try trainer(Float.self, .momentum)
        _ = saved.run(steps: 3)
        let contents = Checkpoint.contents(
            parameters: saved.parameters, state: saved.state, step: 3, numerics: .fma1)
        let parameters = ParameterBuffer<Double>(layout: try trainer(Double.self, .sgd).network.layout)
        #expect(try Checkpoint.restore(contents, parameters: parameters) == 3)
        for tensor in 0..<4 {
            #expect(parameters.values(tensor) == saved.parameters.values(tensor).map(Double.init))
        }
    }

    // MARK: Refusals

    @Test func anotherShapeIsRefused() throws {
        let saved = try trainer(Float.self, .sgd)
        let contents = Checkpoint.contents(
            parameters: saved.parameters, state: saved.state, step: 3, numerics: .fma1)
        let wider = try FastProblem.made(layers: [5, 19, 3], output: .softmax, rows: 50, seed: 1).trainer(
            Float.self)
        let error = #expect(throws: SafetensorsError.self) {
            try Checkpoint.restore(contents, parameters: wider.parameters)
        }
        #expect(error?.tensor == "layer1.weights")
        #expect(error?.problem == .otherShape(found: [18, 5], expected: [19, 5]))
        #expect(error.map { "\($0)" }?.contains("layer1.weights") == true)
    }

    @Test func aMissingOptimizerStateIsRefused() throws {
        let saved = try trainer(Float.self, .momentum)
        _ = saved.run(steps: 3)
        let contents = Checkpoint.contents(
            parameters: saved.parameters, state: saved.state, step: 3, numerics: .fma1)
        let adam = try trainer(Float.self, .adam)
        let before = adam.parameters.hash
        #expect(before != saved.parameters.hash)
        let error = #expect(throws: SafetensorsError.self) { try adam.restore(contents) }
        #expect(error?.tensor == "optimizer.second.layer1.weights")
        guard case .missing? = error?.problem else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(adam.step == 0 && adam.parameters.hash == before)
    }

    @Test func aDeeperNetworkMissesItsTensors() throws {
        let saved = try trainer(Double.self, .sgd)
        let contents = Checkpoint.contents(parameters: saved.parameters, state: nil, step: 3, numerics: .fma1)
        let deeper = try FastProblem.made(layers: [5, 18, 3, 3], output: .softmax, rows: 50, seed: 1)
            .trainer(Double.self)
        let error = #expect(throws: SafetensorsError.self) {
            try Checkpoint.restore(contents, parameters: deeper.parameters)
        }
        #expect(error?.tensor == "layer3.weights")
    }

    // MARK: Hash

    @Test func hashIsThatOfTheBytes() throws {
        let network = try Network<Float>(
            NetworkDescription(
                inputs: 3, layers: [LayerDescription(name: "a", units: 1)], output: .identity))
        let parameters = ParameterBuffer<Float>(layout: network.layout)
        // sha256 of 16 zero bytes: `head -c 16 /dev/zero | sha256sum`.
        #expect(parameters.hash == "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb")
        // The padding has no part in it, every parameter has.
        parameters.view(0).pointer[3] = 7
        #expect(parameters.hash == "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb")
        var hashes = Set([parameters.hash])
        for tensor in 0..<2 {
            for element in 0..<network.layout.tensors[tensor].count {
                parameters.view(tensor).pointer[element] += 1
                hashes.insert(parameters.hash)
            }
        }
        #expect(hashes.count == 5)
    }

    /// The hash and the file are those of units × inputs, also where weights lie inputs × units.
    @Test func transposedWeightsAreWrittenAsTheOthers() throws {
        func network(units: Int) throws -> Network<Float> {
            try Network<Float>(
                NetworkDescription(
                    inputs: 3, layers: [LayerDescription(name: "a", units: units, hasBias: false)], output: .identity))
        }
        let parameters = ParameterBuffer<Float>(layout: try network(units: 16).layout)
        #expect(parameters.layout.tensors[0].isTransposed)
        parameters.setValues(0, to: (0..<48).map(Float.init))
        // python3 -c "import struct, hashlib; print(hashlib.sha256(struct.pack('<48f', *range(48))).hexdigest())"
        #expect(parameters.hash == "77135df9eb160bde21ae2ace0f16da1ad544c3be39e09d8e080b4e593b7e0bd4")
        try inTemporaryDirectory { directory in
            let path = directory + "/weights.safetensors"
            try Safetensors.write(parameters.parts(prefix: ""), metadata: [:], to: path)
            let tensor = try Safetensors(contentsOf: path).tensor("a.weights", shape: [16, 3])
            #expect(tensor.values.converted(to: Float.self) == (0..<48).map(Float.init))
        }
    }

    // MARK: Store

    @Test func theStoreKeepsTheNewest() throws {
        try inTemporaryDirectory { directory in
            let store = CheckpointStore(directory: directory, keep: 3)
            #expect(store.newest == nil && store.all.isEmpty)
            for name in ["notes.txt", "step-1.txt", "best.safetensors"] {
                try "kept".write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
            }
            let contents = Safetensors(
                tensors: [Safetensors.Tensor(name: "a", shape: [1], values: .float32([1]))], metadata: [:])
            var paths: [String] = []
            for step in [9, 10, 99_999_999, 100_000_000, 123_456_789] {
                paths.append(try store.write(contents, step: step))
                #expect(store.newest == paths.last)
                #expect(store.all == Array(paths.suffix(3)))
            }
            #expect(paths[0] == "\(directory)/step-00000009.safetensors")
            #expect(paths[3] == "\(directory)/step-100000000.safetensors")
            let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            let expected =
                ["notes.txt", "step-1.txt", "best.safetensors"]
                + paths.suffix(3).map { URL(fileURLWithPath: $0).lastPathComponent }
            #expect(files == expected.sorted())
            // The same step again replaces its file.
            try store.write(contents, step: 123_456_789)
            #expect(store.all == Array(paths.suffix(3)))
        }
    }

    @Test func aDirectoryThatIsMissingIsAnError() throws {
        let store = CheckpointStore(directory: "/nonexistent/checkpoints", keep: 1)
        let contents = Safetensors(tensors: [], metadata: [:])
        #expect(throws: AtomicFile.WriteError.self) { try store.write(contents, step: 1) }
        #expect(store.all.isEmpty)
    }
}
