import Dispatch
import LoomData
import LoomKernels
import LoomModel

/// The reference's gradient against differences of its own loss, element by element.
///
/// D(h) = (L(w + h) − L(w − h)) / 2h has an error of h²L‴/6; of (4 D(h/2) − D(h)) / 3 the leading part cancels
/// (Richardson 1911, doi:10.1098/rsta.1911.0009). With h = 10⁻⁴ what remains is near the rounding of L, 10⁻¹⁶·L/h.
package struct CentralDifferences {
    package private(set) var rows: [NetworkCheck.Row] = []
    package private(set) var kinks: [NetworkCheck.Kink] = []

    /// Relative to an array's largest element.
    private static let threshold = 1e-7
    private static let stepSize = 1e-4
    private static let title = "central differences"

    package init(
        _ problem: ReferenceProblem, trainer: ReferenceTrainer, gradients: ReferenceGradients, elements: Int,
        seed: UInt64
    ) throws {
        let targets = problem.targets!
        let arrays = GradientArrays(gradients.layers, inputs: gradients.inputs, graph: problem.graph)
        // Below this the difference is rounding alone.
        let floor = 2e-15 * abs(gradients.totalLoss) / Self.stepSize / Self.threshold
        var found: Set<NetworkCheck.Kink> = []
        for (number, array) in arrays.entries.enumerated() {
            let chosen = Self.choose(elements, of: array.values.count, seed: seed &+ UInt64(number))
            let points = AlignedBuffer<Double>(count: chosen.count, repeating: 0)
            let crossed = AlignedBuffer<Int32>(count: chosen.count, repeating: 0)
            // Every iteration works on its own copies and writes its own elements.
            DispatchQueue.concurrentPerform(iterations: chosen.count) { index in
                let moving = MovingElement(
                    place: array.place, index: chosen[index], trainer: trainer, inputs: problem.inputs,
                    targets: targets, weights: problem.weights)
                points.pointer[index] = moving.derivative(step: Self.stepSize)
                crossed.pointer[index] = moving.crossesKink(step: Self.stepSize) ? 1 : 0
            }
            let kept = chosen.indices.filter { crossed.pointer[$0] == 0 }
            for index in chosen.indices where crossed.pointer[index] != 0 {
                let moving = MovingElement(
                    place: array.place, index: chosen[index], trainer: trainer, inputs: problem.inputs,
                    targets: targets, weights: problem.weights)
                found.formUnion(moving.kinks(step: Self.stepSize, of: problem))
            }
            rows.append(
                NetworkCheck.Row(
                    check: Self.title, array: array.name,
                    worstError: NetworkCheck.worstError(
                        kept.map { points.pointer[$0] }, kept.map { array.values[chosen[$0]] },
                        scale: max(array.largest, floor, .leastNormalMagnitude)),
                    threshold: Self.threshold, checked: kept.count, count: array.values.count,
                    kinks: chosen.count - kept.count))
        }
        kinks = found.sorted { ($0.layer, $0.sample, $0.unit) < ($1.layer, $1.sample, $1.unit) }
    }

    /// All of `count` elements, or `limit` of them that the seed chooses, in their order.
    private static func choose(_ limit: Int, of count: Int, seed: UInt64) -> [Int] {
        guard count > limit else { return Array(0..<count) }
        let chosen = AlignedBuffer<UInt64>(count: limit, repeating: 0)
        SampleOrder(seed: seed, count: count).indices(epoch: 0, start: 0, count: limit, into: chosen.pointer)
        return chosen.array.map(Int.init).sorted()
    }
}

/// One element of the parameters or the inputs that is moved a little.
private struct MovingElement {
    let place: JacobianPlace
    let index: Int
    let trainer: ReferenceTrainer
    let inputs: [[Double]]
    let targets: ReferenceTargets
    let weights: [Double]?

    func derivative(step: Double) -> Double {
        let size = step * max(1, abs(value))
        return (4 * difference(size / 2) - difference(size)) / 3
    }

    private var value: Double {
        switch place {
        case .input: inputs[row(inputs[0].count)][column(inputs[0].count)]
        case .weights(let layer, let source):
            trainer.parameters[layer].allRows(source)[index]
        case .bias(let layer): trainer.parameters[layer].bias![index]
        case .loss, .prediction, .outputs, .preActivations: preconditionFailure("only what is given can be moved")
        }
    }

    private func row(_ width: Int) -> Int { index / width }
    private func column(_ width: Int) -> Int { index % width }

    /// The trainer and the inputs with the element moved by `step`.
    private func moved(by step: Double) -> (trainer: ReferenceTrainer, inputs: [[Double]]) {
        var trainer = trainer
        var inputs = inputs
        switch place {
        case .weights(let layer, let source):
            let width = trainer.parameters[layer].connections[source][0].count
            trainer.parameters[layer].connections[source][row(width)][column(width)] += step
        case .bias(let layer): trainer.parameters[layer].bias![index] += step
        default: inputs[row(inputs[0].count)][column(inputs[0].count)] += step
        }
        return (trainer, inputs)
    }

    private func difference(_ step: Double) -> Double { (loss(step) - loss(-step)) / (2 * step) }

    /// NaN where the loss cannot be computed, which no comparison accepts.
    private func loss(_ step: Double) -> Double {
        let moved = moved(by: step)
        return (try? moved.trainer.totalLoss(inputs: moved.inputs, targets: targets, weights: weights)) ?? .nan
    }

    private func pass(_ step: Double) -> ReferencePass {
        let moved = moved(by: step)
        return moved.trainer.forward(inputs: moved.inputs)
    }

    /// Whether some relu has its kink within the difference.
    func crossesKink(step: Double) -> Bool { !crossings(step: step).isEmpty }

    private func crossings(step: Double) -> [(layer: Int, sample: Int, unit: Int)] {
        let relus = trainer.network.layers.indices.filter { trainer.network.layers[$0].activation == .relu }
        guard !relus.isEmpty else { return [] }
        let size = step * max(1, abs(value))
        let (below, above) = (pass(-size), pass(size))
        var result: [(layer: Int, sample: Int, unit: Int)] = []
        for layer in relus {
            for sample in inputs.indices {
                for (unit, z) in below.preActivations[layer][sample].enumerated() {
                    let other = above.preActivations[layer][sample][unit]
                    if z != other, min(z, other) <= 0, max(z, other) >= 0 { result.append((layer, sample, unit)) }
                }
            }
        }
        return result
    }

    /// The kinks, with the pre-activations where nothing is moved.
    func kinks(step: Double, of problem: ReferenceProblem) -> [NetworkCheck.Kink] {
        let pass = trainer.forward(inputs: inputs)
        return crossings(step: step).map { layer, sample, unit in
            NetworkCheck.Kink(
                layer: problem.graph.layers[layer].name, unit: unit, sample: problem.rows[sample],
                z: pass.preActivations[layer][sample][unit])
        }
    }
}

extension ReferenceLayer {
    /// The weights for one source, row by row.
    fileprivate func allRows(_ source: Int) -> [Double] { connections[source].flatMap { $0 } }
}
