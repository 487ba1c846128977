import Foundation

@testable import LoomConfiguration

/// The shortest configuration: two lines, so that what a test adds starts in line 3.
enum MinimalConfiguration {
    static let data = "data: {synthetic: {task: teacher, samples: 100}}"
    static let network = "network: {layers: [{units: 10}], output: softmax}"

    /// `data` and `network`, followed by `sections`.
    static func with(_ sections: String...) -> String {
        ([data, network] + sections).joined(separator: "\n")
    }
}

extension Configuration {
    /// Reads `yaml` as the file `run.yaml` of the directory `/experiments`.
    static func reading(_ yaml: String, overrides: [String] = []) throws -> Configuration {
        try Configuration(yaml: yaml, file: "/experiments/run.yaml", overrides: overrides)
    }

    /// The message about everything that is wrong with `yaml`, the file's directory left out; empty when nothing is.
    static func problems(_ yaml: String, overrides: [String] = []) -> String {
        do {
            _ = try reading(yaml, overrides: overrides)
            return ""
        } catch {
            return "\(error)".replacingOccurrences(of: "/experiments/", with: "")
        }
    }
}
