import Foundation

/// A key with other values in two configurations.
public struct SettingDifference: Sendable, Equatable {
    /// The path of the key, "training.batch".
    public let key: String
    /// The values as YAML has them; nil: not given.
    public let before, after: String?
}

extension Configuration {
    /// What trained parameters depend on: a training that goes on with other values is another training. Not the number of
    /// epochs, the learning rate with its schedule and when to stop, which say how to go on; nor workers and their places,
    /// which change no bit.
    private static let meaningful = [
        "data", "network", "loss", "optimizer", "training.batch", "training.seed", "training.precision",
        "training.drop_last", "parallel.groups", "parallel.shard_rows", "parallel.reproducible",
    ]

    /// Where `other` differs in what trained parameters depend on, in the order of the keys' names. Where data lie is left
    /// out: what they are is another question.
    package func differencesInMeaning(from other: Configuration) -> [SettingDifference] {
        let (before, after) = (values, other.values)
        return Set(before.keys).union(after.keys).sorted().compactMap { key in
            let isMeant = Self.meaningful.contains { key == $0 || key.hasPrefix($0 + ".") }
            let isRate = key == "optimizer.learning_rate" || key.hasPrefix("optimizer.schedule")
            let isPath = key.hasPrefix("data.") && (key.hasSuffix(".path") || Self.namesFiles(key))
            guard isMeant, !isRate, !isPath, before[key] != after[key] else { return nil }
            return SettingDifference(key: key, before: before[key], after: after[key])
        }
    }

    /// Whether the key of a source that is no `path` names a file.
    private static func namesFiles(_ key: String) -> Bool {
        ["npy", "idx"].contains { source in
            ["inputs", "targets"].contains { key.contains(".\(source).\($0)") }
        }
    }

    /// All values by the paths of their keys.
    package var values: [String: String] {
        guard let data = try? JSONEncoder().encode(self), let object = try? JSONSerialization.jsonObject(with: data)
        else {
            return [:]
        }
        var values: [String: String] = [:]
        func add(_ value: Any, at path: String) {
            switch value {
            case let object as [String: Any]:
                for (key, value) in object { add(value, at: path.isEmpty ? key : "\(path).\(key)") }
            case let list as [Any]:
                for (index, value) in list.enumerated() { add(value, at: "\(path).\(index)") }
            // JSON's true and false are numbers here, of C's type for them.
            case let number as NSNumber where String(cString: number.objCType) == "c":
                values[path] = "\(number.boolValue)"
            default: values[path] = "\(value)"
            }
        }
        add(object, at: "")
        return values
    }
}
