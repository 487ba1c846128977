import Testing

@testable import LoomConfiguration

@Suite("Messages about what does not go together")
struct ConfigurationSectionTests {
    static let data = [
        Mistake(
            data: "shuffle: true",
            "run.yaml:2:3: data: no data; expected exactly one of the keys synthetic, csv, npy, dataset, npz, idx, libsvm, hdf5, inline and custom"
        ),
        Mistake(
            data: "synthetic: {task: xor, samples: 1}\n  csv: {path: x.csv}",
            "run.yaml:3:3: data.csv: only one of synthetic and csv can be given"),
        Mistake(
            data: "dataset: digits",
            "run.yaml:2:12: data.dataset: expected a mapping of keys to values, found 'digits'"),
        Mistake(
            data: "idx: {inputs: a, targets: b, scale: 1/0}",
            "run.yaml:2:39: data.idx.scale: expected a number that is not 0, or a fraction such as 1/255, found '1/0'"),
        Mistake(
            data: "npy: {inputs: [], targets: b}",
            "run.yaml:2:17: data.npy.inputs: expected the path of a file, or a list of paths, found an empty list"),
        Mistake(
            data: "csv: {path: x.csv}\n  validation: {fold: 6/5}",
            "run.yaml:3:22: data.validation.fold: expected a fold, such as 1/5 for the first of five, found '6/5'"),
        Mistake(
            data: "csv: {path: x.csv}\n  validation: {fold: 1/5, fraction: 0.1}",
            "run.yaml:3:16: data.validation.fold: only one of fraction and fold can be given"),
        Mistake(
            data: "csv: {path: x.csv}\n  validation: {fraction: 0.1, by: hash, stratified: true}",
            "run.yaml:3:41: data.validation.stratified: only used together with by random"),
        Mistake(
            data: "csv: {path: x.csv, weights: w}\n  weights: w.npy",
            "run.yaml:3:3: data.weights: not used with csv.weights, which already says how much samples count"),
        Mistake(
            data: "csv: {path: x.csv, groups: g}\n  validation: {fold: 1/2, by: group}\n  groups: g.npy",
            "run.yaml:4:3: data.groups: not used with csv.groups, which already says what belongs together"),
        Mistake(
            data: "csv: {path: x.csv}\n  validation: 0.1\n  groups: g.npy",
            "run.yaml:4:3: data.groups: only used together with validation.by group"),
        Mistake(
            data: "csv: {path: x.csv}\n  class_weights: [0, 0]",
            "run.yaml:3:3: data.class_weights: all of them are 0; give one class a weight above 0"),
        Mistake(
            data: "csv: {path: x.csv}\n  class_weights: even",
            "run.yaml:3:18: data.class_weights: expected balanced, a list of numbers, 0 or more, or a mapping of the "
                + "classes' names to such numbers, found 'even'"),
        Mistake(
            data: "csv: {path: x.csv}\n  class_weights: [1, -2]",
            "run.yaml:3:22: data.class_weights.1: expected a number, 0 or more, found -2"),
        Mistake(
            data: "synthetic: {task: blob, samples: 1}",
            "run.yaml:2:21: data.synthetic.task: expected teacher, blobs, mixture, spirals, rings, xor, parity, logistic, "
                + "intervals, triangle, threshold, linear, friedman1, friedman2, friedman3, exponentials, letters, "
                + "voices or prices, found 'blob'; did you mean 'blobs'?"),
        Mistake(
            data: "synthetic: {task: xor, samples: 1, hidden: 3}",
            "run.yaml:2:38: data.synthetic.hidden: not used with task xor; it belongs to task teacher, threshold "
                + "or exponentials"),
        Mistake(
            data: "synthetic: {task: linear, samples: 1, classes: 3}",
            "run.yaml:2:41: data.synthetic.classes: not used with task linear; it belongs to task teacher, blobs, mixture, "
                + "spirals, rings, xor or letters"),
        Mistake(
            data: "synthetic: {task: teacher, samples: 1, hidden: [3, 0]}",
            "run.yaml:2:54: data.synthetic.hidden.1: expected a whole number, 1 or more, found 0"),
        Mistake(
            data: "synthetic: {task: teacher, samples: 1, activation: softplus}",
            "run.yaml:2:54: data.synthetic.activation: expected tanh, relu, sigmoid or arctan, found 'softplus'"),
        Mistake(
            data: "synthetic: {task: linear, samples: 1, label_noise: 0.1}",
            "run.yaml:2:41: data.synthetic.label_noise: not used with task linear; it belongs to task teacher, blobs, "
                + "mixture, spirals, rings, xor, parity, logistic, intervals, triangle, threshold, letters or voices"),
        Mistake(
            data: "synthetic: {task: teacher, targets: 2, samples: 1, label_noise: 0.1}",
            "run.yaml:2:67: data.synthetic.label_noise: is 0.1; a regression has no labels"),
        Mistake(
            data: "synthetic: {task: xor, samples: 1, class_shares: [1, 2]}",
            "run.yaml:2:38: data.synthetic.class_shares: not used with task xor; it belongs to task blobs, mixture, "
                + "spirals, rings, letters or voices"),
        Mistake(
            data: "synthetic: {task: blobs, samples: 1, class_shares: [1, 2]}",
            "run.yaml:2:54: data.synthetic.class_shares: has 2 numbers; give one for each of the 3 classes"),
        Mistake(
            data: "synthetic: {task: rings, samples: 1, correlation: 0.5}",
            "run.yaml:2:40: data.synthetic.correlation: not used with task rings; it belongs to task teacher, logistic, "
                + "threshold, linear or exponentials"),
        Mistake(
            data: "synthetic: {task: letters, samples: 1, inputs: 100}",
            "run.yaml:2:50: data.synthetic.inputs: is 100; letters has 400 inputs: leave the key out"),
        Mistake(
            data: "synthetic: {task: teacher, samples: 1, classes: 3, targets: 2}",
            "run.yaml:2:54: data.synthetic.targets: only one of classes (a classification) and targets (a regression) can "
                + "be given"),
        Mistake(
            data: "synthetic: {task: friedman1, samples: 1, inputs: 4}",
            "run.yaml:2:52: data.synthetic.inputs: is 4; friedman1 needs at least 5"),
        Mistake(
            data: "csv: {label: y}",
            "run.yaml:2:8: data.csv.path: the key is missing; expected the path of a file: the file, relative to the "
                + "configuration file"),
        Mistake(
            data: "csv: {path: x, label: {a: 1}}",
            "run.yaml:2:25: data.csv.label: expected a column's name or index, or a list of them, found a mapping"
        ),
        Mistake(
            data: "csv: {path: x, separator: ';;'}",
            "run.yaml:2:29: data.csv.separator: expected auto or one ASCII character, such as \";\" or \"\\t\", found the "
                + "text ';;'"),
        Mistake(
            data: "csv: {path: x, header: yes}",
            "run.yaml:2:26: data.csv.header: expected auto, true or false, found 'yes'"),
        Mistake(
            data: "csv: {path: x, features: [a], ignored: [b]}",
            "run.yaml:2:33: data.csv.ignored: not used with features, which already say which columns are read"
        ),
        Mistake(
            data: "inline: {inputs: [[1, 2], [3]], targets: [0, 1]}",
            "run.yaml:2:29: data.inline.inputs.1: expected 2 numbers as in the first row, found 1"),
        Mistake(
            data: "inline: {inputs: [[1], [.nan]], targets: [0, 1]}",
            "run.yaml:2:27: data.inline.inputs.1.0: expected a number, found .nan; the number must be finite"),
        Mistake(
            data: "inline: {inputs: [[1], [2]], targets: [0]}",
            "run.yaml:2:41: data.inline.targets: expected one target per sample, found 1 for 2 inputs"),
        Mistake(
            data: "inline: {inputs: [], targets: [0]}",
            "run.yaml:2:20: data.inline.inputs: expected a list of rows, each a list of numbers, found an empty list"
        ),
        Mistake(
            data: "inline: {inputs: [1, 2], targets: [0, 1]}",
            """
            run.yaml:2:21: data.inline.inputs.0: expected a list of numbers, found 1
            run.yaml:2:24: data.inline.inputs.1: expected a list of numbers, found 2
            """),
        Mistake(
            data: "synthetic: {task: xor, samples: 1}\n  labels: {base: 2}",
            "run.yaml:3:18: data.labels.base: expected auto, 0, 1, -1 or one_hot, found 2"),
        Mistake(
            data: "synthetic: {task: xor, samples: 1}\n  validation: 1.5",
            "run.yaml:3:15: data.validation: expected a fraction, 0 or more and below 1, or a mapping, found 1.5"
        ),
        Mistake(
            data: "synthetic: {task: xor, samples: 1}\n  validation: {stratified: true, csv: {path: x}}",
            "run.yaml:3:16: data.validation.stratified: only used together with fraction or fold"),
        Mistake(
            data: "synthetic: {task: xor, samples: 1}\n  validation: {fraction: 0.1, csv: {path: x}}",
            "run.yaml:3:31: data.validation.csv: only one of fraction and csv can be given"),
        Mistake(
            data: "synthetic: {task: xor, samples: 1}\n  validation: {}",
            "run.yaml:3:15: data.validation: no data; expected exactly one of the keys fraction, fold, synthetic, csv, npy, "
                + "dataset, npz, idx, libsvm, hdf5, inline and custom"),
    ]

