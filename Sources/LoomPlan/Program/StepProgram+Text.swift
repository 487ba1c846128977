extension StepProgram {
    /// The program as text: for each phase and worker what it does, one operation a line.
    /// - Parameter mostWorkers: Of more workers at work in a phase, only the first ones and the last one are shown.
    package func text(_ shapes: StepShapes, mostWorkers: Int = .max) -> String {
        var lines = [
            "\(route.rawValue), \(workers) \(workers == 1 ? "worker" : "workers"), \(batchRows) \(batchRows == 1 ? "sample" : "samples") in "
                + "\(sum.groups) \(sum.groups == 1 ? "group" : "groups")"
        ]
        for phase in phases {
            lines.append(phase.name.rawValue)
            let busy = phase.operations.indices.filter { !phase.operations[$0].isEmpty }
            let hidden = busy.count > mostWorkers ? busy[(mostWorkers - 1)..<(busy.count - 1)] : []
            for (worker, operations) in phase.operations.enumerated() {
                guard !hidden.contains(worker) else {
                    if worker == hidden.first { lines.append("  … \(hidden.count) more") }
                    continue
                }
                let prefix = "  worker \(worker)  "
                for (index, operation) in operations.enumerated() {
                    let margin = index == 0 ? prefix : String(repeating: " ", count: prefix.count)
                    lines.append(margin + operation.text(shapes))
                }
            }
            if phase.endsWithBarrier { lines.append("  ─ barrier") }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension Operation {
    fileprivate func text(_ shapes: StepShapes) -> String {
        let operands: String =
            switch self {
            case .gather(let rows): "samples \(rows.text)"
            case .forward(let rows, let layers), .backward(let rows, let layers):
                (layers.map { "\(shapes.layers[$0].map(\.name).joined(separator: ", ")), " } ?? "")
                    + "samples \(rows.text)"
            case .loss(let shards): "shards \(shards.text)"
            case .gradient(let part, let rows, let buffer, let accumulates):
                "\(part.text(shapes)), samples \(rows.text) \(accumulates ? "added to" : "→") \(buffer.text)"
            case .fusedUpdate(let part, let rows): "\(part.text(shapes)), samples \(rows.text)"
            case .sum(let part, let addends, let buffers):
                "\(part.text(shapes)): \(addends.text) → \(buffers.map(\.text).joined(separator: ", "))"
            case .penalty(let part), .addPenalty(let part), .squares(let part), .prefetch(let part): part.text(shapes)
            case .update(let part, let addends, let mirrors):
                "\(part.text(shapes)) by \(addends.text)" + (mirrors.isEmpty ? "" : ", also of \(mirrors.workers)")
            case .copy(let part, let workers): "\(part.text(shapes)) to \(workers.workers)"
            }
        return "\(kind.rawValue) \(operands)"
    }
}

extension Range<Int> {
    fileprivate var text: String { count == 1 ? "\(lowerBound)" : "\(lowerBound)–\(upperBound - 1)" }
}

extension [Int] {
    fileprivate var workers: String { (count == 1 ? "worker " : "workers ") + map(String.init).joined(separator: ", ") }
}

extension [Addend] {
    /// The sum with its brackets.
    fileprivate var text: String {
        var stack: [String] = []
        for addend in self {
            stack.append(addend.buffer.text)
            for merge in 0..<addend.merges {
                let right = stack.removeLast()
                let sum = "\(stack.removeLast()) + \(right)"
                // The outermost sum needs none.
                stack.append(stack.isEmpty && merge == addend.merges - 1 && addend == last ? sum : "(\(sum))")
            }
        }
        return stack.joined(separator: " and ")
    }
}

extension GradientBuffer {
    fileprivate var text: String {
        switch self {
        case .gradient: "gradient"
        case .partial(let index): "partial \(index)"
        case .message(let sender, let receiver, let node):
            "message \(sender)→\(receiver)" + (node == 0 ? "" : ".\(node)")
        case .parameters(let worker): "copy \(worker)"
        }
    }
}

extension ParameterPart {
    fileprivate func text(_ shapes: StepShapes) -> String {
        switch self {
        case .elements(let range):
            return range.count == shapes.elementCount ? "all parameters" : "elements \(range.text)"
        case .slices(let index, let grid, let slices, _):
            let name = shapes.tensors[index].parameters.name
            return slices.count == grid.count ? name : "\(name) \(grid.axis.rawValue) \(grid.range(of: slices).text)"
        }
    }
}
