import Testing

@testable import LoomData

/// What makes tasks harder.
@Suite struct SyntheticAlterationTests {
    @Test func wrongLabels() throws {
        let clean = SyntheticDescription(task: .blobs, samples: 9000, classes: 4)
        let (inputs, targets) = try clean.rows()
        let noisy = try clean.with { $0.labelNoise = 0.3 }.rows()
        #expect(noisy.inputs == inputs)
        let steps = zip(targets, noisy.targets).map { (Int($1[0]) - Int($0[0]) + 4) % 4 }
        // 70 % and three times 10 %, ± 4 deviations.
        let counts = (0..<4).map { step in Double(steps.count { $0 == step }) / 9000 }
        #expect(abs(counts[0] - 0.7) < 0.02)
        #expect(counts.dropFirst().allSatisfy { abs($0 - 0.1) < 0.013 })
    }

    @Test(arguments: SyntheticDescription.Task.choosesClassFirst)
    func frequencies(task: SyntheticDescription.Task) throws {
        let weights: [Double] = task == .voices ? [3, 1] : [3, 0, 1]
        let description = SyntheticDescription(task: task, samples: 2000, classes: weights.count)
            .with { $0.classShares = weights }
        let (_, targets) = try description.rows()
        for (label, weight) in weights.enumerated() {
            let share = Double(targets.count { $0[0] == Double(label) }) / 2000
            #expect(weight == 0 ? share == 0 : abs(share - weight / 4) < 0.04)
        }
        // Classes have the inputs that they have when they take turns.
        let alone = try description.with { $0.classShares = [1] + weights.dropFirst().map { _ in 0 } }.rows()
        #expect(alone.targets.allSatisfy { $0[0] == 0 })
        let turns = try description.with { $0.classShares = nil }.rows()
        #expect((0..<2000).allSatisfy { $0 % weights.count != 0 || turns.inputs[$0] == alone.inputs[$0] })
    }

    @Test func appendedFeatures() throws {
        let plain = SyntheticDescription(task: .xor, samples: 3000, inputs: 3)
        let (own, targets) = try plain.rows()
        let (inputs, same) = try plain.with { ($0.redundant, $0.irrelevant) = (4, 2) }.rows()
        #expect(same == targets && inputs.map { Array($0[..<3]) } == own)
        let rows = RandomDirections.rows(
            4, of: 3, seed: 1, stream: SyntheticDescription.SubStream.redundant, length: 1)
        for sample in inputs {
            for feature in 0..<4 {
                let expected = dot(rows[3 * feature..<3 * feature + 3], Array(sample[..<3]))
                #expect(abs(sample[3 + feature] - expected) < 2e-6)
            }
        }
        for feature in 7..<9 {
            let values = inputs.map { $0[feature] }
            #expect(abs(mean(values)) < 0.08 && abs(covariance(values, values) - 1) < 0.12)
            #expect((0..<feature).allSatisfy { other in abs(covariance(values, inputs.map { $0[other] })) < 0.08 })
        }
    }

    @Test(arguments: SyntheticDescription.Task.correlates)
    func commonFactor(task: SyntheticDescription.Task) throws {
        let description = SyntheticDescription(task: task, samples: 4000, inputs: 3).with { $0.correlation = 0.6 }
        let (inputs, _) = try description.rows()
        let columns = (0..<3).map { column in inputs.map { $0[column] } }
        for first in 0..<3 {
            for second in 0..<3 {
                #expect(abs(covariance(columns[first], columns[second]) - (first == second ? 1 : 0.6)) < 0.1)
            }
        }
    }
}
