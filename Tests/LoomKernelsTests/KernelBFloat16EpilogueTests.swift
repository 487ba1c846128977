import CKernels
import LoomKernels
import Testing

/// What becomes of a product in its kernel, against the ordinary kernels of float32 on the product of the scalar model.
@Suite struct KernelBFloat16EpilogueTests {
    static let shapes = [
        BFloat16Shape(1, 1, 1), .init(33, 17, 40), .init(64, 32, 33), .init(70, 100, 50), .init(5, 40, 9),
        .init(290, 33, 12), .init(40, 40, 300),
    ]
    static let activations = (0..<LOOM_ACTIVATION_COUNT.rawValue).map(loom_activation.init(rawValue:))

    /// Whose results are compared with: all ordinary kernels give the same bits.
    static let ordinary = KernelVariant.all[0].kernels(Float.self)

    static func random(
        _ shape: BFloat16Shape, _ range: ClosedRange<Double>, seed: UInt64
    ) -> PaddedMatrix<Float> {
        var generator = KernelTestGenerator(seed: seed)
        return PaddedMatrix(rows: shape.rows, columns: shape.columns) { _, _ in generator.uniform(range) }
    }

    static func window(_ matrix: PaddedMatrix<Float>) -> BFloat16Window {
        BFloat16Window(rows: matrix.rows, columns: matrix.columns) { matrix.row($0)[$1] }
    }

    /// A product, and that of the model, to which a matrix may be added.
    struct Problem {
        let shape: BFloat16Shape
        let factors: BFloat16Factors
        let products: [PaddedMatrix<Float>]
        let start: PaddedMatrix<Float>
        private let addition: BFloat16Window

        init(_ shape: BFloat16Shape) {
            self.shape = shape
            factors = BFloat16Factors(shape, .cancelling)
            products = [LOOM_BF16_DOT, LOOM_BF16_TILES].map(factors.expected)
            start = random(shape, -2...2, seed: 6)
            addition = window(start)
        }

        func expected(_ numerics: loom_bf16_numerics, accumulates: Bool) -> PaddedMatrix<Float> {
            let result = products[Int(numerics.rawValue)].copy()
            guard accumulates else { return result }
            for row in 0..<shape.rows {
                for column in 0..<shape.columns { result.row(row)[column] += start.row(row)[column] }
            }
            return result
        }

        func product(_ epilogue: loom_bf16_epilogue, accumulates: Bool) -> loom_bf16_product {
            var product = factors.product
            product.epilogue = epilogue
            product.accumulates = accumulates
            if accumulates { (product.result, product.result_stride) = (addition.pointer, addition.stride) }
            return product
        }

        /// What is only read is as it was.
        var addendIsUnchanged: Bool { addition.difference(from: start) == nil }
    }

    static func checkActivation(
        _ problem: Problem, _ activation: loom_activation, hasBias: Bool, keepsPre: Bool, accumulates: Bool
    ) {
        let shape = problem.shape
        var generator = KernelTestGenerator(seed: 7)
        // It begins anywhere, and nothing follows it.
        let biases = AlignedBuffer<Float>((0...shape.columns).map { _ in Float(generator.uniform(-1...1)) })
        let bias = hasBias ? biases.pointer + 1 : nil
        let forms = BFloat16Forms(rows: shape.rows + 32, columns: shape.columns + 64)
        for numerics in BFloat16Variant.definitions {
            let pre = problem.expected(numerics, accumulates: accumulates)
            let outputs = PaddedMatrix<Float>(rows: shape.rows, columns: shape.columns)
            ordinary.activate(activation, shape.rows, shape.columns, pre.stride, bias, pre.pointer, outputs.pointer)
            let image = forms.image(of: BFloat16Matrix(rounding: outputs), row: 32, column: 64)
            for variant in BFloat16Variant.all(of: numerics) {
                forms.reset()
                let kept = BFloat16Window(rows: shape.rows, columns: shape.columns)
                var product = problem.product(LOOM_BF16_ACTIVATE, accumulates: accumulates)
                product.activation = activation
                product.bias = UnsafePointer(bias)
                if keepsPre { (product.pre_activations, product.pre_activations_stride) = (kept.pointer, kept.stride) }
                product.packed = forms.pointers(row: 32, column: 64)
                variant.multiply(product)
                let label = "\(variant), \(shape), activation \(activation.rawValue), \(hasBias), \(accumulates)"
                let difference = forms.difference(from: image)
                #expect(difference == nil, "\(label): \(difference ?? "")")
                let preDifference = keepsPre ? kept.difference(from: pre) : nil
                #expect(preDifference == nil, "\(label): pre-activations: \(preDifference ?? "")")
            }
        }
        #expect(problem.addendIsUnchanged)
    }

