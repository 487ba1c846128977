import Dispatch
import LoomKernels
import LoomModel

/// Exact Jacobians of a network in float64, by reverse mode: one way backward through the graph for every element of the
/// array that is differentiated, all samples at once, and several elements in parallel.
///
///     let problem = try ReferenceProblem(configuration, samples: .one(0))
///     let tensor = try NetworkJacobian(problem).tensor(of: "prediction", wrt: "layer1.weights")
///     print(tensor.dimensions)      // output 3 × layer1.weights out 4 × in 2
///
/// The axes of the differentiated array come first. Samples do not depend on each other, so with several of them there
/// is one axis `sample`, the first, for both arrays; the loss is one number for all of them and has none.
public struct NetworkJacobian: Sendable {
    /// The largest number of elements of a tensor: 1 GiB.
    public static let maximumElements = 1 << 27

    /// The network's graph, whose names requests use.
    public let graph: LayerGraph
    private let problem: ReferenceProblem
    private let trainer: ReferenceTrainer
    private let pass: ReferencePass

    /// Runs `problem` forward.
    /// - Throws: `ModelError` when parts of the network have no derivative, or do not go together.
    public init(_ problem: ReferenceProblem) throws {
        self.problem = problem
        graph = problem.graph
        trainer = try problem.trainer()
        pass = trainer.forward(inputs: problem.inputs)
    }

    private var samples: Int { problem.inputs.count }

    /// The derivatives of the array `of` with respect to the array `wrt`, both named as `JacobianPlace` reads them.
    ///
    /// - Parameter element: The indices of one element of `wrt`, whose axes are then left out; nil: all of it.
    /// - Throws: `RequestError` for names and elements that do not exist, and for tensors that are too large;
    ///   `ModelError` where there is no derivative.
    public func tensor(of: String, wrt: String, element: [Int]? = nil) throws -> GradientTensor {
        try tensor(of: JacobianPlace(of, in: graph), wrt: JacobianPlace(wrt, in: graph), element: element)
    }

    /// The derivatives of the array `of` with respect to the array `wrt`.
    ///
    /// - Parameter element: The indices of one element of `wrt`, whose axes are then left out; nil: all of it.
    /// - Throws: As with names.
    public func tensor(
        of: JacobianPlace, wrt: JacobianPlace, element: [Int]? = nil
    ) throws -> GradientTensor {
        try check(of: of, wrt: wrt)
        let ofAxes = axes(of)
        let wrtAxes = axes(wrt)
        if let element { try check(element, axes: wrtAxes, of: wrt) }
        let sampleAxis = samples > 1 ? [GradientTensor.Axis("sample", samples)] : []
        let outputAxes = (of == .loss ? [] : sampleAxis) + ofAxes
        let inputAxes = (of == .loss && wrt.isPerSample ? sampleAxis : []) + (element == nil ? wrtAxes : [])
        let outputs = ofAxes.reduce(1) { $0 * $1.count }
        let width = element == nil ? wrtAxes.reduce(1) { $0 * $1.count } : 1
        let count = (outputAxes + inputAxes).reduce(1) { $0.multipliedReportingOverflow(by: $1.count).partialValue }
        guard count <= Self.maximumElements else {
            throw RequestError(
                "the Jacobian would have \(count) numbers, which is more than \(Self.maximumElements); choose one "
                    + "element with --element, or one sample with --sample")
        }
        let values = AlignedBuffer<Double>(count: count, repeating: 0)
        if of == .loss {
            try writeLossGradient(wrt: wrt, element: element, to: values)
        } else {
            let samples = samples
            DispatchQueue.concurrentPerform(iterations: outputs) { output in
                let sweep = sweep(of: of, output: output)
                for sample in 0..<samples {
                    let row = derivatives(sweep, sample: sample, wrt: wrt, element: element)
                    (values.pointer + (sample * outputs + output) * width).update(from: row, count: width)
                }
            }
        }
        return GradientTensor(outputAxes: outputAxes, inputAxes: inputAxes, values: values.array)
    }

    // MARK: Checks

    private func check(of: JacobianPlace, wrt: JacobianPlace) throws {
        let names = (of.name(in: graph), wrt.name(in: graph))
        switch of {
        case .input, .weights, .bias:
            throw RequestError(
                "'\(names.0)' is not computed from anything; expected prediction, loss or a layer to differentiate")
        case .loss, .prediction, .outputs, .preActivations: break
        }
        switch wrt {
        case .loss, .prediction:
            throw RequestError(
                "nothing is computed from '\(names.1)'; expected input, LAYER, LAYER.weights or LAYER.bias")
        case .input, .weights, .bias, .outputs, .preActivations: break
        }
        let last = of.layer ?? graph.layers.count - 1
        var depends = wrt.layer.map { graph.layer(last, dependsOn: $0) } ?? true
        // A layer's outputs come after its pre-activations.
        if case (.preActivations(let index), .outputs(let other)) = (of, wrt), index == other { depends = false }
        guard depends else {
            throw RequestError("'\(names.0)' does not depend on '\(names.1)', so all derivatives are 0")
        }
        for (index, layer) in graph.layers.enumerated() where layer.description.activation == .threshold {
            // Passed on the way unless it ends or begins there.
            let isPassed = wrt.layer.map { graph.layer(index, dependsOn: $0) } ?? true
            guard isPassed, graph.layer(last, dependsOn: index), of != .preActivations(index),
                wrt != .outputs(index)
            else { continue }
            throw ModelError("layer '\(layer.name)' has the activation threshold, which has no derivative at 0")
        }
        if graph.output == .threshold, of == .prediction || of == .loss {
            throw ModelError("the output is threshold, which has no derivative at 0; differentiate the last layer")
        }
    }

