import Benchmark
import COpenBLAS
import LoomKernels

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
                Gemm.forward(input.view, weights: weights.view, into: output.view)
            }
            benchmark.stopMeasurement()
            blackHole(output.view[0, 0])
        }
    }

    Benchmark("aligned buffer of 1,000 elements") { benchmark in
        for _ in benchmark.scaledIterations {
            blackHole(AlignedBuffer<Float>(uninitializedCount: 1000))
        }
    }
}

/// A matrix that owns its memory, with rows padded as in training.
struct Matrix<Scalar: LoomScalar> {
    let buffer: AlignedBuffer<Scalar>
    let view: MatrixView<Scalar>

    init(rows: Int, columns: Int) {
        let stride = Padding.stride(columns: columns, of: Scalar.self)
        buffer = AlignedBuffer(count: rows * stride, repeating: 0.5)
        view = MatrixView(pointer: buffer.pointer, rows: rows, columns: columns, stride: stride)
    }
}
