import Foundation
import LoomConfiguration
import LoomData
import LoomModel
import LoomReference
import LoomRuns
import LoomTraining
import TestSupport

/// The configurations of `configs/`, and fixtures without one as configurations made in code.
enum SeedConfiguration {
    /// The configuration `configs/seeds/NAME.yaml`.
    static func load(_ name: String, overrides: String...) throws -> Configuration {
        try load(path: "configs/seeds/\(name).yaml", overrides: overrides)
    }

    /// The configuration at `path`, relative to the root.
    static func load(path: String, overrides: [String] = []) throws -> Configuration {
        try Configuration.load(path: ProjectFolder.path(path), overrides: overrides)
    }

    /// The configuration of a fixture's dense block.
    static func made(_ block: DenseBlock) -> Configuration {
        made(network: block.network, loss: block.training!.loss, inputs: block.inputs, targets: block.training!.targets)
    }

    /// A configuration of numbers.
    static func made(
        network: NetworkDescription, loss: LossDescription, inputs: [[Double]], targets: [[Double]]
    ) -> Configuration {
        Configuration(
            data: DataDescription(source: .inline(InlineDescription(inputs: inputs, targets: targets))),
            network: NetworkSettings(layers: network.layers, output: network.output), loss: loss)
    }

    /// What inspecting prints as JSON, read again.
    static func inspect(
        _ configuration: Configuration, samples: SampleSelection = .all(limit: .max), step: Bool = false
    ) throws -> JSONValue {
        let inspection = try Inspection(ReferenceProblem(configuration, samples: samples), step: step)
        return try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(inspection))
    }

    /// A Jacobian on all samples.
    static func jacobian(
        _ configuration: Configuration, of: String = "prediction", wrt: String, element: [Int]? = nil
    ) throws -> GradientTensor {
        let problem = try ReferenceProblem(configuration, samples: .all(limit: .max))
        return try NetworkJacobian(problem).tensor(of: of, wrt: wrt, element: element)
    }
}

extension JSONValue {
    /// All numbers of lists in lists, or of an array block, row-major.
    var flat: [Double] {
        if let number { return [number] }
        return (elements ?? []).flatMap(\.flat)
    }
}
