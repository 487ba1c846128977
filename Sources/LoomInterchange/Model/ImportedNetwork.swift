import Foundation
import LoomModel
import LoomRuns

/// A network with its parameters, as a configuration names them: the text of its section `network`, and a file.
package struct ImportedNetwork {
    /// The layers and the output, without parameters.
    package let description: NetworkDescription
    /// The parameters under the network's own names.
    package let tensors: [Safetensors.Tensor]

    /// A network whose layers have their weights.
    /// - Throws: `ModelError`: the description contradicts itself.
    package init(_ given: NetworkDescription) throws {
        let network = try Network<Double>(given)
        let parameters = network.initialParameters()
        tensors = network.layout.tensors.enumerated().map { index, tensor in
            .init(name: tensor.name, shape: tensor.shape, values: .float64(parameters.values(index)))
        }
        var description = given
        for index in description.layers.indices {
            description.layers[index].connectionWeights = nil
            description.layers[index].bias = nil
        }
        self.description = description
    }

    /// The section `network` of a configuration, in one line, whose first parameters are in `parameters`.
    package func section(parameters: String) throws -> String {
        struct Layer: Encodable {
            let name: String
            let units: Int
            let activation: String
            let inputs: [String]?
            let bias: Bool
        }
        struct Section: Encodable {
            struct Initialization: Encodable { let parameters: String }
            let layers: [Layer]
            let output: String
            let initialization: Initialization
        }
        let layers = description.layers.map {
            Layer(
                name: $0.name, units: $0.units, activation: $0.activation.rawValue, inputs: $0.inputs, bias: $0.hasBias)
        }
        let section = Section(
            layers: layers, output: description.output.rawValue, initialization: .init(parameters: parameters))
        return try JSONLines.text(section)
    }
}
