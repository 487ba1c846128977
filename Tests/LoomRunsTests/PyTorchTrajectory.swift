import Foundation
import LoomConfiguration
import TestSupport
import Testing

/// A training of `Tests/Fixtures/pytorch-trajectories.json`, which PyTorch did in float64 (`Tests/trajectories`): samples
/// and first parameters follow from a formula, the rest from a configuration.
struct PyTorchTrajectory: Sendable, CustomTestStringConvertible {
    /// What is kept of a tensor after the last step.
    struct Tensor: Sendable {
        let sumOfMagnitudes, first, last: Double
    }

    /// All of the file.
    static let all: [PyTorchTrajectory] = {
        let path = ProjectFolder.url.appendingPathComponent("Tests/Fixtures/pytorch-trajectories.json")
        // The file is part of the tests: what does not read as expected is a mistake there and ends the test run.
        let json = try! JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: path))
        precondition(json["format"]?.string == "trajectories/1")
        let (samples, inputs) = (json["samples"]!.integer!, json["inputs"]!.integer!)
        return json["trajectories"]!.elements!.map { PyTorchTrajectory($0, samples: samples, inputs: inputs) }
    }()

    let name: String
    /// The training, with samples and parameters.
    let yaml: String
    /// The loss of every batch before its step, penalty included.
    let losses: [Double]
    /// The parameters after the last step, by the names of checkpoints.
    let parameters: [String: Tensor]

    var testDescription: String { name }

    private init(_ json: JSONValue, samples: Int, inputs: Int) {
        name = json["name"]!.string!
        losses = json["losses"]!.vector!
        let tensors = json["parameters"]!
        parameters = Dictionary(
            uniqueKeysWithValues: tensors.keys.map { key in
                let tensor = tensors[key]!
                return (
                    key,
                    Tensor(
                        sumOfMagnitudes: tensor["sum_of_magnitudes"]!.number!, first: tensor["first"]!.number!,
                        last: tensor["last"]!.number!)
                )
            })
        guard case .object(var sections) = json["configuration"]!, case .object(var network)? = sections["network"],
            case .object(var training)? = sections["training"]
        else { fatalError("\(name) is no configuration") }
        let layers = network["layers"]!.elements!
        network["layers"] = .array(Self.withFirstParameters(layers, inputs: inputs))
        training["precision"] = .string("float64")
        let targets = Self.targets(
            json["targets"]!.string!, samples: samples, outputs: layers.last!["units"]!.integer!)
        sections["network"] = .object(network)
        sections["training"] = .object(training)
        sections["data"] = .object([
            "shuffle": .bool(false), "labels": .object(["base": .string("0")]),
            "inline": .object([
                "inputs": .matrix(Self.matrix(seed: 1, samples, inputs)), "targets": .matrix(targets),
            ]),
        ])
        // JSON is YAML.
        yaml = JSONValue.object(sections).text
    }

    // MARK: The formula

    /// Multiples of 2⁻¹⁵ from −1 to 1, by the linear congruential generator of `Tests/trajectories/training.py`.
    private static func matrix(seed: Int, _ rows: Int, _ columns: Int, scale: Double = 1) -> [[Double]] {
        var state = UInt32(seed)
        return (0..<rows).map { _ in
            (0..<columns).map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return scale * (Double(state >> 16) / 32768 - 1)
            }
        }
    }

    private static func targets(_ kind: String, samples: Int, outputs: Int) -> [[Double]] {
        matrix(seed: 2, samples, outputs).map { row in
            let label = row.firstIndex(of: row.max()!)!
            return switch kind {
            case "classes": [Double(label)]
            case "shares": row.indices.map { ($0 == label ? 2 : 1) / Double(outputs + 1) }
            case "decisions": row.map { $0 >= 0 ? 1 : 0 }
            default: row
            }
        }
    }

    private static func withFirstParameters(_ layers: [JSONValue], inputs: Int) -> [JSONValue] {
        var widths = ["input": inputs]
        var (before, seed) = ("input", 100)
        return layers.enumerated().map { index, layer in
            guard case .object(var members) = layer else { fatalError("a layer is an object") }
            let name = layer["name"]?.string ?? "layer\(index + 1)"
            let rows = layer["units"]!.integer! * (layer["components"]?.integer ?? 1)
            let sources = layer["inputs"]?.elements?.map { $0.string! } ?? [before]
            let matrices = sources.map { source in
                defer { seed += 1 }
                return (source, JSONValue.matrix(matrix(seed: seed, rows, widths[source]!, scale: 0.5)))
            }
            members["weights"] =
                sources.count == 1 ? matrices[0].1 : .object(Dictionary(uniqueKeysWithValues: matrices))
            if layer["bias"] != .bool(false) {
                members["bias"] = .array(matrix(seed: seed, 1, rows, scale: 0.25)[0].map { .number($0) })
                seed += 1
            }
            widths[name] = layer["units"]!.integer!
            before = name
            return .object(members)
        }
    }
}

extension JSONValue {
    fileprivate static func matrix(_ rows: [[Double]]) -> JSONValue {
        .array(rows.map { .array($0.map { .number($0) }) })
    }

    /// The value as JSON; whole numbers without a point.
    fileprivate var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): Int(exactly: value).map { "\($0)" } ?? "\(value)"
        case .string(let value): "\"\(value)\""
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.keys.sorted().map { "\"\($0)\": \(members[$0]!.text)" }.joined(separator: ", ") + "}"
        }
    }
}
