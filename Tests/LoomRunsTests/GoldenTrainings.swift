/// Small trainings that together use everything that has a say in the bits of parameters: synthetic tasks, first weights,
/// activations, outputs and losses, optimizers, schedules, penalties and clipping, graphs, last batches that are smaller,
/// and shapes for every way of a product, a loss and a gradient.
enum GoldenTrainings {
    /// Their configurations by name. Once a name is in `Tests/Fixtures/golden-hashes.json`, its training stays as it is.
    static let all: [(name: String, yaml: String)] = [
        (
            "teacher sgd relu",
            """
            data: {synthetic: {task: teacher, samples: 70, inputs: 20}}
            network: {layers: [{units: 24, activation: relu}, {units: 10}], output: softmax}
            optimizer: {kind: sgd, learning_rate: 0.1}
            training: {batch: 32, epochs: 2}
            """
        ),
        (
            "teacher regression momentum arctan",
            """
            data: {synthetic: {task: teacher, samples: 90, inputs: 7, targets: 3, noise: 0.1, gain: 1.5, hidden: 9}}
            network: {layers: [{units: 33, activation: arctan}, {units: 3}], output: identity}
            optimizer: {kind: momentum, learning_rate: 0.02}
            training: {batch: 40, epochs: 2, drop_last: true}
            """
        ),
        (
            "blobs nesterov tanh",
            """
            data: {synthetic: {task: blobs, samples: 66, cluster_std: 2}, standardize: true}
            network:
              layers: [{units: 16, activation: tanh}, {units: 3}]
              output: softmax
              initialization: {kind: xavier}
            optimizer: {kind: nesterov, learning_rate: 0.05, schedule: {kind: step, factor: 0.7}}
            training: {batch: 30, epochs: 3}
            """
        ),
        (
            "spirals adam softplus",
            """
            data: {synthetic: {task: spirals, samples: 75, classes: 4, turns: 1.5}}
            network:
              layers: [{units: 17, activation: softplus}, {units: 19, activation: softplus}, {units: 4}]
              output: softmax
              initialization: {kind: xavier, distribution: normal, seed: 5}
            optimizer: {kind: adam, learning_rate: 0.01, schedule: {kind: cosine, floor: 0.1}}
            training: {batch: 25, epochs: 2}
            """
        ),
        (
            "xor adamw sigmoid",
            """
            data: {synthetic: {task: xor, samples: 60, noise: 0.1}}
            network: {layers: [{units: 12, activation: sigmoid}, {units: 1}], output: sigmoid}
            optimizer: {kind: adamw, learning_rate: 0.02, weight_decay: 0.05, beta1: 0.8, beta2: 0.95}
            training: {batch: 16, epochs: 2}
            """
        ),
        (
            "linear sgd exp with a penalty",
            """
            data: {synthetic: {task: linear, samples: 64, inputs: 9, targets: 2, informative: 5, bias: 0.3, noise: 0.2}}
            network:
              layers: [{units: 8, activation: exp, bias: false}, {units: 2}]
              output: identity
              initialization: {kind: xavier}
            loss: {kind: half_squared, reduction: sum, l2: 0.01}
            optimizer: {kind: sgd, learning_rate: 0.0005, schedule: {kind: exponential, factor: 0.3}}
            training: {batch: 20, epochs: 2}
            """
        ),
        (
            "friedman clipped, in one cycle",
            """
            data: {synthetic: {task: friedman1, samples: 100, noise: 1}, standardize: true}
            network: {layers: [{units: 20, activation: relu, relu_at_zero: 1}, {units: 1}], output: identity}
            optimizer:
              {kind: momentum, learning_rate: 0.01, clip_norm: 1, schedule: {kind: one_cycle, warmup_steps: 1}}
            training: {batch: 32, epochs: 2}
            """
        ),
        (
            "squared error of softmax",
            """
            data: {synthetic: {task: teacher, samples: 50, inputs: 12, classes: 5}}
            network: {layers: [{units: 18, activation: tanh}, {units: 5}], output: softmax}
            loss: {kind: half_squared}
            optimizer: {kind: momentum, learning_rate: 0.3}
            training: {batch: 20, epochs: 2}
            """
        ),
        (
            "squared error of sigmoids",
            """
            data: {synthetic: {task: teacher, samples: 50, inputs: 12, classes: 19}}
            network: {layers: [{units: 18, activation: arctan}, {units: 19}], output: sigmoid}
            loss: {kind: squared_sum, l2: 0.001}
            optimizer: {kind: adam, learning_rate: 0.01, clip_norm: 0.1}
            training: {batch: 20, epochs: 2}
            """
        ),
        (
            "cross entropy of sigmoids",
            """
            data: {synthetic: {task: blobs, samples: 44, inputs: 5, classes: 6}, standardize: true}
            network: {layers: [{units: 21, activation: sigmoid}, {units: 6}], output: sigmoid}
            optimizer: {kind: nesterov, learning_rate: 0.1}
            training: {batch: 16, epochs: 2}
            """
        ),
        (
            "softmax-weighted units",
            """
            data: {synthetic: {task: teacher, samples: 60, inputs: 6, targets: 2}}
            network:
              layers:
                - {units: 11, activation: softmax_weighted, components: 3}
                - {units: 2, components: 2}
              output: softmax_weighted
            optimizer: {kind: adam, learning_rate: 0.02}
            training: {batch: 24, epochs: 2}
            """
        ),
        (
            "skip connections",
            """
            data: {synthetic: {task: teacher, samples: 64, inputs: 10, classes: 3}}
            network:
              layers:
                - {name: a, units: 14, activation: relu}
                - {name: b, units: 9, activation: softplus, inputs: [a, input]}
                - {name: c, units: 13, activation: tanh, inputs: [a]}
                - {units: 3, inputs: [b, c]}
              output: softmax
            optimizer: {kind: momentum, learning_rate: 0.05}
            training: {batch: 24, epochs: 2}
            """
        ),
        (
            "vertices",
            """
            data: {synthetic: {task: linear, samples: 40, inputs: 2}}
            network:
              inputs: [x1, x2]
              vertices:
                - {name: v, kind: softmax_weighted, components: 2}
                - {name: p, kind: arctan}
                - {name: q, kind: exp}
                - {name: out, kind: identity}
              edges:
                - {from: x1, to: v, weights: [-0.9, 0.25]}
                - {from: x2, to: v, weights: [0.2, 1.2]}
                - {from: x1, to: p, weight: 0.4}
                - {from: v, to: p, weight: -0.2}
                - {from: p, to: q, weight: 0.3}
                - {from: v, to: q, weight: 0.1}
                - {from: q, to: out, weight: 0.7}
                - {from: p, to: out, weight: -0.3}
              output: out
            optimizer: {kind: sgd, learning_rate: 0.05}
            training: {batch: 16, epochs: 2}
            """
        ),
        (
            "forty classes",
            """
            data: {synthetic: {task: teacher, samples: 60, inputs: 30, classes: 40, hidden: 40}}
            network:
              layers: [{units: 50, activation: relu}, {units: 40}]
              output: softmax
              initialization: {kind: he, distribution: uniform}
            optimizer: {kind: momentum, learning_rate: 0.1}
            training: {batch: 33, epochs: 2}
            """
        ),
        (
            "distributions as targets",
            """
            data:
              inline:
                inputs: [[0.1, -0.2], [0.4, 0.5], [-0.3, 0.8], [0.9, -0.7], [0.2, 0.2]]
                targets: [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
              labels: {base: one_hot}
            network: {layers: [{units: 7, activation: arctan}, {units: 3}], output: softmax}
            loss: {kind: squared_sum}
            optimizer: {kind: adam, learning_rate: 0.05}
            training: {batch: 3, epochs: 3}
            """
        ),
        (
            "twenty classes, weights first constant",
            """
            data: {synthetic: {task: teacher, samples: 64, inputs: 6, classes: 20, hidden: 30}}
            network:
              layers: [{units: 5, activation: sigmoid}, {units: 20}]
              output: softmax
              initialization: {kind: constant, value: 0.05}
            optimizer: {kind: adamw, learning_rate: 0.01}
            training: {batch: 27, epochs: 2}
            """
        ),
        (
            "long sums",
            """
            data: {synthetic: {task: teacher, samples: 40, inputs: 530, classes: 3, hidden: 4}}
            network: {layers: [{units: 520, activation: tanh}, {units: 3}], output: softmax}
            optimizer: {kind: momentum, learning_rate: 0.02}
            training: {batch: 16, epochs: 1}
            """
        ),
        (
            "dot products along 130 units",
            """
            data: {synthetic: {task: teacher, samples: 48, inputs: 16, classes: 9}}
            network:
              layers: [{units: 130, activation: relu}, {units: 70, activation: softplus}, {units: 9}]
              output: softmax
            optimizer: {kind: sgd, learning_rate: 0.1}
            training: {batch: 24, epochs: 1}
            """
        ),
        (
            "a batch in two halves",
            """
            data: {synthetic: {task: teacher, samples: 200, inputs: 64, classes: 10}}
            network: {layers: [{units: 256, activation: relu}, {units: 10}], output: softmax}
            optimizer: {kind: momentum, learning_rate: 0.05}
            training: {batch: 128, epochs: 1}
            """
        ),
        (
            "eight groups of samples",
            """
            data: {synthetic: {task: teacher, samples: 150, inputs: 8, classes: 4}}
            network: {layers: [{units: 15, activation: tanh}, {units: 4}], output: softmax}
            loss: {l2: 0.002}
            optimizer: {kind: adam, learning_rate: 0.01, clip_norm: 0.5}
            training: {batch: 64, epochs: 2}
            parallel: {route: reduce_scatter, groups: 8, shard_rows: 4}
            """
        ),
        (
            "one group of samples",
            """
            data: {synthetic: {task: teacher, samples: 150, inputs: 8, classes: 4}, shuffle: false}
            network: {layers: [{units: 15, activation: tanh}, {units: 4}], output: softmax}
            optimizer: {kind: adam, learning_rate: 0.01, clip_norm: 0.5}
            training: {batch: 64, epochs: 2}
            parallel: {route: partition, groups: 1, shard_rows: 5}
            """
        ),
    ]
}
