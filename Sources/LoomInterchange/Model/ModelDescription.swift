import LoomModel

/// A trained network as other programs see it: its layers in the order of evaluation, and what its inputs and outputs are called.
///
/// A layer has one matrix of weights, over all its inputs side by side. Exported files have the description as JSON, from which a
/// module in another language can be built.
package struct ModelDescription: Codable, Equatable, Sendable {
    /// One dense layer: activation(x · weightsᵀ + bias), where x are its inputs side by side.
    package struct Layer: Codable, Equatable, Sendable {
        /// The name, unique in the network.
        package var name: String
        /// What it reads, in the order of the weights' columns.
        package var inputs: [Input]
        /// The numbers that it reads of a sample: columns of its weights.
        package var inputCount: Int
        /// The numbers that it gives.
        package var units: Int
        /// The pre-activations of a unit: more than 1 only before `softmax_weighted`. Those of one unit follow each other.
        package var components: Int
        /// What is applied to the pre-activations; of the last layer `identity`, before the network's output.
        package var activation: Activation
        /// Whether it adds a bias.
        package var hasBias: Bool

        /// Rows of its weights.
        package var preActivations: Int { units * components }

        private enum CodingKeys: String, CodingKey {
            case name, inputs, units, components, activation
            case inputCount = "input_count"
            case hasBias = "bias"
        }
    }

    /// What a layer reads: all outputs of another one, or neighbouring features.
    package enum Input: Equatable, Sendable {
        /// `{"layer": NAME}`
        case layer(String)
        /// `{"first_feature": INDEX, "feature_count": NUMBER}`
        case features(first: Int, count: Int)
    }

    /// The features of a sample.
    package var inputs: Int
    /// The layers in the order of evaluation; the last one is the output.
    package var layers: [Layer]
    /// What is applied to the last layer's pre-activations.
    package var output: OutputMap
    /// The names of the features, where they are known.
    package var featureNames: [String]?
    /// The labels of the classes; nil: the network does not predict one class of several.
    package var classes: Classes?
    /// The names of predicted numbers, where they are known.
    package var targetNames: [String]?

    /// The labels of classes, as the training data had them: a list.
    package enum Classes: Equatable, Sendable {
        case numbers([Int])
        case texts([String])
    }

    private enum CodingKeys: String, CodingKey {
        case inputs, layers, output, classes
        case featureNames = "feature_names"
        case targetNames = "target_names"
    }
}

extension ModelDescription.Input: Codable {
    private enum CodingKeys: String, CodingKey {
        case layer
        case first = "first_feature"
        case count = "feature_count"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let layer = try container.decodeIfPresent(String.self, forKey: .layer) {
            self = .layer(layer)
        } else {
            self = .features(
                first: try container.decode(Int.self, forKey: .first),
                count: try container.decode(Int.self, forKey: .count))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .layer(let name): try container.encode(name, forKey: .layer)
        case .features(let first, let count):
            try container.encode(first, forKey: .first)
            try container.encode(count, forKey: .count)
        }
    }
}

extension ModelDescription.Classes: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let numbers = try? container.decode([Int].self) {
            self = .numbers(numbers)
        } else {
            self = .texts(try container.decode([String].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .numbers(let numbers): try container.encode(numbers)
        case .texts(let texts): try container.encode(texts)
        }
    }
}
