import Testing

@testable import LoomPlan

/// Runs a program without numbers: who touches which memory in which phase, and what every gradient is the sum of.
struct ProgramSimulator {
    /// Memory that a program reads and writes, by rows, lines of 16 elements, shards or slices.
    enum Resource: Hashable {
        case batch(copy: Int), activations(copy: Int), deltas(copy: Int)
        case parameters(copy: Int), state(copy: Int)
        case gradient, partial(Int), message(Int)
        case losses, squares, penalties
    }

    /// Places of one resource.
    struct Access {
        let resource: Resource
        let places: [Int]
    }

    let shapes: StepShapes
    let program: StepProgram
    let inOddStep: Bool
    /// The lines that have parameters.
    private let parameterLines: Set<Int>

    init(shapes: StepShapes, program: StepProgram, inOddStep: Bool) {
        self.shapes = shapes
        self.program = program
        self.inOddStep = inOddStep
        var lines = Set<Int>()
        for tensor in shapes.tensors.map(\.parameters) {
            for row in 0..<tensor.rows {
                let start = (tensor.offset + row * tensor.stride) / 16
                lines.formUnion(start..<start + (tensor.columns + 15) / 16)
            }
        }
        parameterLines = lines
    }

    // MARK: What an operation touches

    private func copy(_ worker: Int, _ count: Int) -> Int { count > 1 ? worker : 0 }

    func resource(_ buffer: GradientBuffer) -> Resource {
        switch buffer {
        case .gradient: .gradient
        case .partial(let index): .partial(index)
        case .parameters(let worker): .parameters(copy: worker)
        case .message(let sender, let receiver, let node):
            .message(program.buffers.message(from: sender, to: receiver, node: node, inOddSteps: inOddStep))
        }
    }

    /// The lines of 16 elements, 64 bytes, that a part has to itself.
    func lines(_ part: ParameterPart) -> [Int] {
        switch part {
        case .elements(let range): return Array(range.lowerBound / 16..<(range.upperBound + 15) / 16)
        case .slices(let index, let grid, let slices, _):
            let tensor = shapes.tensors[index].parameters
            let range = grid.range(of: slices)
            let (rows, columns) = grid.axis == .rows ? (range, 0..<tensor.columns) : (0..<tensor.rows, range)
            return rows.flatMap { row in
                let start = (tensor.offset + row * tensor.stride + columns.lowerBound) / 16
                return start..<start + (columns.count + 15) / 16
            }
        }
    }

    private func slices(_ part: ParameterPart) -> [Int] {
        guard case .slices(_, _, let range, let first) = part else { return [] }
        return Array(first..<first + range.count)
    }

    private func samples(_ rows: Range<Int>, _ worker: Int) -> [Access] {
        let owner = copy(worker, program.buffers.activationCopies)
        return [Resource.batch(copy: owner), .activations(copy: owner), .deltas(copy: owner)].map {
            Access(resource: $0, places: Array(rows))
        }
    }

    func accesses(_ operation: LoomPlan.Operation, worker: Int) -> (reads: [Access], writes: [Access]) {
        let own = copy(worker, program.buffers.parameterCopies)
        let all = Access(resource: .parameters(copy: own), places: Array(0..<shapes.elementCount / 16))
        let state = Resource.state(copy: copy(worker, program.buffers.stateCopies))
        func parameters(_ part: ParameterPart, _ copy: Int) -> Access {
            Access(resource: .parameters(copy: copy), places: lines(part))
        }
        func gradient(_ part: ParameterPart, _ buffer: GradientBuffer) -> Access {
            Access(resource: resource(buffer), places: lines(part))
        }
        switch operation {
        case .gather(let rows): return ([], [samples(rows, worker)[0]])
        case .forward(let rows, _): return ([samples(rows, worker)[0], all], [samples(rows, worker)[1]])
        case .loss(let shards):
            let rows = program.sum.shards.rows(of: shards)
            return (
                [samples(rows, worker)[1]],
                [samples(rows, worker)[2], Access(resource: .losses, places: Array(shards))]
            )
        case .backward(let rows, _): return (samples(rows, worker) + [all], [samples(rows, worker)[2]])
        case .gradient(let part, let rows, let buffer, _): return (samples(rows, worker), [gradient(part, buffer)])
        case .fusedUpdate(let part, let rows):
            return (samples(rows, worker), [parameters(part, own), Access(resource: state, places: lines(part))])
        case .sum(let part, let addends, let buffers):
            return (addends.map { gradient(part, $0.buffer) }, buffers.map { gradient(part, $0) })
        case .penalty(let part):
            return ([parameters(part, own)], [Access(resource: .penalties, places: slices(part))])
        case .addPenalty(let part): return ([parameters(part, own)], [gradient(part, .gradient)])
        case .squares(let part):
            return ([gradient(part, .gradient)], [Access(resource: .squares, places: slices(part))])
        case .update(let part, let addends, let mirrors):
            return (
                addends.map { gradient(part, $0.buffer) },
                ([own] + mirrors).map { parameters(part, $0) } + [Access(resource: state, places: lines(part))]
            )
        case .copy(let part, let workers): return ([parameters(part, own)], workers.map { parameters(part, $0) })
        case .prefetch: return ([], [])
        }
    }

    // MARK: Conflicts

    /// Who writes what in a phase; an issue where two workers write one place.
    func writers(phase: Int) -> [Resource: [Int: Int]] {
        var result: [Resource: [Int: Int]] = [:]
        for (worker, operations) in program.phases[phase].operations.enumerated() {
            for access in operations.flatMap({ accesses($0, worker: worker).writes }) {
                for place in access.places {
                    let other = result[access.resource, default: [:]].updateValue(worker, forKey: place)
                    if let other, other != worker {
                        Issue.record("\(access.resource) \(place) written by \(other) and \(worker) in phase \(phase)")
                        return result
                    }
                }
            }
        }
        return result
    }

