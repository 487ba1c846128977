extension StepProgram {
    /// The same program with an operation for each layer where one took samples through all of them: what a profile measures.
    /// It computes the same, in the same order.
    package func separatingLayers(_ shapes: StepShapes) -> StepProgram {
        var program = self
        let layers = shapes.layers.indices
        func separated(_ operation: Operation) -> [Operation] {
            switch operation {
            case .forward(let rows, nil): layers.map { Operation.forward(rows: rows, layers: $0..<$0 + 1) }
            case .backward(let rows, nil): layers.reversed().map { Operation.backward(rows: rows, layers: $0..<$0 + 1) }
            default: [operation]
            }
        }
        for phase in phases.indices {
            program.phases[phase].operations = phases[phase].operations.map { $0.flatMap(separated) }
        }
        return program
    }

    /// The operations of all phases with their workers, phase by phase and worker by worker: the order in which they are bound
    /// and clocked. Those of the recovery follow.
    package var operationsInOrder: [(worker: Int, operation: Operation)] {
        phases.flatMap { phase in
            phase.operations.enumerated().flatMap { worker, operations in operations.map { (worker, $0) } }
        }
    }
}

extension StepShapes {
    /// The layer that an operation belongs to; nil where it belongs to all.
    package func layer(of operation: Operation) -> Int? {
        switch operation {
        case .forward(_, let layers?), .backward(_, let layers?): layers.count == 1 ? layers.lowerBound : nil
        case .loss: layers.count - 1
        case .gradient(let part, _, _, _), .fusedUpdate(let part, _), .sum(let part, _, _), .penalty(let part),
            .addPenalty(let part), .squares(let part), .update(let part, _, _), .copy(let part, _),
            .prefetch(let part):
            if case .slices(let tensor, _, _, _) = part { tensors[tensor].layer } else { nil }
        case .gather, .forward, .backward: nil
        }
    }
}
