import CKernels
import Foundation
import LoomKernels
import Testing

/// Updates by a gradient that is a product of bfloat16, against the ordinary updates by the product of the scalar model.
@Suite struct KernelBFloat16UpdateTests {
    static let settings: [UpdateSettings] = [
        UpdateSettings(),
        UpdateSettings(learningRate: 0.1, gradientScale: 0.25, l2Twice: 0.02, momentum: 0.5),
        UpdateSettings(learningRate: 0.1, gradientScale: 0.5, beta1: 0.5, epsilon: 1e-4, weightDecay: 0.1),
    ]

    /// Weights and their states, with a copy of the weights, as an update leaves them.
    final class Parameters {
        let parts: [PaddedMatrix<Float>]
        let windows: [BFloat16Window]

        init(_ shape: BFloat16Shape) {
            // The copy has other numbers at first.
            parts = [(-1.0...1.0, 1), (-1...1, 2), (0...1, 3), (-1...1, 4)].map {
                KernelBFloat16EpilogueTests.random(shape, $0, seed: $1)
            }
            windows = parts.map(KernelBFloat16EpilogueTests.window)
        }

        func update(_ rule: UpdateRule, _ settings: UpdateSettings, gradient: PaddedMatrix<Float>) {
            let (weights, copy) = (parts[0], parts[3])
            Float.update(
                KernelVariant.all[0], rule, settings, rows: weights.rows, columns: weights.columns,
                stride: weights.stride, weights: weights.pointer, gradients: gradient.pointer, first: parts[1].pointer,
                second: parts[2].pointer)
            for row in 0..<weights.rows { copy.row(row).update(from: weights.row(row), count: weights.columns) }
        }

        func update(
            _ variant: BFloat16Variant, _ rule: UpdateRule, _ settings: UpdateSettings, _ product: loom_bf16_product
        ) {
            var (settings, product) = (settings, product)
            settings.mirrors = [windows[3].pointer - windows[0].pointer]
            product.update_rule = rule.kernel(KernelBFloat16EpilogueTests.ordinary)
            product.weights = windows[0].pointer
            product.weights_stride = windows[0].stride
            product.first_state = rule == .sgd ? nil : windows[1].pointer
            product.second_state = rule == .adam ? windows[2].pointer : nil
            settings.withUpdate {
                product.update = $0
                variant.multiply(product)
            }
        }

        func difference() -> String? {
            zip(["weights", "first state", "second state", "copy"], zip(parts, windows)).lazy.compactMap { name, pair in
                pair.1.difference(from: pair.0).map { "\(name): \($0)" }
            }.first
        }
    }

    static func check(
        _ problem: KernelBFloat16EpilogueTests.Problem, _ rule: UpdateRule, _ settings: UpdateSettings,
        accumulates: Bool
    ) {
        let shape = problem.shape
        let forms = BFloat16Forms(rows: shape.rows + 32, columns: shape.columns)
        for variant in BFloat16Variant.all {
            forms.reset()
            let parameters = Parameters(shape)
            var product = problem.product(LOOM_BF16_UPDATE, accumulates: accumulates)
            product.packed = forms.pointers(row: 32)
            // States that begin with something, twice.
            for _ in 0..<2 {
                let gradient = problem.expected(variant.numerics, accumulates: accumulates)
                parameters.update(rule, settings, gradient: gradient)
                parameters.update(variant, rule, settings, product)
            }
            let label = "\(variant), \(shape), \(rule), \(accumulates)"
            let difference = parameters.difference()
            #expect(difference == nil, "\(label): \(difference ?? "")")
            let image = forms.image(of: BFloat16Matrix(rounding: parameters.parts[0]), row: 32)
            let formsDifference = forms.difference(from: image)
            #expect(formsDifference == nil, "\(label): \(formsDifference ?? "")")
        }
        #expect(problem.addendIsUnchanged)
    }

    @Test("Updates in products", arguments: UpdateRule.allCases)
    func updates(_ rule: UpdateRule) {
        for (index, shape) in KernelBFloat16EpilogueTests.shapes.enumerated() {
            let problem = KernelBFloat16EpilogueTests.Problem(shape)
            for way in shape.rows == 33 ? Array(0..<Self.settings.count) : [index % Self.settings.count] {
                Self.check(problem, rule, Self.settings[way], accumulates: (index + way) % 2 == 0)
            }
        }
    }

    /// What becomes of products is the work of the instruction set that is in use: it may be any. In a process of its own, in
    /// which nothing else depends on it.
    @Test func everyInstructionSetMayBeInUse() async {
        await #expect(processExitsWith: .success) {
            let problem = KernelBFloat16EpilogueTests.Problem(BFloat16Shape(33, 50, 40))
            for set in KernelVariant.all {
                #expect(loom_select_instruction_set(set.instructionSet) != 0)
                for activation in KernelBFloat16EpilogueTests.activations {
                    KernelBFloat16EpilogueTests.checkActivation(
                        problem, activation, hasBias: true, keepsPre: true, accumulates: false)
                    KernelBFloat16EpilogueTests.checkDerivative(problem, activation, sums: true, accumulates: false)
                }
                for rule in UpdateRule.allCases {
                    KernelBFloat16UpdateTests.check(
                        problem, rule, KernelBFloat16UpdateTests.settings[1], accumulates: false)
                }
            }
        }
    }
}