    private func check(_ element: [Int], axes: [GradientTensor.Axis], of place: JacobianPlace) throws {
        let shape = axes.map { "\($0.count)" }.joined(separator: " × ")
        let name = place.name(in: graph)
        guard element.count == axes.count else {
            throw RequestError(
                "'\(name)' has \(axes.count) \(axes.count == 1 ? "axis" : "axes") (\(shape)), but the element has "
                    + "\(element.count) \(element.count == 1 ? "index" : "indices")")
        }
        guard zip(element, axes).allSatisfy({ (0..<$1.count).contains($0) }) else {
            throw RequestError(
                "'\(name)' is \(shape), counted from 0; there is no element \(element.map(String.init).joined(separator: ","))"
            )
        }
    }

    private func axes(_ place: JacobianPlace) -> [GradientTensor.Axis] {
        let outputs = if case .outputs(let index) = place { pass.outputs[index][0].count } else { 0 }
        return place.axes(in: graph, outputWidth: outputs, predictionWidth: pass.prediction[0].count)
    }

    // MARK: Sweeps

    private func sweep(of: JacobianPlace, output: Int) -> ReverseSweep {
        var sweep = ReverseSweep(graph: graph, parameters: trainer.parameters, pass: pass, samples: samples)
        func unit(_ width: Int) -> [[Double]] {
            Array(repeating: (0..<width).map { $0 == output ? 1 : 0 }, count: samples)
        }
        switch of {
        case .prediction: sweep.begin(prediction: unit(pass.prediction[0].count))
        case .preActivations(let index):
            sweep.begin(preActivationsOf: index, gradient: unit(graph.layers[index].preActivations))
        case .outputs(let index):
            sweep.begin(outputsOf: index, gradient: unit(pass.outputs[index][0].count))
        case .loss, .input, .weights, .bias: preconditionFailure("refused before")
        }
        sweep.run()
        return sweep
    }

    /// The derivatives with respect to `wrt` that a sweep found for one sample.
    private func derivatives(
        _ sweep: ReverseSweep, sample: Int, wrt: JacobianPlace, element: [Int]?
    ) -> [Double] {
        func pick(_ values: [Double]) -> [Double] { element.map { [values[$0[0]]] } ?? values }
        switch wrt {
        case .input: return pick(sweep.inputs[sample])
        case .outputs(let index):
            // The last layer's outputs are its pre-activations, where the sweep begins.
            return pick((sweep.outputs[index] ?? sweep.preActivations[index])![sample])
        case .preActivations(let index), .bias(let index):
            return pick(sweep.preActivations[index]![sample])
        case .weights(let index, let source):
            let deltas = sweep.preActivations[index]![sample]
            let values = sourceValues(graph.layers[index].sources[source], sample: sample)
            if let element { return [deltas[element[0]] * values[element[1]]] }
            return deltas.flatMap { delta in values.map { delta * $0 } }
        case .loss, .prediction: preconditionFailure("refused before")
        }
    }

    private func sourceValues(_ source: LayerGraph.Source, sample: Int) -> [Double] {
        switch source {
        case .data(let columns): Array(problem.inputs[sample][columns])
        case .layer(let index): pass.outputs[index][sample]
        }
    }

    /// The gradient of the total loss, penalty included: that of the reference, and of a sweep for what it leaves out.
    private func writeLossGradient(
        wrt: JacobianPlace, element: [Int]?, to values: AlignedBuffer<Double>
    ) throws {
        guard let targets = problem.targets else { throw RequestError("the loss needs data with targets") }
        let gradients = try trainer.gradients(inputs: problem.inputs, targets: targets, weights: problem.weights)
        var sweep = ReverseSweep(graph: graph, parameters: trainer.parameters, pass: pass, samples: samples)
        sweep.begin(preActivationsOf: graph.layers.count - 1, gradient: gradients.deltas.last!)
        sweep.run()
        let rows: [[Double]]
        switch wrt {
        case .weights(let index, let source):
            let matrix = gradients.layers[index].connections[source]
            rows = element.map { [[matrix[$0[0]][$0[1]]]] } ?? matrix
        case .bias(let index):
            let bias = gradients.layers[index].bias!
            rows = [element.map { [bias[$0[0]]] } ?? bias]
        default:
            rows = (0..<samples).map { derivatives(sweep, sample: $0, wrt: wrt, element: element) }
        }
        var next = values.pointer
        for row in rows {
            next.update(from: row, count: row.count)
            next += row.count
        }
    }
}
