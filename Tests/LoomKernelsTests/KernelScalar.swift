import CKernels
import LoomKernels

/// A number type that kernels exist for.
protocol KernelScalar: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    /// What a few roundings of a value of magnitude 1 may amount to.
    static var tolerance: Double { get }
    /// Its tables.
    static var element: loom_element { get }
    init(rounding value: Double)
    var asDouble: Double { get }
    var asReference: WideReal { get }
}

extension Float: KernelScalar {
    static var tolerance: Double { 1e-6 }
    static var element: loom_element { LOOM_FLOAT32 }
    init(rounding value: Double) { self = Float(value) }
    var asDouble: Double { Double(self) }
    var asReference: WideReal { WideReal(self) }
}

extension Double: KernelScalar {
    static var tolerance: Double { 2e-15 }
    static var element: loom_element { LOOM_FLOAT64 }
    init(rounding value: Double) { self = value }
    var asDouble: Double { self }
    var asReference: WideReal { WideReal(self) }
}

/// The four optimizer updates.
enum UpdateRule: CaseIterable {
    case sgd, momentum, nesterov, adam
}

/// The numbers of an update, in double precision.
struct UpdateSettings {
    var learningRate = 0.01
    var gradientScale = 1.0
    var l2Twice = 0.0
    var momentum = 0.9
    var beta1 = 0.9
    var beta2 = 0.999
    var epsilon = 1e-8
    var biasCorrection1 = 1 / (1 - 0.9)
    var biasCorrection2 = 1 / (1 - 0.999)
    var weightDecay = 0.0
    /// The gradient's addends, the first with the offset 0, and how many sums end with each; empty: there is one.
    var addends: [loom_addend] = []
    /// Elements from the weights to copies of them.
    var mirrors: [Int] = []
    /// Elements from row to row of the gradient; 0: as in the weights.
    var gradientStride = 0

    /// Runs `body` with the numbers as C has them.
    func withUpdate(_ body: (UnsafePointer<loom_update>) -> Void) {
        addends.withUnsafeBufferPointer { addends in
            mirrors.withUnsafeBufferPointer { mirrors in
                var update = loom_update(
                    learning_rate: learningRate, gradient_scale: gradientScale, l2_twice: l2Twice, momentum: momentum,
                    beta1: beta1, beta2: beta2, epsilon: epsilon, bias_correction1: biasCorrection1,
                    bias_correction2: biasCorrection2, weight_decay: weightDecay, gradient_stride: gradientStride,
                    addends: addends.baseAddress, addend_count: max(1, addends.count), mirrors: mirrors.baseAddress,
                    mirror_count: mirrors.count)
                body(&update)
            }
        }
    }
}

extension UpdateRule {
    /// Its kernel.
    func kernel(_ kernels: loom_kernels) -> loom_update_function {
        switch self {
        case .sgd: kernels.update_sgd
        case .momentum: kernels.update_momentum
        case .nesterov: kernels.update_nesterov
        case .adam: kernels.update_adam
        }
    }
}

extension KernelScalar {
    /// One of the updates, on weights, gradients and up to two moments.
    static func update(
        _ variant: KernelVariant, _ rule: UpdateRule, _ settings: UpdateSettings, rows: Int, columns: Int, stride: Int,
        weights: UnsafeMutablePointer<Self>, gradients: UnsafePointer<Self>, first: UnsafeMutablePointer<Self>,
        second: UnsafeMutablePointer<Self>
    ) {
        let run = rule.kernel(variant.kernels(Self.self))
        settings.withUpdate { run($0, rows, columns, stride, weights, gradients, first, second) }
    }
}
