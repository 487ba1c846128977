import LoomModel

/// A small computation graph of single numbers, for functions that are no network: values are computed as operations are
/// added, derivatives by one sweep backward for every output.
///
///     var graph = ScalarGraph()
///     let x = [2.0, -1, 3].map { graph.variable($0) }
///     let first = graph.add(x[0], graph.multiply(x[1], x[2]))
///     let second = graph.add(graph.multiply(x[0], x[0]), graph.multiply(graph.variable(3), x[1]))
///     graph.jacobian(of: [first, second], named: [.init("f", 2)], wrt: x, named: [.init("x", 3)])
public struct ScalarGraph: Sendable {
    /// A number of the graph.
    public struct Value: Sendable, Equatable {
        fileprivate let index: Int
    }

    private struct Node {
        let value: Double
        /// The numbers that it is computed from, with its derivatives by them.
        let sources: [(index: Int, derivative: Double)]
    }

    private var nodes: [Node] = []

    /// A graph without numbers.
    public init() {}

    /// A number that is given: a variable or a constant.
    public mutating func variable(_ value: Double) -> Value { append(value, []) }

    /// first + second
    public mutating func add(_ first: Value, _ second: Value) -> Value {
        append(self[first] + self[second], [(first.index, 1), (second.index, 1)])
    }

    /// first · second
    public mutating func multiply(_ first: Value, _ second: Value) -> Value {
        append(self[first] * self[second], [(first.index, self[second]), (second.index, self[first])])
    }

    /// Σ factors · values
    public mutating func sum(_ values: [Value], factors: [Double]) -> Value {
        let terms = zip(values, factors)
        return append(
            terms.reduce(0) { $0 + $1.1 * self[$1.0] }, terms.map { (index: $0.index, derivative: $1) })
    }

    /// An activation of one number.
    public mutating func apply(_ activation: Activation, to value: Value) -> Value {
        let z = self[value]
        let derivative = ReferenceFunctions.derivative(activation, at: z)
        return append(ReferenceFunctions.activate(activation, at: z), [(value.index, derivative)])
    }

    /// The value of a number.
    public subscript(value: Value) -> Double { nodes[value.index].value }

    /// The derivatives of `outputs` with respect to `inputs`, both row-major along their axes.
    public func jacobian(
        of outputs: [Value], named outputAxes: [GradientTensor.Axis], wrt inputs: [Value],
        named inputAxes: [GradientTensor.Axis]
    ) -> GradientTensor {
        let values = outputs.flatMap { output in
            let gradient = gradient(of: output)
            return inputs.map { gradient[$0.index] }
        }
        return GradientTensor(outputAxes: outputAxes, inputAxes: inputAxes, values: values)
    }

    /// The derivatives of `output` with respect to every number of the graph.
    private func gradient(of output: Value) -> [Double] {
        var gradient = [Double](repeating: 0, count: nodes.count)
        gradient[output.index] = 1
        // A number comes after those that it is computed from.
        for index in (0...output.index).reversed() where gradient[index] != 0 {
            for source in nodes[index].sources { gradient[source.index] += gradient[index] * source.derivative }
        }
        return gradient
    }

    private mutating func append(_ value: Double, _ sources: [(index: Int, derivative: Double)]) -> Value {
        nodes.append(Node(value: value, sources: sources))
        return Value(index: nodes.count - 1)
    }
}