    static let network = [
        Mistake(
            network: "{layers: [], output: softmax}",
            "run.yaml:3:12: network.layers: expected a list of layers, found an empty list"),
        Mistake(
            network: "{layers: [{units: 10, activation: relu}], output: softmax}",
            "run.yaml:3:37: network.layers.0.activation: expected no activation, because the last layer is followed by "
                + "network.output, found 'relu'; remove it, or add a layer"),
        Mistake(
            network: "{layers: [{units: 10, activation: sigmoid}], output: softmax}",
            "run.yaml:3:37: network.layers.0.activation: expected no activation, because the last layer is followed by "
                + "network.output, found 'sigmoid'; remove it and set network.output: sigmoid"),
        Mistake(
            network: "{layers: [{units: 1}], output: softmax}",
            "run.yaml:3:21: network.layers.0.units: the softmax of a single unit is always 1; expected one unit per "
                + "class, or network.output: sigmoid"),
        Mistake(
            network: "{layers: [{units: 3, name: layer2}, {units: 10}], output: softmax}",
            "run.yaml:3:39: network.layers.1.name: the name 'layer2' is taken by layers.0; names must be unique"
        ),
        Mistake(
            network:
                "{layers: [{units: 3, activation: tanh, relu_at_zero: 1}, {units: 10}], output: softmax}",
            "run.yaml:3:42: network.layers.0.relu_at_zero: not used with activation tanh; it belongs to activation relu"
        ),
        Mistake(
            network: "{layers: [{units: 3, bias: [1, 2]}], output: softmax}",
            "run.yaml:3:30: network.layers.0.bias: expected one bias per unit, 3, found 2"),
        Mistake(
            network: "{layers: [{units: 3, bias: 0}], output: softmax}",
            "run.yaml:3:30: network.layers.0.bias: expected true, false or a list of numbers, found 0"),
        Mistake(
            network: "{layers: [{units: 2}, {units: 3, weights: [[1, 2, 3], [4, 5, 6]]}], output: softmax}",
            "run.yaml:3:45: network.layers.1.weights: layer 'layer2' has 3 units and 2 inputs: expected 3 × 2 weights "
                + "(out_by_in), found 2 × 3; they fit with network.weights_layout: in_by_out"),
        Mistake(
            network: "{layers: [{units: 2, weights: [[1], [2], [3]]}], output: softmax}",
            "run.yaml:3:33: network.layers.0.weights: layer 'layer1' has 2 units: expected 2 × ? weights (out_by_in), "
                + "found 3 × 1"),
        Mistake(
            network:
                "{layers: [{units: 2, weights: [[1], [2]]}], output: softmax, weights_layout: in_by_out}",
            "run.yaml:3:33: network.layers.0.weights: layer 'layer1' has 2 units: expected ? × 2 weights (in_by_out), "
                + "found 2 × 1; they fit with network.weights_layout: out_by_in"),
        Mistake(
            network: "{layers: [{units: 2, weights: [[1, 2], [3]]}], output: softmax}",
            "run.yaml:3:42: network.layers.0.weights.1: expected 2 numbers as in the first row, found 1"),
        Mistake(
            network: "{layers: [{units: 2}], output: softmax, initialization: {kind: he, value: 1}}",
            "run.yaml:3:70: network.initialization.value: not used with kind he; it belongs to kind constant"),
        Mistake(
            network:
                "{layers: [{units: 2}], output: softmax, initialization: {kind: he, parameters: p.safetensors}}",
            "run.yaml:3:60: network.initialization.kind: not used together with parameters, which replace the rule"
        ),
    ]

