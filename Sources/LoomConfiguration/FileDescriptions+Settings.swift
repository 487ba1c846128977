import Foundation
import LoomData

extension NpyDescription {
    static var section: SettingsSection<NpyDescription> {
        var section = SettingsSection(initial: NpyDescription(inputs: [], targets: []))
        section.requiredKey(
            "inputs", \.inputs, .paths,
            "the features, samples × features: a file, a list of files, or a pattern such as part-*.npy")
        section.requiredKey(
            "targets", \.targets, .paths, "the targets, samples or samples × columns, in the same way")
        section.key("scale", \.scale, .factor, "what every number of the features is multiplied with")
        return section
    }
}

extension ArrayFileDescription {
    static func section(_ file: String) -> SettingsSection<ArrayFileDescription> {
        var section = SettingsSection(initial: ArrayFileDescription(path: "", inputs: "", targets: ""))
        section.requiredKey("path", \.path, .path, "\(file), relative to the configuration file")
        section.requiredKey(
            "inputs", \.inputs, .text("the name of an array"), "the array of the features, samples × features")
        section.requiredKey(
            "targets", \.targets, .text("the name of an array"),
            "the array of the targets, samples or samples × columns")
        section.key("scale", \.scale, .factor, "what every number of the features is multiplied with")
        return section
    }
}

extension IdxDescription {
    static var section: SettingsSection<IdxDescription> {
        var section = SettingsSection(initial: IdxDescription(inputs: "", targets: ""))
        section.requiredKey("inputs", \.inputs, .path, "the features, such as train-images-idx3-ubyte.gz")
        section.requiredKey("targets", \.targets, .path, "the targets, such as train-labels-idx1-ubyte.gz")
        section.key(
            "scale", \.scale, .factor, "what every number of the features is multiplied with; 1/255 for grey values")
        return section
    }
}

extension LibSVMDescription {
    static var section: SettingsSection<LibSVMDescription> {
        var section = SettingsSection(initial: LibSVMDescription(path: ""))
        section.requiredKey("path", \.path, .path, "the file, relative to the configuration file")
        section.optionalKey(
            "features", \.features, .whole(1), default: "the largest index", "the number of features")
        return section
    }
}

extension DatasetDescription {
    static var section: SettingsSection<DatasetDescription> {
        var section = SettingsSection(initial: DatasetDescription(path: ""))
        section.requiredKey("path", \.path, .path, "the directory, relative to the configuration file")
        return section
    }
}

extension SettingsType<[String]> {
    /// The paths of files: a path, or a list of them.
    static var paths: SettingsType {
        let expectation = "the path of a file, or a list of paths"
        let list = SettingsType.list(of: .path, expectation)
        return SettingsType(
            expectation: expectation,
            read: { value in
                if case .scalar = value.node.content { return SettingsType<String>.path.read(value).map { [$0] } }
                guard case .list = value.node.content else {
                    value.mismatch(expectation)
                    return nil
                }
                return list.read(value)
            },
            write: { $0.count == 1 ? SettingsType<String>.path.write($0[0]) : list.write($0) })
    }
}

extension SettingsType<Double> {
    /// A number, or a fraction such as 1/255.
    static var factor: SettingsType {
        let expectation = "a number that is not 0, or a fraction such as 1/255"
        return SettingsType(
            expectation: expectation,
            read: { value in
                guard let text = value.numberText(expectation) else { return nil }
                guard let factor = Configuration.factor(text) else {
                    value.mismatch(expectation)
                    return nil
                }
                return factor
            },
            write: { SettingsType.number(.any).write($0) })
    }
}

extension Configuration {
    /// The number that `text` is, or the fraction of two, such as 1/255; nil for 0 and for what is neither.
    package static func factor(_ text: String) -> Double? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map {
            SettingsNumber.real($0.trimmingCharacters(in: .whitespaces))
        }
        guard parts.count <= 2, let numerator = parts[0] else { return nil }
        guard parts.count == 2 else { return numerator == 0 ? nil : numerator }
        guard let denominator = parts[1], (numerator / denominator).isFinite, numerator != 0 else { return nil }
        let factor = numerator / denominator
        return factor == 0 ? nil : factor
    }
}
