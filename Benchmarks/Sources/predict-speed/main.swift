import Foundation
import GradloomInternals
import Workloads

// How long the prediction of one sample takes, on one thread: that of a Predictor, which allocates nothing, and that of a
// Model, which hands out an array. Medians of blocks of 1,000 predictions, each of another sample.

/// Nanoseconds of one call of `body`, the median of 101 blocks of 1,000.
func nanoseconds(_ body: (_ index: Int) -> Void) -> Double {
    let blocks = (0..<101).map { _ in
        let begin = DispatchTime.now().uptimeNanoseconds
        for index in 0..<1000 { body(index) }
        return Double(DispatchTime.now().uptimeNanoseconds - begin) / 1000
    }
    return blocks.sorted()[blocks.count / 2]
}

func report(_ workload: Workload) async throws {
    let inputs = workload.sizes[0]
    // No matter what it has learnt: one step.
    var training = TrainingSettings()
    (training.batch, training.steps) = (32, 1)
    let task = SyntheticDescription(
        task: .teacher, samples: 32, inputs: inputs, classes: workload.output == .softmax ? workload.sizes.last : nil)
    let model = try await Model.train(
        SyntheticSource(task),
        network: NetworkSettings(
            units: Array(workload.sizes.dropFirst()), activation: workload.activation, output: workload.output),
        training: training)
    var random = SystemRandomNumberGenerator()
    let samples = (0..<1000).map { _ in (0..<inputs).map { _ in Float.random(in: -1...1, using: &random) } }
    let predictor = model.predictor()
    var prediction = [Float](repeating: 0, count: model.outputs)
    let byPredictor = nanoseconds { index in
        samples[index].withUnsafeBufferPointer { sample in
            prediction.withUnsafeMutableBufferPointer { predictor.predict(sample, into: $0) }
        }
    }
    var sum: Float = 0
    let byModel = nanoseconds { index in
        // The sample has the right number of features.
        sum += try! model.predict(samples[index])[0]
    }
    let shape = workload.sizes.map(String.init).joined(separator: "-")
    print(
        "\(workload.name) \(shape): \(Int(byPredictor.rounded())) ns by a Predictor, \(Int(byModel.rounded())) ns by a Model"
    )
    withExtendedLifetime(sum) {}
}

for name in ["tiny", "mnist", "wide"] { try await report(Workload.named(name)!) }
