import Foundation
import LoomData
import LoomKernels
import LoomModel
import LoomRuns

/// A trained network with its parameters, ready for a file of another program.
package struct TrainedModel {
    /// The parameters of one layer.
    package struct Parameters {
        /// Pre-activations × inputs of the layer, row by row.
        package let weights: Safetensors.Values
        /// One for each pre-activation; nil: none are added.
        package let bias: Safetensors.Values?
    }

    package let description: ModelDescription
    /// In the order of the layers.
    package let parameters: [Parameters]
    /// The shift and scale of the features, where they are standardised.
    package let standardization: Standardization?
    /// How columns of a table became features; nil: each was one number.
    package let columns: [CSVColumn]?
    /// What the numbers of the data are multiplied with before anything else.
    package let scale: Double

    /// Whether it was trained in float64.
    package let isFloat64: Bool

    /// The model of a run.
    package init<Scalar: LoomScalar>(_ model: SavedModel<Scalar>) {
        let network = model.network
        isFloat64 = Scalar.precision == .float64
        description = ModelDescription(network, model: model)
        parameters = network.layers.map { layer in
            let parts = layer.connections.map { Array(model.parameters.rows($0.weights)) }
            let weights = (0..<layer.preActivations).flatMap { row in parts.flatMap { $0[row] } }
            return Parameters(
                weights: Safetensors.Values(weights),
                bias: layer.bias.map { Safetensors.Values(model.parameters.values($0)) })
        }
        standardization = model.standardization
        columns = model.csvColumns
        scale = model.configuration.data.source.scale ?? 1
    }
}

extension ModelDescription {
    fileprivate init<Scalar>(_ network: Network<Scalar>, model: SavedModel<Scalar>) {
        inputs = network.inputs
        output = network.description.output
        featureNames = model.featureNames
        targetNames = (0..<network.outputs).map(model.targetName).contains(nil) ? nil : model.targetNames
        classes = Self.classes(of: model)
        let names = Self.moduleNames(network.layers.map(\.name))
        layers = network.layers.indices.map { index in
            let (layer, description) = (network.layers[index], network.description.layers[index])
            return Layer(
                name: names[index],
                inputs: layer.connections.map { connection in
                    switch connection.source {
                    case .layer(let source): .layer(names[source])
                    case .data:
                        .features(first: connection.sourceColumns.lowerBound, count: connection.sourceColumns.count)
                    }
                },
                inputCount: layer.connections.reduce(0) { $0 + $1.sourceColumns.count }, units: layer.units,
                components: layer.components, activation: description.activation, hasBias: layer.bias != nil)
        }
    }

    /// Points part the names of modules: layers have `_` in their place.
    private static func moduleNames(_ names: [String]) -> [String] {
        var taken: Set = ["standardization"]
        return names.map { name in
            var result = name.replacing(".", with: "_")
            while !taken.insert(result).inserted { result += "_" }
            return result
        }
    }

    private static func classes<Scalar>(of model: SavedModel<Scalar>) -> Classes? {
        guard let count = model.classCount else { return nil }
        guard model.classNames != nil else { return .numbers((0..<count).map(model.labelBase.label)) }
        return .texts((0..<count).map(model.className))
    }
}
