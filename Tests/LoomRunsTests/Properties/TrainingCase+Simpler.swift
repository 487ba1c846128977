import LoomModel

extension TrainingCase {
    /// Cases that are simpler in one thing each: what is worth most first.
    var simpler: [TrainingCase] {
        var found: [TrainingCase] = []
        /// Adds the case with a change, unless it is none.
        func add(_ change: (inout TrainingCase) -> Void) {
            var changed = self
            change(&changed)
            if changed != self { found.append(changed) }
        }
        addLayers(&found)
        Self.smaller(ways.count, least: 1).forEach { count in add { $0.ways = Array($0.ways.prefix(count)) } }
        ways.indices.forEach { index in add { $0.ways = [$0.ways[index]] } }
        addSizes(add)
        addOptimizer(add)
        addRest(add)
        return found
    }

    /// Without one hidden layer each, whose readers then read what it has read.
    private func addLayers(_ found: inout [TrainingCase]) {
        for index in layers.indices.dropLast() {
            var changed = self
            let removed = changed.layers.remove(at: index)
            for reader in changed.layers.indices {
                guard let place = changed.layers[reader].inputs.firstIndex(of: removed.name) else { continue }
                changed.layers[reader].inputs.remove(at: place)
                let inputs = removed.inputs.filter { !changed.layers[reader].inputs.contains($0) }
                changed.layers[reader].inputs.insert(contentsOf: inputs, at: place)
            }
            found.append(changed)
        }
    }

    private func addSizes(_ add: ((inout TrainingCase) -> Void) -> Void) {
        for count in Self.smaller(steps, least: 1) {
            add {
                $0.steps = count
                $0.savedStep = min($0.savedStep, count)
            }
        }
        for count in Self.smaller(samples, least: 1) {
            add {
                $0.samples = count
                $0.batch = min($0.batch, count)
                if count == 1 { $0.standardizes = false }
            }
        }
        for rows in Self.smaller(batch, least: 1) { add { $0.batch = rows } }
        for count in Self.smaller(features, least: 1) { add { $0.features = count } }
        for index in layers.indices {
            let least = index == layers.count - 1 && output == .softmax ? 2 : 1
            for units in Self.smaller(layers[index].units, least: least) { add { $0.layers[index].units = units } }
        }
        for step in Self.smaller(savedStep, least: 0) { add { $0.savedStep = step } }
    }

    private func addOptimizer(_ add: ((inout TrainingCase) -> Void) -> Void) {
        let plain = OptimizerDescription()
        for kind in OptimizerDescription.Kind.allCases.prefix(while: { $0 != optimizer.kind }) {
            add { $0.optimizer.kind = kind }
        }
        add { $0.optimizer.clipNorm = nil }
        add { $0.optimizer.schedule = plain.schedule }
        add { $0.optimizer.schedule.warmupSteps = 0 }
        add { $0.optimizer.momentum = plain.momentum }
        add { ($0.optimizer.beta1, $0.optimizer.beta2) = (plain.beta1, plain.beta2) }
        add { $0.optimizer.weightDecay = plain.weightDecay }
        add { $0.loss.l2 = 0 }
        add { $0.loss.reduction = .mean }
    }

    private func addRest(_ add: ((inout TrainingCase) -> Void) -> Void) {
        add {
            ($0.output, $0.loss.kind) = (.identity, .squaredSum)
            $0.layers[$0.layers.count - 1].components = nil
        }
        for index in layers.indices {
            add {
                $0.layers[index].activation = .identity
                $0.layers[index].reluAtZero = .zero
                if index < layers.count - 1 { $0.layers[index].components = nil }
            }
            if layers[index].components != nil { add { $0.layers[index].components = 1 } }
            add { $0.layers[index].hasBias = true }
            for input in layers[index].inputs where layers[index].inputs.count > 1 {
                let isReadElsewhere = layers.enumerated().contains { $0 != index && $1.inputs.contains(input) }
                guard isReadElsewhere || input == NetworkDescription.dataName else { continue }
                add { $0.layers[index].inputs.removeAll { $0 == input } }
            }
        }
        add { $0.listsBackwards = false }
        add { $0.shuffles = false }
        add { $0.standardizes = false }
        add { $0.dropsLast = false }
        add { $0.gemm = .builtin }
        add { $0.precision = .float64 }
        add { $0.groups = nil }
        add { $0.shardRows = nil }
        for index in ways.indices {
            for workers in Self.smaller(ways[index].workers, least: 2) { add { $0.ways[index].workers = workers } }
            add { $0.ways[index].route = .automatic }
            add { $0.ways[index].team = .forkJoin }
            add { $0.ways[index].placement = .none }
            add { $0.ways[index].isGenerated = false }
        }
        add { ($0.dataSeed, $0.weightSeed, $0.orderSeed) = (1, 1, 1) }
    }

    /// The smallest number, halfway to it, one less, and two less: odd numbers stay odd.
    private static func smaller(_ number: Int, least: Int) -> [Int] {
        guard number > least else { return [] }
        return Set([least, (number + least) / 2, number - 2, number - 1]).filter { $0 >= least }.sorted()
    }

    /// The simplest case that `fails`, as far as single changes lead to it from this one, which does; `limit` bounds the
    /// cases that are tried.
    func shrunk(limit: Int = 2000, while fails: (TrainingCase) -> Bool) -> TrainingCase {
        var (smallest, tried) = (self, 0)
        while let next = smallest.simpler.first(where: {
            tried += 1
            return tried <= limit && fails($0)
        }) {
            smallest = next
        }
        return smallest
    }
}