    static let training = [
        Mistake(
            "optimizer: {kind: adam, momentum: 0.9}",
            "run.yaml:3:25: optimizer.momentum: not used with kind adam; it belongs to kind momentum or nesterov"
        ),
        Mistake(
            "optimizer: {kind: adam, weight_decay: 0.1}",
            "run.yaml:3:25: optimizer.weight_decay: not used with kind adam; it belongs to kind adamw"),
        Mistake(
            "optimizer: {beta2: 0.9}",
            "run.yaml:3:13: optimizer.beta2: not used with kind sgd; it belongs to kind adam or adamw"),
        Mistake(
            "optimizer: {schedule: {kind: cosine, every_epochs: 2}}",
            "run.yaml:3:38: optimizer.schedule.every_epochs: not used with kind cosine; it belongs to kind step"
        ),
        Mistake(
            "training: {early_stopping: {patience: 3}}",
            "run.yaml:3:28: training.early_stopping: needs a validation loss, but data.validation is not given; give it a "
                + "fraction, such as 0.1"),
        Mistake(
            whole: """
                \(MinimalConfiguration.data)
                network: {layers: [{units: 1}], output: identity}
                loss: {kind: cross_entropy}
                """,
            "run.yaml:3:14: loss.kind: cross_entropy compares probabilities, but network.output is identity; use the "
                + "output softmax (one class per sample) or sigmoid (yes or no per unit), or the loss squared_sum"
        ),
    ]

