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
    /// The names of the target columns, where they are known.
    let targetNames: [String]?
    /// How the feature columns of a CSV file became features; nil: each was one number.
    let csvColumns: [CSVColumn]?

    private static let meanName = "standardization.mean"
    private static let deviationName = "standardization.deviation"

    init<Scalar>(_ data: PreparedData<Scalar>, inputs: Int) {
        self.inputs = inputs
        labelBase = data.conversion.base
        classNames = data.classNames
        featureNames = data.training.featureNames
        targetNames = data.targetNames
        csvColumns = data.csvColumns
    }

    /// The facts in a checkpoint's metadata.
    /// - Throws: `ModelError` when the file is not a checkpoint of a run, `SafetensorsError` when an entry is damaged.
    init(_ file: Safetensors) throws {
        guard let text = file.metadata["inputs"] else {
            throw ModelError(
                "\(file.path ?? "the file") has parameters, but not the number of inputs in its metadata: it is no "
                    + "checkpoint of a training run")
        }
        func damage(_ key: String) -> SafetensorsError {
            SafetensorsError(path: file.path, tensor: nil, problem: .metadata(key: key))
        }
        guard let inputs = Int(text), inputs > 0 else { throw damage("inputs") }
        self.inputs = inputs
        let base = file.metadata["label_base"].map(LabelBase.init)
        guard let labelBase = base ?? .automatic else { throw damage("label_base") }
        self.labelBase = labelBase
        classNames = try file.metadata["class_names"].map { text in
            guard let names: [String] = Self.list(text), !names.isEmpty, Set(names).count == names.count else {
                throw damage("class_names")
            }
            return names
        }
        featureNames = try file.metadata["feature_names"].map { text in
            guard let names: [String] = Self.list(text), names.count == inputs else { throw damage("feature_names") }
            return names
        }
        targetNames = try file.metadata["target_names"].map { text in
            guard let names: [String] = Self.list(text), !names.isEmpty else { throw damage("target_names") }
            return names
        }
        csvColumns = try file.metadata["csv_columns"].map { text in
            guard let columns: [CSVColumn] = Self.list(text), CSVColumn.areSound(columns, inputs: inputs) else {
                throw damage("csv_columns")
            }
            return columns
        }
    }

    /// The facts as strings.
    var metadata: [String: String] {
        var result = ["inputs": String(inputs), "label_base": labelBase.rawValue]
        result["class_names"] = Self.text(classNames)
        result["feature_names"] = Self.text(featureNames)
        result["target_names"] = Self.text(targetNames)
        result["csv_columns"] = Self.text(csvColumns)
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

    /// The standardisation of `inputs` features kept in a checkpoint; nil: none.
    static func standardization(in file: Safetensors, inputs: Int) throws(SafetensorsError) -> Standardization? {
        guard file.tensors.contains(where: { $0.name == meanName }) else { return nil }
        func numbers(_ name: String, _ isSound: (Double) -> Bool) throws(SafetensorsError) -> [Double] {
            let numbers = try file.tensor(name, shape: [inputs]).values.converted(to: Double.self)
            guard numbers.allSatisfy(isSound) else {
                throw SafetensorsError(path: file.path, tensor: name, problem: .checksum)
            }
            return numbers
        }
        return Standardization(
            means: try numbers(meanName) { $0.isFinite },
            deviations: try numbers(deviationName) { $0.isFinite && $0 > 0 })
    }

    private static func text(_ list: [some Encodable]?) -> String? {
        let encoder = JSONEncoder()
        // The same file for the same model.
        encoder.outputFormatting = .sortedKeys
        return list.flatMap { try? encoder.encode($0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func list<Element: Decodable>(_ text: String) -> [Element]? {
        try? JSONDecoder().decode([Element].self, from: Data(text.utf8))
    }
}