    @Test("Activations", arguments: shapes)
    func activation(_ shape: BFloat16Shape) {
        let problem = Problem(shape)
        for (index, activation) in Self.activations.enumerated() {
            // All ways of one shape, some of the others.
            let ways = shape.rows == 33 ? Array(0..<8) : [index % 8, (index + 3) % 8]
            for way in ways {
                Self.checkActivation(
                    problem, activation, hasBias: way & 1 == 0, keepsPre: way & 2 != 0, accumulates: way & 4 != 0)
            }
        }
    }

    /// What derivatives are computed from.
    struct Stored {
        /// u in bfloat16, or z.
        let numbers: PaddedMatrix<Float>
        private let packed: AlignedBuffer<UInt16>
        private let stride: Int
        private let window: BFloat16Window

        init(_ shape: BFloat16Shape, _ activation: loom_activation) {
            let isPre = loom_activation_derivative_source(activation) == LOOM_FROM_PRE_ACTIVATIONS
            let z = random(shape, -2...2, seed: 9), codes = BFloat16Matrix(rounding: z)
            numbers = PaddedMatrix(rows: shape.rows, columns: shape.columns) {
                isPre ? z[$0, $1] : Double(BFloat16Model.widened(codes.codes[$0 * codes.columns + $1]))
            }
            stride = (shape.columns + 31) / 32 + 1
            packed = BFloat16Factors.packed(
                count: shape.rows, inner: shape.columns, stride: stride, BFloat16Form.left
            ) { codes.codes[$0 * codes.columns + $1] }
            window = KernelBFloat16EpilogueTests.window(z)
        }

        func give(_ activation: loom_activation, to product: inout loom_bf16_product) {
            product.activation = activation
            if loom_activation_derivative_source(activation) == LOOM_FROM_PRE_ACTIVATIONS {
                (product.pre_activations, product.pre_activations_stride) = (window.pointer, window.stride)
            } else if activation != LOOM_IDENTITY {
                (product.outputs, product.outputs_stride) = (UnsafePointer(packed.pointer), stride)
            }
        }
    }

    static func checkDerivative(_ problem: Problem, _ activation: loom_activation, sums: Bool, accumulates: Bool) {
        let (shape, stored) = (problem.shape, Stored(problem.shape, activation))
        let forms = BFloat16Forms(rows: shape.rows, columns: shape.columns + 32)
        let blocks = (shape.rows + 31) / 32, stride = shape.columns + 3
        let noSums = [Float](repeating: -7, count: blocks * stride + 16)
        for numerics in BFloat16Variant.definitions {
            let deltas = problem.expected(numerics, accumulates: accumulates)
            ordinary.multiply_derivative(
                activation, shape.rows, shape.columns, deltas.stride, stored.numbers.pointer, deltas.pointer)
            let image = forms.image(of: BFloat16Matrix(rounding: deltas), column: 32)
            var expected = noSums
            for block in 0..<(sums ? blocks : 0) {
                expected.withUnsafeMutableBufferPointer {
                    ordinary.column_sums(
                        min(32, shape.rows - block * 32), shape.columns, deltas.stride, deltas.row(block * 32),
                        $0.baseAddress! + block * stride)
                }
            }
            for variant in BFloat16Variant.all(of: numerics) {
                forms.reset()
                let found = AlignedBuffer<Float>(noSums)
                var product = problem.product(LOOM_BF16_DERIVE, accumulates: accumulates)
                stored.give(activation, to: &product)
                if sums { (product.delta_sums, product.delta_sums_stride) = (found.pointer, stride) }
                product.packed = forms.pointers(column: 32)
                variant.multiply(product)
                let label = "\(variant), \(shape), activation \(activation.rawValue), \(accumulates)"
                let difference = forms.difference(from: image)
                #expect(difference == nil, "\(label): \(difference ?? "")")
                #expect(Array(found.elements) == expected, "\(label): sums")
            }
        }
        #expect(problem.addendIsUnchanged)
    }

    @Test("Derivatives and their sums", arguments: shapes)
    func derivative(_ shape: BFloat16Shape) {
        let problem = Problem(shape)
        for (index, activation) in Self.activations.enumerated() {
            for way in shape.rows == 33 ? Array(0..<4) : [index % 4] {
                Self.checkDerivative(problem, activation, sums: way & 1 == 0, accumulates: way & 2 != 0)
            }
        }
    }

    /// Only what is asked for is packed.
    @Test("Every single form", arguments: BFloat16Form.allCases)
    func forms(_ form: BFloat16Form) {
        let problem = Problem(BFloat16Shape(40, 70, 33))
        let forms = BFloat16Forms(rows: 40, columns: 70)
        for variant in BFloat16Variant.all {
            let expected = problem.expected(variant.numerics, accumulates: false)
            forms.reset()
            var product = problem.product(LOOM_BF16_ACTIVATE, accumulates: false)
            product.packed = forms.pointers([form])
            variant.multiply(product)
            let difference = forms.difference(from: forms.image(of: BFloat16Matrix(rounding: expected)), kept: [form])
            #expect(difference == nil, "\(variant): \(difference ?? "")")
        }
    }
}
