import CKernels
import LoomKernels

/// A number type that kernels exist for, with its kernels picked out of a table.
protocol KernelScalar: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    /// What a few roundings of a value of magnitude 1 may amount to.
    static var tolerance: Double { get }
    init(rounding value: Double)
    var asDouble: Double { get }
    var asReference: WideReal { get }

    typealias Address = UnsafePointer<Self>?
    typealias MutableAddress = UnsafeMutablePointer<Self>?
    typealias Labels = UnsafePointer<Int32>?
    typealias Count = UnsafeMutablePointer<Int>?

    static func activate(_ kernels: loom_kernel_table)
        -> (loom_activation, Int, Int, Int, Address, MutableAddress, MutableAddress) -> Void
    static func multiplyDerivative(_ kernels: loom_kernel_table)
        -> (loom_activation, Int, Int, Int, Address, MutableAddress) -> Void
    static func predict(_ kernels: loom_kernel_table)
        -> (loom_output_map, Int, Int, Int, Address, MutableAddress, MutableAddress) -> Void
    static func crossEntropyLabels(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address, MutableAddress, Labels, Self, MutableAddress, Count) -> Double
    static func softmaxCrossEntropy(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address, MutableAddress, Address, Int, Self, MutableAddress, Count) -> Double
    static func sigmoidCrossEntropy(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address, MutableAddress, Address, Int, Self, MutableAddress, Count) -> Double
    static func squaredError(_ kernels: loom_kernel_table)
        -> (
            loom_output_map, Int, Int, Int, Address, MutableAddress, Address, Int, Self, Self, MutableAddress,
            Count
        ) -> Double
    static func columnSums(_ kernels: loom_kernel_table) -> (Int, Int, Int, Address, MutableAddress) -> Void
    static func sumOfSquares(_ kernels: loom_kernel_table) -> (Int, Int, Int, Address) -> Double
    static func gatherRows(_ kernels: loom_kernel_table)
        -> (Int, Int, Address, Int, UnsafePointer<UInt32>?, MutableAddress, Int) -> Void
    /// One of the updates, on weights, gradients and up to two moments.
    static func update(
        _ kernels: loom_kernel_table, _ rule: UpdateRule, _ settings: UpdateSettings, rows: Int, columns: Int,
        stride: Int, weights: MutableAddress, gradients: Address, first: MutableAddress,
        second: MutableAddress)
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
}

extension Float: KernelScalar {
    static var tolerance: Double { 1e-6 }
    init(rounding value: Double) { self = Float(value) }
    var asDouble: Double { Double(self) }
    var asReference: WideReal { WideReal(self) }

    static func activate(_ kernels: loom_kernel_table)
        -> (loom_activation, Int, Int, Int, Address, MutableAddress, MutableAddress) -> Void
    { kernels.activate_f32 }

    static func multiplyDerivative(_ kernels: loom_kernel_table)
        -> (loom_activation, Int, Int, Int, Address, MutableAddress) -> Void
    { kernels.multiply_derivative_f32 }

    static func predict(_ kernels: loom_kernel_table)
        -> (loom_output_map, Int, Int, Int, Address, MutableAddress, MutableAddress) -> Void
    { kernels.predict_f32 }

    static func crossEntropyLabels(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address, MutableAddress, Labels, Float, MutableAddress, Count) -> Double
    { kernels.softmax_cross_entropy_labels_f32 }

    static func softmaxCrossEntropy(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address, MutableAddress, Address, Int, Float, MutableAddress, Count) -> Double
    { kernels.softmax_cross_entropy_f32 }

    static func sigmoidCrossEntropy(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address, MutableAddress, Address, Int, Float, MutableAddress, Count) -> Double
    { kernels.sigmoid_cross_entropy_f32 }

    static func squaredError(_ kernels: loom_kernel_table)
        -> (
            loom_output_map, Int, Int, Int, Address, MutableAddress, Address, Int, Float, Float,
            MutableAddress,
            Count
        ) -> Double
    { kernels.squared_error_f32 }

    static func columnSums(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address, MutableAddress) -> Void
    { kernels.column_sums_f32 }

    static func sumOfSquares(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address) -> Double
    { kernels.sum_of_squares_f32 }

    static func gatherRows(_ kernels: loom_kernel_table)
        -> (Int, Int, Address, Int, UnsafePointer<UInt32>?, MutableAddress, Int) -> Void
    { kernels.gather_rows_f32 }

