import Benchmark
import COpenBLAS

let benchmarks: @Sendable () -> Void = {
    // Workers share out the samples: a product uses the thread that calls it.
    openblas_set_num_threads(1)
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput], warmupIterations: 10, scalingFactor: .kilo,
        maxDuration: .seconds(1))

    for (samples, inputs, units) in [(64, 32, 64), (128, 784, 128), (256, 784, 1024), (64, 1024, 1024)] {
        Benchmark(
            "forward product, float32, \(samples) × \(inputs) × \(units)",
            configuration: .init(scalingFactor: .one)
        ) { benchmark in
            let input = Matrix<Float>(rows: samples, columns: inputs)
            let weights = Matrix<Float>(rows: units, columns: inputs)
            let output = Matrix<Float>(rows: samples, columns: units)
            benchmark.startMeasurement()
            for _ in benchmark.scaledIterations {
                Gemm<Float>.openBLAS.forward(input.view, weights: GemmOperand(weights.view), into: output.view)
            }
            benchmark.stopMeasurement()
            blackHole(output.view[0, 0])
        }
    }

    for (name, activation) in [
        ("relu", ActivationKernel.relu), ("sigmoid", .sigmoid), ("tanh", .tanh), ("arctan", .arctan), ("exp", .exp),
        ("softplus", .softplus),
    ] {
        kernel("activation \(name), float32, 64 × 256") { matrices in
            Float.activate(activation, bias: nil, preActivations: matrices[0].view, outputs: matrices[1].view)
        }
        kernel("derivative of \(name), float32, 64 × 256") { matrices in
            Float.multiplyDerivative(activation, stored: matrices[0].view, deltas: matrices[1].view)
        }
    }
    kernel("softmax cross entropy, float32, 64 × 256") { matrices in
        var correct = 0
        blackHole(
            Float.softmaxCrossEntropy(
                bias: nil, logits: matrices[0].view, targets: matrices[1].view, scale: 1,
                deltas: matrices[2].view.pointer, correct: &correct))
    }
    for (name, rule) in [
        ("sgd", UpdateRule.sgd), ("momentum", .momentum), ("nesterov", .nesterov), ("adam", .adam),
    ] {
        kernel("update \(name), float32, 64 × 256") { matrices in
            var settings = UpdateSettings()
            settings.learningRate = 1e-3
            settings.epsilon = 1e-8
            Float.update(
                rule, settings, weights: matrices[0].view, gradients: matrices[1].view.pointer,
                firstState: matrices[2].view.pointer, secondState: matrices[3].view.pointer)
        }
    }
    kernel("column sums, float32, 64 × 256") { matrices in
        Float.columnSums(matrices[0].view, into: matrices[1].view.pointer)
    }

    Benchmark("aligned buffer of 1,000 elements") { benchmark in
        for _ in benchmark.scaledIterations {
            blackHole(AlignedBuffer<Float>(uninitializedCount: 1000))
        }
    }
}

/// A benchmark of `body` on four matrices of 64 × 256, which fit into the second-level cache.
func kernel(_ name: String, _ body: @escaping @Sendable ([Matrix<Float>]) -> Void) {
    Benchmark("kernel, \(name)") { benchmark in
        let matrices = (0..<4).map { _ in Matrix<Float>(rows: 64, columns: 256) }
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { body(matrices) }
        benchmark.stopMeasurement()
        blackHole(matrices[0].view[0, 0])
    }
}

/// A matrix that owns its memory, with rows padded as in training.
struct Matrix<Scalar: LoomScalar>: Sendable {
    let buffer: AlignedBuffer<Scalar>
    let view: MatrixView<Scalar>

    init(rows: Int, columns: Int) {
        let stride = Padding.stride(columns: columns, of: Scalar.self)
        buffer = AlignedBuffer(count: rows * stride, repeating: 0.5)
        view = MatrixView(pointer: buffer.pointer, rows: rows, columns: columns, stride: stride)
    }
}