    /// An issue where a worker touches in `phase` what another one writes at the same time.
    func checkReads(phase: Int, against writers: [Resource: [Int: Int]], alsoWrites: Bool = false) {
        for (worker, operations) in program.phases[phase].operations.enumerated() {
            for operation in operations {
                let (reads, writes) = accesses(operation, worker: worker)
                for access in alsoWrites ? reads + writes : reads {
                    guard let places = writers[access.resource] else { continue }
                    if let place = access.places.first(where: { places[$0, default: worker] != worker }) {
                        Issue.record(
                            "\(operation.kind) of worker \(worker) touches \(access.resource) \(place), which \(places[place]!) writes"
                        )
                        return
                    }
                }
            }
        }
    }

    // MARK: Sums

    /// What each gradient is the sum of, as text: a range of samples, or two sums in brackets.
    private static func plus(_ left: String, _ right: String) -> String { "(\(left)+\(right))" }

    /// What the gradient of the batch has to be the sum of.
    var expectedSum: String {
        func node(_ groups: Range<Int>) -> String {
            guard groups.count > 1 else {
                let chunks = program.sum.chunks(of: groups.lowerBound).map { "\($0)" }
                return chunks.dropFirst().reduce(chunks[0], Self.plus)
            }
            let middle = (groups.lowerBound + groups.upperBound) / 2
            return Self.plus(node(groups.lowerBound..<middle), node(middle..<groups.upperBound))
        }
        return node(0..<program.sum.groups)
    }

    /// Runs the step; an issue where rows are missing, where a gradient is another sum, or where a parameter is not updated
    /// once in every copy.
    func checkResults() {
        var sums: [Resource: [Int: String]] = [:]
        var rows: [SampleStage: [Int: Int]] = [:]
        var updates: [Int: [Int: Int]] = [:]
        var looked: [Int: Int] = [:]
        let expected = expectedSum
        func tree(_ addends: [Addend], _ line: Int) -> String {
            var stack: [String] = []
            for addend in addends {
                stack.append(sums[resource(addend.buffer)]?[line] ?? "nothing")
                for _ in 0..<addend.merges {
                    let right = stack.removeLast()
                    stack[stack.count - 1] = Self.plus(stack[stack.count - 1], right)
                }
            }
            return stack.joined(separator: " and ")
        }
        for phase in program.phases {
            for (worker, operations) in phase.operations.enumerated() {
                let own = copy(worker, program.buffers.parameterCopies)
                for operation in operations {
                    switch operation {
                    case .gather(let range): for row in range { rows[.gather, default: [:]][row, default: 0] += 1 }
                    case .forward(let range, _): for row in range { rows[.forward, default: [:]][row, default: 0] += 1 }
                    case .backward(let range, _):
                        for row in range { rows[.backward, default: [:]][row, default: 0] += 1 }
                    case .loss(let shards):
                        for row in program.sum.shards.rows(of: shards) {
                            rows[.loss, default: [:]][row, default: 0] += 1
                        }
                    case .gradient(let part, let range, let buffer, let accumulates):
                        for line in lines(part) {
                            let old = sums[resource(buffer)]?[line] ?? "nothing"
                            sums[resource(buffer), default: [:]][line] =
                                accumulates ? Self.plus(old, "\(range)") : "\(range)"
                        }
                    case .sum(let part, let addends, let buffers):
                        for line in lines(part) {
                            let sum = tree(addends, line)
                            for buffer in buffers { sums[resource(buffer), default: [:]][line] = sum }
                        }
                    case .fusedUpdate(let part, let range):
                        #expect("\(range)" == expected)
                        for line in lines(part) { updates[own, default: [:]][line, default: 0] += 1 }
                    case .update(let part, let addends, let mirrors):
                        for line in lines(part) where isParameter(line) {
                            let sum = tree(addends, line)
                            if sum != expected { Issue.record("line \(line) updated by \(sum)"); return }
                            for copy in [own] + mirrors { updates[copy, default: [:]][line, default: 0] += 1 }
                        }
                    case .squares(let part):
                        for line in lines(part) { #expect(sums[.gradient]?[line] == expected) }
                        for slice in slices(part) { looked[slice, default: 0] += 1 }
                    case .penalty, .addPenalty, .copy, .prefetch: break
                    }
                }
            }
        }
        for kind in SampleStage.allCases {
            #expect(rows[kind] == Dictionary(uniqueKeysWithValues: (0..<program.batchRows).map { ($0, 1) }), "\(kind)")
        }
        if program.use == .clipThenUpdate { #expect(looked.count == program.sliceCount && Set(looked.values) == [1]) }
        guard program.use != .keep else {
            let gradient = sums[.gradient]?.filter { isParameter($0.key) } ?? [:]
            #expect(gradient.count == parameterCount && gradient.values.allSatisfy { $0 == expected })
            return
        }
        for copy in 0..<program.buffers.parameterCopies {
            let found = updates[copy] ?? [:]
            #expect(found.count == parameterCount && found.values.allSatisfy { $0 == 1 }, "copy \(copy)")
        }
    }

    /// What every sample passes once.
    enum SampleStage: CaseIterable { case gather, forward, loss, backward }

    /// Whether a line has parameters, not only padding.
    func isParameter(_ line: Int) -> Bool { parameterLines.contains(line) }

    var parameterCount: Int { parameterLines.count }
}
