import CKernels

/// The number format of parameters, activations and gradients.
public enum Precision: String, Sendable, CaseIterable, Codable {
    /// 32 bits
    case float32
    /// 64 bits
    case float64

    /// Bytes of one number.
    public var bytes: Int { self == .float32 ? 4 : 8 }
}

/// The optimizers' update rules that have a kernel of their own (`adamw` is `adam` with a weight decay).
public enum UpdateRule: BitwiseCopyable, Sendable {
    /// w ← w − ηg
    case sgd
    /// v ← μv + g, w ← w − ηv
    case momentum
    /// v ← μv + g, w ← w − η(g + μv)
    case nesterov
    /// Adam with decoupled weight decay
    case adam
}

/// The numbers of one update; the gradient that enters the rule is gradientScale · gradient + twiceL2 · weight.
public struct UpdateSettings: Sendable, BitwiseCopyable {
    /// η of this step.
    public var learningRate = 0.0
    /// 1, or the factor of clipping by global norm.
    public var gradientScale = 1.0
    /// 2λ for weights, 0 for biases.
    public var twiceL2 = 0.0
    /// μ of `momentum` and `nesterov`.
    public var momentum = 0.0
    /// β₁ of `adam`.
    public var beta1 = 0.0
    /// β₂ of `adam`.
    public var beta2 = 0.0
    /// ε of `adam`.
    public var epsilon = 0.0
    /// 1 / (1 − β₁ᵗ)
    public var biasCorrection1 = 1.0
    /// 1 / (1 − β₂ᵗ)
    public var biasCorrection2 = 1.0
    /// The decoupled decay of `adamw` for weights, 0 otherwise.
    public var weightDecay = 0.0
    /// No update: every number at its neutral value.
    public init() {}
}

/// The matrices that a gradient is the sum of, added along a binary tree, and where else a result goes.
///
/// All are as long as a parameter buffer and laid out like it, so that one offset fits every part of them. The memory of
/// both lists belongs to whoever plans a step.
public struct Addends: BitwiseCopyable, @unchecked Sendable {
    // Sendable: the lists are written once, before any worker reads them.

    /// The addends after the first with their offsets from it, and how many sums end with each; nil: there is only one.
    let list: UnsafePointer<loom_addend>?
    /// The number of addends, the first one included.
    let count: Int
    /// Elements from the result to its copies.
    let mirrors: UnsafePointer<Int>?
    /// The number of copies.
    let mirrorCount: Int

    /// `count` addends, the first of which has the offset 0; the result is written to `mirrorCount` more places.
    public init(
        list: UnsafePointer<loom_addend>? = nil, count: Int = 1, mirrors: UnsafePointer<Int>? = nil,
        mirrorCount: Int = 0
    ) {
        assert(
            count >= 1 && (count == 1 || list != nil) && (mirrorCount == 0 || mirrors != nil), "lists of these lengths")
        self.list = list
        self.count = count
        self.mirrors = mirrors
        self.mirrorCount = mirrorCount
    }
}

