import Foundation
import LoomData
import LoomKernels
import LoomModel
import LoomTraining

/// What a model needs to know besides its parameters to be used on other data; kept in its checkpoints.
struct ModelMetadata {
    /// The number of input features.
    let inputs: Int
    /// The number that class labels start at.
    let labelBase: LabelBase
    /// The names of the classes, where labels were text.
    let classNames: [String]?
    /// The names of the features, where they are known.
    let featureNames: [String]?

    private static let meanName = "standardization.mean"
    private static let deviationName = "standardization.deviation"

    init<Scalar>(_ data: PreparedData<Scalar>, inputs: Int) {
        self.inputs = inputs
        labelBase = data.conversion.base
        classNames = data.classNames
        featureNames = data.training.featureNames
    }

    /// The facts in a checkpoint's metadata.
    /// - Throws: `ModelError` when the file is not a checkpoint of a run.
    init(_ file: Safetensors) throws(ModelError) {
        guard let text = file.metadata["inputs"], let inputs = Int(text) else {
            throw ModelError(
                "\(file.path ?? "the file") has parameters, but not the number of inputs in its metadata: it is no "
                    + "checkpoint of a training run")
        }
        self.inputs = inputs
        labelBase = file.metadata["label_base"].flatMap(LabelBase.init) ?? .automatic
        classNames = Self.list(file.metadata["class_names"])
        featureNames = Self.list(file.metadata["feature_names"])
    }

    /// The facts as strings.
    var metadata: [String: String] {
        var result = ["inputs": String(inputs), "label_base": labelBase.rawValue]
        result["class_names"] = Self.text(classNames)
        result["feature_names"] = Self.text(featureNames)
        return result
    }

    /// The tensors that keep a standardisation.
    static func tensors(_ standardization: Standardization?) -> [Safetensors.Tensor] {
        guard let standardization else { return [] }
        let count = standardization.means.count
        return [
            .init(name: meanName, shape: [count], values: .float64(standardization.means)),
            .init(name: deviationName, shape: [count], values: .float64(standardization.deviations)),
        ]
    }

    /// The standardisation kept in a checkpoint; nil: none.
    static func standardization(in file: Safetensors) throws(SafetensorsError) -> Standardization? {
        guard file.tensors.contains(where: { $0.name == meanName }) else { return nil }
        return Standardization(
            means: try file.tensor(meanName).values.converted(to: Double.self),
            deviations: try file.tensor(deviationName).values.converted(to: Double.self))
    }

    private static func text(_ list: [String]?) -> String? {
        list.flatMap { try? JSONEncoder().encode($0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func list(_ text: String?) -> [String]? {
        text.flatMap { try? JSONDecoder().decode([String].self, from: Data($0.utf8)) }
    }
}
