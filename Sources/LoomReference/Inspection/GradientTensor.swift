/// The derivatives of every element of one array with respect to every element of another: element (i…, k…) is
/// ∂Yᵢ/∂Xₖ, the axes of Y first.
///
/// A Jacobian matrix is the case of one axis each; the gradient of a number has the axes of X alone.
public struct GradientTensor: Sendable, Equatable {
    /// One axis.
    public struct Axis: Sendable, Equatable {
        /// What it counts, such as `layer1.weights out`; axes of one array follow each other.
        public let name: String
        /// How far it counts.
        public let count: Int

        /// An axis.
        public init(_ name: String, _ count: Int) {
            self.name = name
            self.count = count
        }
    }

    /// The axes of Y.
    public let outputAxes: [Axis]
    /// The axes of X.
    public let inputAxes: [Axis]
    /// The derivatives, row-major: the last axis of X runs fastest.
    public let values: [Double]

    /// A tensor of the axes' sizes.
    public init(outputAxes: [Axis], inputAxes: [Axis], values: [Double]) {
        self.outputAxes = outputAxes
        self.inputAxes = inputAxes
        self.values = values
        precondition(values.count == Self.count(outputAxes) * Self.count(inputAxes), "as many values as axes count")
    }

    /// All axes.
    public var axes: [Axis] { outputAxes + inputAxes }
    /// The sizes of all axes.
    public var shape: [Int] { axes.map(\.count) }
    /// The number of elements of Y.
    public var outputCount: Int { Self.count(outputAxes) }
    /// The number of elements of X.
    public var inputCount: Int { Self.count(inputAxes) }

    /// `output 3 × layer1.weights out 4 × in 2`, with `=` between the axes of different arrays left out.
    public var dimensions: String {
        axes.isEmpty ? "a number" : axes.map { "\($0.name) \($0.count)" }.joined(separator: " × ")
    }

    /// The derivative at `indices`, one per axis.
    public subscript(indices: Int...) -> Double {
        precondition(indices.count == axes.count, "one index per axis")
        return values[zip(indices, axes).reduce(0) { $0 * $1.1.count + $1.0 }]
    }

    /// The gradient of the element `output` (row-major) of Y: a slice in the shape of X.
    public func slice(output: Int) -> ArraySlice<Double> {
        values[output * inputCount..<(output + 1) * inputCount]
    }

    /// The chain rule: ∂Z/∂X from this ∂Z/∂Y and ∂Y/∂X, summed over all elements of Y.
    ///
    /// The axes of X here must have the sizes of the axes of Y there.
    public func chained(with inner: GradientTensor) -> GradientTensor {
        precondition(
            inputAxes.map(\.count) == inner.outputAxes.map(\.count), "the arrays between the two must have one shape")
        var product = [Double](repeating: 0, count: outputCount * inner.inputCount)
        for output in 0..<outputCount {
            for (between, factor) in slice(output: output).enumerated() where factor != 0 {
                for (input, value) in inner.slice(output: between).enumerated() {
                    product[output * inner.inputCount + input] += factor * value
                }
            }
        }
        return GradientTensor(outputAxes: outputAxes, inputAxes: inner.inputAxes, values: product)
    }

    private static func count(_ axes: [Axis]) -> Int { axes.reduce(1) { $0 * $1.count } }
}

// MARK: Blocks

extension GradientTensor {
    /// A row of X, along its last axis, on which an element of Y depends.
    public struct Row: Sendable, Equatable {
        /// Its indices along the other axes of X.
        public let indices: [Int]
        /// The derivatives along the last axis.
        public let values: [Double]
    }

    /// The rows of X that the element `output` (row-major) of Y depends on; all others are 0.
    ///
    /// Of the pre-activations z of a layer with respect to its own weights W there is one: block i is the row i of W,
    /// and holds the layer's input.
    public func block(output: Int) -> [Row] {
        guard let last = inputAxes.last else { return [Row(indices: [], values: Array(slice(output: output)))] }
        let slice = Array(slice(output: output))
        return stride(from: 0, to: slice.count, by: last.count).compactMap { start in
            let row = Array(slice[start..<start + last.count])
            guard row.contains(where: { $0 != 0 }) else { return nil }
            return Row(indices: Self.indices(start / last.count, inputAxes.dropLast().map(\.count)), values: row)
        }
    }

    /// The indices along axes of the sizes `shape` of the element `position` (row-major).
    public static func indices(_ position: Int, _ shape: [Int]) -> [Int] {
        var rest = position
        return Array(
            shape.reversed().map { size in
                defer { rest /= size }
                return rest % size
            }.reversed())
    }
}

// MARK: JSON

extension GradientTensor: Encodable {
    private enum CodingKeys: String, CodingKey { case shape, axes, data }

    /// Writes `shape`, the names of the `axes`, and `data` as lists in lists, one level per axis.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(shape, forKey: .shape)
        try container.encode(axes.map(\.name), forKey: .axes)
        try container.encode(NestedList(values[...], shape: shape[...]), forKey: .data)
    }
}

/// Numbers as lists in lists.
enum NestedList: Encodable {
    case number(Double)
    case list([NestedList])

    init(_ values: ArraySlice<Double>, shape: ArraySlice<Int>) {
        guard let count = shape.first else {
            self = .number(values.first!)
            return
        }
        let size = values.count / max(1, count)
        self = .list(
            (0..<count).map { index in
                let start = values.startIndex + index * size
                return NestedList(values[start..<start + size], shape: shape.dropFirst())
            })
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .number(let value): try container.encode(value)
        case .list(let elements): try container.encode(elements)
        }
    }
}
