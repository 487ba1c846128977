import LoomKernels
import LoomModel
import LoomTraining
import TestSupport
import Testing

/// Results depend on the elements of matrices alone: not on what scratch memory held, not on the padding of rows.
@Suite struct TrainerMemoryTests {
    struct Case: Sendable, CustomStringConvertible {
        let problem: FastProblem
        let kind: OptimizerDescription.Kind
        let clipNorm: Double?
        let workers: Int
        let shuffles: Bool

        var description: String {
            "\(problem) \(kind) clip \(clipNorm ?? .infinity) \(workers) workers\(shuffles ? " shuffled" : "")"
        }

        func trainer<Scalar: LoomScalar>(_ type: Scalar.Type) throws -> Trainer<Scalar> {
            try problem.trainer(
                type, optimizer: OptimizerDescription(kind: kind, learningRate: 0.02, clipNorm: clipNorm),
                schedule: TrainingSchedule(batchRows: 9, epochs: 2, shuffles: shuffles),
                team: TeamPlan(workers: workers, shardRows: 4))
        }
    }

    /// Every activation, output and optimizer; widths that leave padding in both precisions.
    static let cases: [Case] = RandomProblem.trainableActivations.enumerated().flatMap { index, activation in
        RandomProblem.trainableOutputs.enumerated().map { pair, combination in
            let kinds = OptimizerDescription.Kind.allCases
            return Case(
                problem: FastProblem(
                    RandomProblem(
                        seed: UInt64(index), layers: [5, 19, 3, 7], activation: activation,
                        output: combination.output, loss: LossDescription(kind: combination.loss, l2: 0.01),
                        rows: 21)),
                kind: kinds[(index + pair) % kinds.count], clipNorm: pair.isMultiple(of: 2) ? 0.1 : nil,
                workers: 1 + (index + pair) % 3, shuffles: (index + pair / 2).isMultiple(of: 2))
        }
    }

    // MARK: Scratch

    @Test(arguments: cases) func scratchDoesNotMatter(_ training: Case) throws {
        try checkScratch(training, Float.self)
        try checkScratch(training, Double.self)
    }

    private func checkScratch<Scalar: LoomScalar>(_ training: Case, _ type: Scalar.Type) throws {
        func hashes(filling byte: UInt8?) throws -> [String] {
            let trainer = try training.trainer(type)
            var hashes: [String] = []
            for _ in 0..<trainer.totalSteps {
                if let byte { trainer.fillScratch(byte: byte) }
                let (loss, gradient) = trainer.gradient()
                hashes.append("\(loss) \(gradient.hash)")
                if let byte { trainer.fillScratch(byte: byte) }
                let report = trainer.run(steps: 1)
                hashes.append("\(report.loss) \(trainer.parameters.hash)")
            }
            return hashes
        }
        let expected = try hashes(filling: nil)
        #expect(try hashes(filling: 0x00) == expected)
        // Every float is a NaN.
        #expect(try hashes(filling: 0xff) == expected)
    }

    /// The fill reaches what a step writes: without a step in between, it is there to be seen.
    @Test func scratchIsFilled() throws {
        let trainer = try Self.cases[0].trainer(Float.self)
        _ = trainer.gradient()
        #expect(trainer.handle.logits[0, 0].isFinite && trainer.handle.deltas(of: 0)[8, 18].isFinite)
        trainer.fillScratch(byte: 0xff)
        #expect(trainer.handle.logits[0, 0].isNaN && trainer.handle.deltas(of: 0)[8, 18].isNaN)
    }

    // MARK: Padding

    @Test(arguments: cases) func paddingDoesNotMatter(_ training: Case) throws {
        try checkPadding(training, Float.self)
        try checkPadding(training, Double.self)
    }

    private func checkPadding<Scalar: LoomScalar>(_ training: Case, _ type: Scalar.Type) throws {
        let clean = try training.trainer(type)
        let poisoned = try training.trainer(type)
        for _ in 0..<clean.totalSteps {
            for buffer in [
                poisoned.parameters, poisoned.gradients, poisoned.state.first, poisoned.state.second,
            ] {
                if let buffer { #expect(poison(buffer) > 0) }
            }
            let expected = clean.gradient()
            let (loss, gradient) = poisoned.gradient()
            #expect(loss == expected.loss && gradient.hash == expected.gradient.hash)
            let (report, other) = (clean.run(steps: 1), poisoned.run(steps: 1))
            #expect(report.loss == other.loss && report.accuracy == other.accuracy)
            #expect(clean.parameters.hash == poisoned.parameters.hash)
            #expect(clean.state.first?.hash == poisoned.state.first?.hash)
            #expect(clean.state.second?.hash == poisoned.state.second?.hash)
        }
    }

    /// Writes NaN behind the elements of every row; returns how many.
    private func poison<Scalar: LoomScalar>(_ buffer: ParameterBuffer<Scalar>) -> Int {
        var count = 0
        for (index, tensor) in buffer.layout.tensors.enumerated() {
            let matrix = buffer.view(index)
            for row in 0..<tensor.rows {
                for column in tensor.columns..<tensor.stride {
                    matrix.pointer[row * tensor.stride + column] = .nan
                    count += 1
                }
            }
        }
        return count
    }
}