    static func update(
        _ kernels: loom_kernel_table, _ rule: UpdateRule, _ settings: UpdateSettings, rows: Int, columns: Int,
        stride: Int, weights: MutableAddress, gradients: Address, first: MutableAddress,
        second: MutableAddress
    ) {
        settings.addends.withUnsafeBufferPointer { addends in
            settings.mirrors.withUnsafeBufferPointer { mirrors in
                var update = loom_update_f32(
                    learning_rate: Float(settings.learningRate), gradient_scale: Float(settings.gradientScale),
                    l2_twice: Float(settings.l2Twice), momentum: Float(settings.momentum),
                    beta1: Float(settings.beta1),
                    beta2: Float(settings.beta2), epsilon: Float(settings.epsilon),
                    bias_correction1: Float(settings.biasCorrection1),
                    bias_correction2: Float(settings.biasCorrection2),
                    weight_decay: Float(settings.weightDecay), addends: addends.baseAddress,
                    addend_count: max(1, addends.count), mirrors: mirrors.baseAddress, mirror_count: mirrors.count)
                switch rule {
                case .sgd:
                    kernels.update_sgd_f32(&update, rows, columns, stride, weights, gradients)
                case .momentum:
                    kernels.update_momentum_f32(&update, rows, columns, stride, weights, gradients, first)
                case .nesterov:
                    kernels.update_nesterov_f32(&update, rows, columns, stride, weights, gradients, first)
                case .adam:
                    kernels.update_adam_f32(&update, rows, columns, stride, weights, gradients, first, second)
                }
            }
        }
    }
}

extension Double: KernelScalar {
    static var tolerance: Double { 2e-15 }
    init(rounding value: Double) { self = Double(value) }
    var asDouble: Double { Double(self) }
    var asReference: WideReal { WideReal(self) }

    static func activate(_ kernels: loom_kernel_table)
        -> (loom_activation, Int, Int, Int, Address, MutableAddress, MutableAddress) -> Void
    { kernels.activate_f64 }

    static func multiplyDerivative(_ kernels: loom_kernel_table)
        -> (loom_activation, Int, Int, Int, Address, MutableAddress) -> Void
    { kernels.multiply_derivative_f64 }

    static func predict(_ kernels: loom_kernel_table)
        -> (loom_output_map, Int, Int, Int, Address, MutableAddress, MutableAddress) -> Void
    { kernels.predict_f64 }

    static func crossEntropyLabels(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address, MutableAddress, Labels, Double, MutableAddress, Count) -> Double
    { kernels.softmax_cross_entropy_labels_f64 }

    static func softmaxCrossEntropy(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address, MutableAddress, Address, Int, Double, MutableAddress, Count) -> Double
    { kernels.softmax_cross_entropy_f64 }

    static func sigmoidCrossEntropy(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address, MutableAddress, Address, Int, Double, MutableAddress, Count) -> Double
    { kernels.sigmoid_cross_entropy_f64 }

    static func squaredError(_ kernels: loom_kernel_table)
        -> (
            loom_output_map, Int, Int, Int, Address, MutableAddress, Address, Int, Double, Double,
            MutableAddress,
            Count
        ) -> Double
    { kernels.squared_error_f64 }

    static func columnSums(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address, MutableAddress) -> Void
    { kernels.column_sums_f64 }

    static func sumOfSquares(_ kernels: loom_kernel_table)
        -> (Int, Int, Int, Address) -> Double
    { kernels.sum_of_squares_f64 }

    static func gatherRows(_ kernels: loom_kernel_table)
        -> (Int, Int, Address, Int, UnsafePointer<UInt32>?, MutableAddress, Int) -> Void
    { kernels.gather_rows_f64 }

    static func update(
        _ kernels: loom_kernel_table, _ rule: UpdateRule, _ settings: UpdateSettings, rows: Int, columns: Int,
        stride: Int, weights: MutableAddress, gradients: Address, first: MutableAddress,
        second: MutableAddress
    ) {
        settings.addends.withUnsafeBufferPointer { addends in
            settings.mirrors.withUnsafeBufferPointer { mirrors in
                var update = loom_update_f64(
                    learning_rate: Double(settings.learningRate), gradient_scale: Double(settings.gradientScale),
                    l2_twice: Double(settings.l2Twice), momentum: Double(settings.momentum),
                    beta1: Double(settings.beta1),
                    beta2: Double(settings.beta2), epsilon: Double(settings.epsilon),
                    bias_correction1: Double(settings.biasCorrection1),
                    bias_correction2: Double(settings.biasCorrection2),
                    weight_decay: Double(settings.weightDecay), addends: addends.baseAddress,
                    addend_count: max(1, addends.count), mirrors: mirrors.baseAddress, mirror_count: mirrors.count)
                switch rule {
                case .sgd:
                    kernels.update_sgd_f64(&update, rows, columns, stride, weights, gradients)
                case .momentum:
                    kernels.update_momentum_f64(&update, rows, columns, stride, weights, gradients, first)
                case .nesterov:
                    kernels.update_nesterov_f64(&update, rows, columns, stride, weights, gradients, first)
                case .adam:
                    kernels.update_adam_f64(&update, rows, columns, stride, weights, gradients, first, second)
                }
            }
        }
    }
}
