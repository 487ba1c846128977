import Foundation
import TestSupport
import Testing

@testable import LoomConfiguration

@Suite("Resolved configurations, shipped configurations and the reference")
struct ConfigurationResolvedTests {
    /// The package's `configs` directory.
    static let directory = ProjectFolder.path("configs")

    static var shipped: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted()
    }

    static let forms = [
        MinimalConfiguration.with(),
        """
        data:
          csv: {path: "a b: #.csv", label: "0", features: [a, 2, "3"], header: false, separator: "\\t"}
          labels: {base: one_hot}
          validation: {inline: {inputs: [[0.1, 1e-300], [-3, 12345678.9]], targets: [[0, 1], [1, 0]]}}
        network:
          layers:
            - {name: "größe: 1", units: 2, weights: [[0.1, 0.2, 0.3], [1e-17, 2, 3]], activation: relu, relu_at_zero: 1}
            - {units: 2, bias: [1, 2]}
            - {units: 3, bias: false}
          output: softmax
          initialization: {kind: constant, value: -0.5}
        optimizer: {kind: adam, beta1: 0.5, schedule: {kind: exponential, factor: 0.9}}
        training: {steps: 3, seed: 18446744073709551615}
        parallel: {placement: "0,2,4-7", workers: 3}
        run: {directory: "runs: all", checkpoint: {every: {steps: 10}}, tensorboard: true, histograms: true, csv: true}
        """,
        """
        data: {npy: {inputs: x.npy, targets: /y.npy}, validation: {fraction: 0.2, seed: 4, stratified: true}}
        network: {layers: [{units: 1}], output: identity, initialization: {parameters: p.safetensors}}
        training: {early_stopping: {patience: 2}}
        """,
        """
        data:
          csv: {path: a.csv, label: y, weights: w, groups: -1}
          validation: {fold: 2/5, by: group, seed: 3}
          class_weights: {cat: 0.5, "a: b": 2}
        network: {layers: [{units: 2}], output: softmax}
        """,
        """
        data:
          npy: {inputs: a.npy, targets: b.npy}
          validation: {fraction: 0.3, by: group}
          class_weights: [0, 2.5]
          labels: {base: -1}
          weights: w.npy
          groups: /g.npy
        network: {layers: [{units: 2}], output: softmax}
        """,
        """
        data: {idx: {inputs: i.gz, targets: l.gz}, validation: {fold: 3/3, by: last}, class_weights: balanced}
        network: {layers: [{units: 1}], output: identity}
        """,
        """
        data: {npy: {inputs: [a.npy, 'part-*.npy'], targets: 'y*.npy', scale: 1/4}}
        network: {layers: [{units: 1}], output: identity}
        """,
        """
        data: {idx: {inputs: i.gz, targets: l.gz, scale: 1/255}}
        network: {layers: [{units: 1}], output: identity}
        """,
        """
        data: {npz: {path: a.npz, inputs: x, targets: 'y z', scale: -2}}
        network: {layers: [{units: 1}], output: identity}
        """,
        """
        data: {hdf5: {path: a.h5, inputs: train/x, targets: train/y}}
        network: {layers: [{units: 1}], output: identity}
        """,
        """
        data: {libsvm: {path: a.svm, features: 7}}
        network: {layers: [{units: 1}], output: identity}
        """,
        """
        data: {libsvm: {path: a.svm}}
        network: {layers: [{units: 1}], output: identity}
        """,
        """
        data: {dataset: {path: ../d}}
        network: {layers: [{units: 1}], output: identity}
        """,
        """
        data: {synthetic: {task: blobs, samples: 10, center_box: [-1, 1.5], classes: 4}}
        network:
          weights_layout: in_by_out
          layers: [{units: 2, weights: [[1, 2], [3, 4], [5, 6]]}, {units: 4, weights: [[1, 2, 3, 4], [5, 6, 7, 8]]}]
          output: softmax
        """,
        """
        data: {synthetic: {task: spirals, samples: 10}}
        network:
          layers:
            - {name: out, units: 2, inputs: [b, input], weights: {input: [[1, 2], [3, 4]], b: [[5, 6, 7], [8, 9, 10]]}}
            - {name: a, units: 1, inputs: [input], activation: softmax_weighted, components: 2, bias: [1, 2]}
            - {name: b, units: 3, inputs: [input, a]}
          output: softmax
        """,
        """
        data: {synthetic: {task: linear, inputs: 2, samples: 10}}
        network: {layers: [{units: 1, components: 3, weights: [[1, 2], [3, 4], [5, 6]]}], output: softmax_weighted}
        """,
        """
        data: {synthetic: {task: linear, inputs: 2, samples: 10}}
        network:
          inputs: [x1, "x 2"]
          vertices: [{name: v, kind: softmax_weighted, components: 2}, {name: softmax, kind: sigmoid}, {name: p, kind: sigmoid}]
          edges:
            - {from: x1, to: v, weights: [0.1, 0.2]}
            - {from: "x 2", to: v, weights: [-0.1, 1e-3]}
            - {from: v, to: softmax, weight: 0.5}
            - {from: v, to: p, weights: 0.25}
          output: [softmax, p]
        """,
        """
        data: {synthetic: {task: linear, inputs: 1, samples: 10}}
        network:
          inputs: [x]
          vertices: [{name: y, kind: identity}]
          edges: [{from: x, to: y}]
          output: y
          initialization: {kind: xavier, seed: 4}
        """,
        """
        data:
          synthetic: {task: teacher, samples: 10, targets: 2, hidden: [3, 4], activation: relu, correlation: 0.5, irrelevant: 1}
        network: {layers: [{units: 2}], output: identity}
        """,
        """
        data: {synthetic: {task: mixture, samples: 10, clusters: 2, class_shares: [1, 2, 0.5], label_noise: 0.1, redundant: 2}}
        network: {layers: [{units: 3}], output: softmax}
        """,
        """
        data: {synthetic: {task: linear, samples: 10, targets: 2, informative: 3, bias: -1}}
        network: {layers: [{units: 2}], output: identity}
        optimizer: {kind: momentum, schedule: {kind: step, every_epochs: 3}}
        run: {checkpoint: {every: never}}
        """,
    ]

    @Test("reading what was written gives an equal value", arguments: forms)
    func roundTrip(yaml: String) throws {
        let configuration = try Configuration.reading(yaml)
        let written = configuration.yaml()
        let again = try Configuration(yaml: written, file: "/somewhere/else/config.yaml")
        #expect(again == configuration)
        #expect(again.yaml() == written)
        let json = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(Configuration.self, from: json) == configuration)
    }

    @Test("every default is filled in, keys without a meaning are left out, lists of numbers take one line")
    func resolved() throws {
        let configuration = try Configuration.reading(
            """
            data: {npy: {inputs: x.npy, targets: y.npy}}
            network: {layers: [{units: 2, weights: [[1, 2], [3, 4]]}, {units: 1}], output: sigmoid}
            """)
        #expect(
            configuration.yaml() == """
                data:
                  npy:
                    inputs: "/experiments/x.npy"
                    targets: "/experiments/y.npy"
                    scale: 1.0
                  labels:
                    base: auto
                  validation: 0
                  shuffle: true
                  standardize: false
                  materialize: auto
                network:
                  layers:
                  - name: "layer1"
                    units: 2
                    activation: identity
                    bias: true
                    weights: [[1.0, 2.0], [3.0, 4.0]]
                  - name: "layer2"
                    units: 1
                    activation: identity
                    bias: true
                  output: sigmoid
                  weights_layout: out_by_in
                  initialization:
                    kind: he
                    distribution: normal
                    seed: 1
                loss:
                  kind: cross_entropy
                  reduction: mean
                  l2: 0.0
                optimizer:
                  kind: sgd
                  learning_rate: 0.01
                  schedule:
                    kind: constant
                    warmup_steps: 0
                training:
                  batch: auto
                  epochs: 1
                  seed: 1
                  precision: float32
                  drop_last: false
                  on_nan: stop
                parallel:
                  workers: auto
                  placement: auto
                  route: auto
                  groups: auto
                  gemm: auto
                  instruction_set: auto
                  shard_rows: auto
                  reproducible: any_workers
                  team: auto
                run:
                  directory: "runs"
                  checkpoint:
                    every: auto
                    keep: 2
                  tensorboard: false
                  csv: false

                """)
    }

    @Test("relative paths are relative to the configuration's directory")
    func paths() throws {
        let yaml = """
            data: {npy: {inputs: x.npy, targets: ../y.npy}}
            network: {layers: [{units: 1}], output: sigmoid}
            """
        let configuration = try Configuration(yaml: yaml, file: "some/directory/run.yaml")
        let current = FileManager.default.currentDirectoryPath
        #expect(
            configuration.data.source
                == .npy(.init(inputs: "\(current)/some/directory/x.npy", targets: "\(current)/some/y.npy")))
    }

    @Test("all shipped configurations can be read, trained and written", arguments: shipped)
    func shippedFiles(name: String) throws {
        let path = "\(Self.directory)/\(name)"
        let configuration = try Configuration.load(path: path)
        try configuration.validateForTraining()
        #expect(try Configuration(yaml: configuration.yaml(), file: path) == configuration)
    }

    @Test("the shipped configurations are there, with the data they name")
    func shippedNames() throws {
        #expect(Self.shipped.contains("quickstart.yaml"))
        let digits = try Configuration.load(path: "\(Self.directory)/digits.yaml")
        guard case .csv(let csv) = digits.data.source else {
            Issue.record("digits.yaml reads a CSV file")
            return
        }
        #expect(FileManager.default.fileExists(atPath: csv.path))
    }

    @Test("the reference has every key once, with what a reader needs to know")
    func reference() throws {
        let reference = Configuration.reference
        #expect(Set(reference.map(\.path)).count == reference.count)
        #expect(reference.allSatisfy { !$0.type.isEmpty && !$0.description.isEmpty })
        #expect(reference.filter(\.isRequired).allSatisfy { $0.defaultValue == nil })
        func key(_ path: String) -> KeyReference? { reference.first { $0.path == path } }
        #expect(
            key("optimizer.learning_rate")
                == KeyReference(
                    path: "optimizer.learning_rate", type: "a number above 0", defaultValue: "0.01",
                    isRequired: false,
                    description: "the step size, before the schedule"))
        #expect(key("network.layers.N.units")?.isRequired == true)
        #expect(key("run.checkpoint.every.steps") != nil)
        #expect(
            key("data.synthetic.inputs")?.defaultValue
                == "64 (teacher), 2 (blobs, mixture, spirals, rings, xor, triangle), "
                + "10 (parity, logistic, threshold, linear, friedman1, exponentials), 1 (intervals), "
                + "4 (friedman2, friedman3), 400 (letters), 120 (voices), 5 (prices)")
        #expect(key("data.validation.csv") != nil && key("data.validation.csv.path") == nil)
    }

    @Test("every key of a resolved configuration is in the reference", arguments: forms)
    func referenceIsComplete(yaml: String) throws {
        let node = try #require(try SettingsNode.parse(yaml: try Configuration.reading(yaml).yaml()))
        let paths = Set(Configuration.reference.map(\.path))
        func check(_ node: SettingsNode, _ path: String) {
            switch node.content {
            case .scalar: break
            case .list(let elements): elements.forEach { check($0, path + ".N") }
            case .mapping(let entries):
                for entry in entries {
                    let name = path.hasSuffix(".weights") ? "INPUT" : entry.key
                    let key = path.isEmpty ? name : "\(path).\(name)"
                    #expect(
                        paths.contains(key)
                            || ["data.validation.inline.", "data.class_weights."].contains { key.hasPrefix($0) })
                    check(entry.value, key)
                }
            }
        }
        check(node, "")
    }
}