    @Test("names place, key and remedy", arguments: data + network + training)
    func message(_ mistake: Mistake) {
        #expect(Configuration.problems(mistake.yaml) == mistake.message)
    }

    @Test("an error about one key is not followed by errors that only follow from it")
    func noConsequences() {
        let yaml = """
            data: {synthetic: {task: blob, samples: 1, turns: 2}, validation: 2}
            network: {layers: [{units: 2}, {units: 2, weights: [[1], [2]], activation: rely}], output: identitty}
            loss: {kind: cross_entropy}
            training: {early_stopping: {patience: 3}}
            """
        let keys = Configuration.problems(yaml).split(separator: "\n").map { $0.split(separator: ": ")[1] }
        #expect(
            keys == [
                "data.synthetic.task", "data.validation", "network.layers.1.activation", "network.output",
            ])
    }

    @Test("a threshold is refused for training only")
    func threshold() throws {
        let configuration = try Configuration.reading(
            """
            data: {synthetic: {task: xor, samples: 4}}
            network: {layers: [{units: 2, activation: threshold}, {units: 1}], output: threshold}
            """)
        let error = #expect(throws: ConfigurationError.self) {
            try configuration.validateForTraining(file: "run.yaml")
        }
        #expect(
            error?.description == """
                run.yaml: network.layers.0.activation: layer 'layer1' cannot be trained: the derivative of threshold is 0 \
                almost everywhere, so no gradient passes it; train with sigmoid or tanh
                run.yaml: network.output: the network cannot be trained: the derivative of threshold is 0 almost \
                everywhere, so no gradient passes it; train with sigmoid, which is at least 0.5 exactly where threshold is 1
                """)
        try Configuration.reading(MinimalConfiguration.with()).validateForTraining()
    }
}