/// A number format that networks can be trained in: `Float` or `Double`, each with its vectorised kernels.
///
/// The functions are thin: shapes come from the views, the work is one call into `CKernels` or OpenBLAS, and all are
/// inlinable, so that code specialised for one format calls C directly. `CKernels.h` states what each computes.
public protocol LoomScalar: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    /// The format's name.
    static var precision: Precision { get }

    /// Plans a product by the kernels of this package.
    static func planGemm(_ shape: UnsafePointer<loom_gemm_shape>, _ plan: UnsafeMutablePointer<loom_gemm_plan>)

    /// Runs a plan by OpenBLAS: the product of its shape.
    static var openBLASGemm: loom_gemm_function { get }

    /// z = preActivations + bias, outputs = activation(z); both views may be the same matrix.
    static func activate(
        _ activation: loom_activation, bias: UnsafePointer<Self>?, preActivations: MatrixView<Self>,
        outputs: MatrixView<Self>)

    /// deltas ← deltas · activation′(z), from the outputs or pre-activations as the activation needs.
    static func multiplyDerivative(
        _ activation: loom_activation, stored: MatrixView<Self>, deltas: MatrixView<Self>)

    /// prediction = map(logits + bias).
    static func predict(
        _ map: loom_output_map, bias: UnsafePointer<Self>?, logits: MatrixView<Self>, prediction: MatrixView<Self>)

    /// The sum of the samples' cross entropies against class indices; deltas = scale · ∂loss/∂z.
    static func softmaxCrossEntropy(
        bias: UnsafePointer<Self>?, logits: MatrixView<Self>, labels: UnsafePointer<Int32>, scale: Self,
        deltas: UnsafeMutablePointer<Self>?, correct: inout Int
    ) -> Double

    /// The sum of the samples' cross entropies against rows of class probabilities; deltas = scale · ∂loss/∂z.
    static func softmaxCrossEntropy(
        bias: UnsafePointer<Self>?, logits: MatrixView<Self>, targets: MatrixView<Self>, scale: Self,
        deltas: UnsafeMutablePointer<Self>?, correct: inout Int
    ) -> Double

    /// The sum of the binary cross entropies of all units; deltas = scale · ∂loss/∂z.
    static func sigmoidCrossEntropy(
        bias: UnsafePointer<Self>?, logits: MatrixView<Self>, targets: MatrixView<Self>, scale: Self,
        deltas: UnsafeMutablePointer<Self>?, correct: inout Int
    ) -> Double

    /// The sum of factor · ‖map(z) − target‖²; deltas = scale · ∂loss/∂z.
    static func squaredError(
        _ map: loom_output_map, bias: UnsafePointer<Self>?, logits: MatrixView<Self>, targets: MatrixView<Self>,
        factor: Self, scale: Self, deltas: UnsafeMutablePointer<Self>?, correct: inout Int
    ) -> Double

    /// outputs = softmax(a)·a of units with `components` neighbouring columns a = preActivations + bias each; the outputs
    /// may lie at the start of the rows of the pre-activations.
    static func softmaxWeighted(
        components: Int, bias: UnsafePointer<Self>?, preActivations: MatrixView<Self>, outputs: MatrixView<Self>)

    /// deltas = gradients · ∂o/∂a: one gradient per unit, one delta per component.
    static func softmaxWeightedDerivative(
        components: Int, preActivations: MatrixView<Self>, gradients: MatrixView<Self>, deltas: MatrixView<Self>)

    /// The sum of factor · ‖o − target‖² of softmax-weighted units; deltas = scale · ∂loss/∂a.
    static func squaredErrorOfSoftmaxWeighted(
        components: Int, bias: UnsafePointer<Self>?, logits: MatrixView<Self>, targets: MatrixView<Self>,
        factor: Self, scale: Self, deltas: UnsafeMutablePointer<Self>?
    ) -> Double

    /// sums[j] = Σ over rows of matrix[i, j].
    static func columnSums(_ matrix: MatrixView<Self>, into sums: UnsafeMutablePointer<Self>)

    /// sums[j] += Σ over rows of matrix[i, j].
    static func addColumnSums(_ matrix: MatrixView<Self>, to sums: UnsafeMutablePointer<Self>)

    /// sum = the sum of `addends`, the first of which is at `first`, along their tree; also written to their mirrors.
    static func sum(_ addends: Addends, first: UnsafePointer<Self>, into sum: MatrixView<Self>)

    /// Σ of the squares of all elements.
    static func sumOfSquares(_ matrix: MatrixView<Self>) -> Double

    /// destination row i = source row indices[i], for every row of the destination.
    static func gatherRows(
        _ indices: UnsafePointer<UInt32>, of source: MatrixView<Self>, into destination: MatrixView<Self>)

    /// One optimizer update of `weights`; gradients and states have the weights' shape and stride. `gradients` is the
    /// first of `addends`, whose mirrors get the new weights, too.
    static func update(
        _ rule: UpdateRule, _ settings: UpdateSettings, weights: MatrixView<Self>, gradients: UnsafePointer<Self>,
        addends: Addends, firstState: UnsafeMutablePointer<Self>?, secondState: UnsafeMutablePointer<Self>?)
}
