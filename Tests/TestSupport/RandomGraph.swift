import LoomModel
import LoomTraining

/// Networks that are no chains: random layers that read several earlier ones and the data.
public enum RandomGraph {
    /// A problem on a random graph with `hidden` hidden layers, listed in a random order: the same for the same
    /// arguments. Layers have random widths and activations, softmax-weighted ones among them, some without bias; skip
    /// connections and outputs with several readers are the rule. All numbers are exact in float32.
    public static func problem(
        seed: UInt64, hidden: Int = 5, widths: ClosedRange<Int> = 1...9, features: Int = 4, outputs: Int = 2,
        rows: Int = 9, l2: Double = 0.01, activations: [Activation] = RandomProblem.trainableActivations
    ) -> FastProblem {
        var random = TestRandom(seed: seed)
        let pair = RandomProblem.trainableOutputs[Int(seed % UInt64(RandomProblem.trainableOutputs.count))]
        var layers: [LayerDescription] = []
        var unread = Set<String>()
        for index in 0...hidden {
            let isLast = index == hidden
            var sources = ([NetworkDescription.dataName] + layers.map(\.name)).shuffled(using: &random)
            sources = Array(sources.prefix(Int.random(in: 1...3, using: &random)))
            if isLast { sources += unread.sorted().filter { !sources.contains($0) } }
            unread.subtract(sources)
            let activation = isLast ? Activation.identity : activations.randomElement(using: &random)!
            let isWeighted = isLast ? pair.output == .softmaxWeighted : activation == .softmaxWeighted
            var layer = LayerDescription(
                name: "layer\(index)", units: isLast ? outputs : Int.random(in: widths, using: &random),
                activation: activation, components: isWeighted ? Int.random(in: 1...4, using: &random) : nil,
                inputs: sources, hasBias: isLast || Bool.random(using: &random))
            let widthOf = Dictionary(
                uniqueKeysWithValues: layers.map { ($0.name, $0.units) } + [(NetworkDescription.dataName, features)])
            let total = sources.reduce(0) { $0 + widthOf[$1]! }
            let bound = (3 / Double(total)).squareRoot()
            layer.connectionWeights = sources.map { source in
                (0..<layer.preActivations).map { _ in (0..<widthOf[source]!).map { _ in random.uniform(bound) } }
            }
            if layer.hasBias { layer.bias = (0..<layer.preActivations).map { _ in random.uniform(0.5) } }
            layers.append(layer)
            if !isLast { unread.insert(layer.name) }
        }
        let inputs = (0..<rows).map { _ in (0..<features).map { _ in random.uniform(1) } }
        let targets = (0..<rows).map { _ in
            let label = Int.random(in: 0..<outputs, using: &random)
            let isDecision = pair.output == .softmax || pair.output == .sigmoid
            return (0..<outputs).map { isDecision ? ($0 == label ? 1 : 0) : random.uniform(1) }
        }
        return FastProblem(
            network: NetworkDescription(
                inputs: features, layers: layers.shuffled(using: &random), output: pair.output),
            loss: LossDescription(kind: pair.loss, reduction: seed.isMultiple(of: 2) ? .mean : .sum, l2: l2),
            inputs: inputs, targets: targets,
            description: "graph \(seed) \(hidden + 1) layers \(pair.output.rawValue) \(pair.loss.rawValue)")
    }
}
