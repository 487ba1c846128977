import LoomKernels
import Testing

/// Products that are planned once, against those that are planned when they are called.
@Suite struct PreparedGemmTests {
    private struct Matrix<Scalar: LoomScalar> {
        let buffer: AlignedBuffer<Scalar>
        let view: MatrixView<Scalar>

        init(_ rows: Int, _ columns: Int, seed: UInt64) {
            let stride = Padding.stride(columns: columns, of: Scalar.self)
            var random = KernelTestGenerator(seed: seed)
            buffer = AlignedBuffer((0..<rows * stride).map { _ in Scalar(random.uniform(-1...1)) })
            view = MatrixView(pointer: buffer.pointer, rows: rows, columns: columns, stride: stride)
        }

        var values: [Scalar] {
            (0..<view.rows).flatMap { row in (0..<view.columns).map { view[row, $0] } }
        }
    }

    private static func shape<Scalar>(
        _ role: GemmShape.Role, _ a: GemmOperand<Scalar>, _ b: GemmOperand<Scalar>, _ c: MatrixView<Scalar>
    ) -> GemmShape {
        GemmShape(
            role, rows: c.rows, columns: c.columns, inner: a.columns,
            left: .init(stride: a.matrix.stride, isTransposed: a.transposed),
            right: .init(stride: b.matrix.stride, isTransposed: b.transposed), resultStride: c.stride,
            precision: Scalar.precision)
    }

    private static func check<Scalar: LoomScalar>(
        _: Scalar.Type, _ backend: GemmBackend, rows: Int, inputs: Int, units: Int
    ) {
        let memory = GemmMemory<Scalar>(backend: backend, workers: 1)
        let gemm = memory.gemms[0]
        let (x, weights, deltas) = (
            Matrix<Scalar>(rows, inputs, seed: 1), Matrix<Scalar>(units, inputs, seed: 2),
            Matrix<Scalar>(rows, units, seed: 3)
        )
        func compare(
            _ role: GemmShape.Role, _ a: GemmOperand<Scalar>, _ b: GemmOperand<Scalar>,
            _ planned: (MatrixView<Scalar>) -> Void
        ) {
            let expected = Matrix<Scalar>(a.rows, b.columns, seed: 4),
                actual = Matrix<Scalar>(a.rows, b.columns, seed: 4)
            planned(expected.view)
            let prepared: PreparedGemm<Scalar> = backend.prepare(Self.shape(role, a, b, actual.view))
            prepared.run(a.matrix, b.matrix, into: actual.view, scratch: gemm.scratch)
            #expect(actual.values == expected.values, "\(backend) \(role) \(rows) × \(inputs) × \(units)")
        }
        compare(.forward, GemmOperand(x.view), GemmOperand(weights.view, transposed: true)) {
            gemm.forward(x.view, weights: GemmOperand(weights.view), into: $0)
        }
        compare(.backward, GemmOperand(deltas.view), GemmOperand(weights.view)) {
            gemm.backward(deltas.view, weights: GemmOperand(weights.view), into: $0)
        }
        compare(.gradient, GemmOperand(deltas.view, transposed: true), GemmOperand(x.view)) {
            gemm.gradient(deltas.view, x.view, into: $0)
        }
        withExtendedLifetime((memory, x, weights, deltas)) {}
    }

    @Test("Prepared and called products have the same bits", arguments: GemmBackend.allCases)
    func preparedProducts(_ backend: GemmBackend) {
        for (rows, inputs, units) in [(32, 64, 10), (20, 7, 33), (70, 300, 130)] {
            Self.check(Float.self, backend, rows: rows, inputs: inputs, units: units)
            Self.check(Double.self, backend, rows: rows, inputs: inputs, units: units)
        }
    }

    @Test func fusedUpdateOfWeights() {
        let memory = GemmMemory<Float>(backend: .builtin, workers: 1)
        let gemm = memory.gemms[0]
        let (deltas, x) = (Matrix<Float>(40, 30, seed: 1), Matrix<Float>(40, 50, seed: 2))
        let expected = (velocity: Matrix<Float>(30, 50, seed: 3), weights: Matrix<Float>(30, 50, seed: 4))
        let actual = (velocity: Matrix<Float>(30, 50, seed: 3), weights: Matrix<Float>(30, 50, seed: 4))
        gemm.gradient(
            deltas.view, x.view, alpha: 0.5, beta: 0.9, into: expected.velocity.view,
            update: FusedWeightUpdate(weights: expected.weights.view, learningRate: 0.1))
        var shape = Self.shape(
            .gradient, GemmOperand(deltas.view, transposed: true), GemmOperand(x.view), actual.velocity.view)
        shape.accumulates = true
        let prepared: PreparedGemm<Float> = GemmBackend.builtin.prepare(
            shape, epilogue: .fusedWeightUpdate(weightsStride: actual.weights.view.stride))
        prepared.run(
            deltas.view, x.view, into: actual.velocity.view, alpha: 0.5, beta: 0.9,
            update: FusedWeightUpdate(weights: actual.weights.view, learningRate: 0.1), scratch: gemm.scratch)
        #expect(actual.velocity.values == expected.velocity.values)
        #expect(actual.weights.values == expected.weights.values)
        #expect(actual.weights.values != Matrix<Float>(30, 50, seed: 4).values)
        withExtendedLifetime((memory, deltas, x)) {}
    }

    @Test func capabilities() throws {
        let gradient = GemmShape(
            .gradient, rows: 64, columns: 128, inner: 256, left: .init(stride: 64, isTransposed: true),
            right: .init(stride: 128), resultStride: 128, precision: .float32)
        var forward = gradient
        forward.role = .forward
        forward.left.isTransposed = false
        forward.right.isTransposed = true
        let builtin = GemmBackend.builtin, library = GemmBackend.openBLAS
        #expect(try #require(builtin.capabilities(for: gradient)).fusesWeightUpdate)
        #expect(try #require(builtin.capabilities(for: gradient)).isPartitionInvariant)
        #expect(try #require(builtin.capabilities(for: gradient)).scratchBytes == 0)
        #expect(!(try #require(builtin.capabilities(for: forward)).fusesWeightUpdate))
        #expect(!(try #require(library.capabilities(for: gradient)).fusesWeightUpdate))
        #expect(!(try #require(library.capabilities(for: gradient)).isPartitionInvariant))
        forward.operands = .float64
        #expect(builtin.capabilities(for: forward) == nil && library.capabilities(for: forward) == nil)
    }
}
