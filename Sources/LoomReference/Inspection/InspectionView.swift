import LoomModel

/// What an inspection shows as a layer: the layers of a network, or the single vertices of one that was given by them.
struct InspectionView {
    /// Some neighbouring units of a layer.
    private struct Part {
        let name: String
        /// The layer's index.
        let layer: Int
        /// The units of the layer.
        let units: Range<Int>
        /// What it reads: names with the columns of the layer's connections.
        let sources: [(name: String, connection: Int, columns: Range<Int>)]
        /// Whether its outputs are the prediction: an output vertex has its output map as its kind.
        let showsPrediction: Bool
    }

    private let graph: LayerGraph
    private let parts: [Part]

    init(_ problem: ReferenceProblem) {
        graph = problem.graph
        if let vertices = problem.vertices, let compiled = try? vertices.compiled() {
            parts = Self.parts(of: vertices, compiled, graph: problem.graph)
        } else {
            parts = problem.graph.layers.enumerated().map { index, layer in
                let sources = layer.sourceNames.enumerated().map { connection, name in
                    (name: name, connection: connection, columns: 0..<layer.widths[connection])
                }
                return Part(
                    name: layer.name, layer: index, units: 0..<layer.units, sources: sources, showsPrediction: false)
            }
        }
    }

    private static func parts(
        of network: VertexNetwork, _ compiled: VertexNetwork.Compiled, graph: LayerGraph
    ) -> [Part] {
        var members: [String: [String]] = [:]
        for part in compiled.dataParts { members[part.name] = part.columns.map { network.inputs[$0] } }
        for (layer, vertices) in zip(compiled.layers, compiled.members) {
            members[layer.name] = vertices.map { network.vertices[$0].name }
        }
        return graph.layers.enumerated().flatMap { index, layer in
            let sources = layer.sourceNames.enumerated().flatMap { connection, name in
                (members[name] ?? [name]).enumerated().map { column, member in
                    (name: member, connection: connection, columns: column..<column + 1)
                }
            }
            return (members[layer.name] ?? [layer.name]).enumerated().map { unit, name in
                Part(
                    name: name, layer: index, units: unit..<unit + 1, sources: sources,
                    showsPrediction: index == graph.layers.count - 1)
            }
        }
    }

    /// The layers of a way forward, and of a way backward if there was one.
    func layers(_ pass: ReferencePass, gradients: ReferenceGradients?) -> [Inspection.Layer] {
        parts.map { part in
            let layer = graph.layers[part.layer]
            let rows = rows(of: part)
            let isLast = part.layer == graph.layers.count - 1
            let outputs = part.showsPrediction ? pass.prediction : pass.outputs[part.layer]
            let activation =
                part.showsPrediction
                ? Activation(rawValue: graph.output.rawValue) ?? .identity : layer.description.activation
            return Inspection.Layer(
                name: part.name,
                formula: part.sources.map { "W·\($0.name)" }.joined(separator: " + ")
                    + (layer.description.hasBias ? " + b" : ""),
                activation: activation, preActivations: pass.preActivations[part.layer].map { Array($0[rows]) },
                // The last layer's outputs are its pre-activations, of which a unit may have several.
                outputs: outputs.map { Array($0[isLast && !part.showsPrediction ? rows : part.units]) },
                deltas: gradients?.deltas[part.layer].map { Array($0[rows]) },
                weightsGradient: (gradients?.layers[part.layer]).map { weights($0, of: part) },
                biasGradient: gradients?.layers[part.layer].bias.map { Array($0[rows]) })
        }
    }

    /// The parameters of every layer.
    func updatedLayers(_ parameters: [ReferenceLayer]) -> [Inspection.UpdatedLayer] {
        parts.map { part in
            let values = parameters[part.layer]
            return Inspection.UpdatedLayer(
                name: part.name, weights: weights(values, of: part),
                bias: values.bias.map { Array($0[rows(of: part)]) })
        }
    }

    /// The pre-activations of a part.
    private func rows(of part: Part) -> Range<Int> {
        let components = graph.layers[part.layer].description.components ?? 1
        return part.units.lowerBound * components..<part.units.upperBound * components
    }

    private func weights(_ values: ReferenceLayer, of part: Part) -> Inspection.Weights {
        Inspection.Weights(
            sources: part.sources.map(\.name),
            matrices: part.sources.map { source in
                values.connections[source.connection][rows(of: part)].map { Array($0[source.columns]) }
            })
    }
}
