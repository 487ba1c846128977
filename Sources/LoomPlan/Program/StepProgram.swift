/// One training step on batches of one size, as a list of what every worker does: a value without pointers or memory.
///
/// It is made from shapes, the number of workers and tuning, in microseconds. Training binds it to memory and carries it out;
/// the memory plan, the list of products and the run's description read the same program.
public struct StepProgram: Sendable, Equatable, Codable {
    /// The number of workers.
    public let workers: Int
    /// What the gradient is the sum of: part of a result's bits.
    public let sum: GradientSum
    /// How it travels: never part of a result's bits.
    public let route: GradientRoute
    /// What becomes of the gradient.
    package let use: GradientUse
    /// The memory it runs in.
    package let buffers: BufferPlan
    /// What the workers do, one phase after the other.
    package internal(set) var phases: [Phase]
    /// What each worker does instead of the second phase when the loss of the batch is not finite: nothing, or it makes
    /// copies of the parameters that hold gradients parameters again.
    package let recovery: [[Operation]]
    /// Rows of one forward and of one backward product, for each connection in the order of the layers.
    package let callRows: [CallRows]
    /// Slices of all tensors, in the fixed order in which their squares are added.
    package let sliceCount: Int

    /// Samples of the batch.
    public var batchRows: Int { sum.shards.batchRows }
    /// Samples of a shard.
    public var shardRows: Int { sum.shards.shardRows }
}

/// What all workers do at the same time.
package struct Phase: Sendable, Equatable, Codable {
    /// What it is called in profiles and in text.
    package let name: PhaseName
    /// The operations of each worker, in order.
    package internal(set) var operations: [[Operation]]
    /// Whether every worker waits for all others before the next phase. The last phase may end without: other workers may
    /// be in the first phase of the next step by then, but not beyond.
    package let endsWithBarrier: Bool

    package init(_ name: PhaseName, _ operations: [[Operation]], endsWithBarrier: Bool = true) {
        self.name = name
        self.operations = operations
        self.endsWithBarrier = endsWithBarrier
    }
}

/// The phases of a step.
package enum PhaseName: String, Sendable, Codable {
    /// Forward, loss and backward of each worker's samples, and, by route, their gradients.
    case samples
    /// The gradient of each worker's slices, and their update unless it waits for the norm.
    case parameters
    /// The update after clipping.
    case update
}

/// Memory in the layout of the parameters that a gradient is formed or added up in.
package enum GradientBuffer: Sendable, Hashable, Codable {
    /// The gradient of the batch, or what a worker forms of it for its own slices.
    case gradient
    /// A partial gradient, by its index.
    case partial(Int)
    /// What one worker sends another one: the node of this index among those that it sends.
    case message(from: Int, to: Int, node: Int)
    /// A worker's copy of the parameters, of slices that nobody reads any more in this step.
    case parameters(worker: Int)
}

/// One of the matrices that a gradient is the sum of, along the tree of its groups.
package struct Addend: Sendable, Hashable, Codable {
    /// Where it is.
    package let buffer: GradientBuffer
    /// How many sums of two neighbouring subtrees end with it.
    package let merges: Int
}

/// Some of the parameters.
package enum ParameterPart: Sendable, Hashable, Codable {
    /// Slices of a tensor; `firstSlice` is the place of the first one among the slices of all tensors.
    case slices(tensor: Int, grid: SliceGrid, range: Range<Int>, firstSlice: Int)
    /// All tensors as one row, or a range of it: where all are updated by the same numbers.
    case elements(Range<Int>)
}

/// What one worker does without meeting others.
package enum Operation: Sendable, Hashable, Codable {
    /// Copies samples and targets into the batch.
    case gather(rows: Range<Int>)
    /// Passes samples through all layers, or through some.
    case forward(rows: Range<Int>, layers: Range<Int>? = nil)
    /// The losses of some shards, and the deltas of the last layer.
    case loss(shards: Range<Int>)
    /// Passes deltas back through all layers, or through some.
    case backward(rows: Range<Int>, layers: Range<Int>? = nil)
    /// The gradient of some samples, Σ δᵢ xᵢᵀ or Σ δᵢ, written to a buffer or added to it.
    case gradient(ParameterPart, rows: Range<Int>, into: GradientBuffer, accumulates: Bool)
    /// The gradient of all samples, and the update of the weights in its product: no gradient is written.
    case fusedUpdate(ParameterPart, rows: Range<Int>)
    /// Adds up along the tree, and writes the sum to one or more buffers.
    case sum(ParameterPart, [Addend], into: [GradientBuffer])
    /// Σ of squares of the weights of every slice, for the reported loss.
    case penalty(ParameterPart)
    /// Adds the penalty's gradient 2λW to the gradient.
    case addPenalty(ParameterPart)
    /// Σ of squares of the gradient of every slice, for its norm.
    case squares(ParameterPart)
    /// The optimizer's update of the worker's copy of the parameters, which these other workers' copies get, too.
    case update(ParameterPart, [Addend], mirrors: [Int])
    /// Copies the worker's parameters to other workers' copies.
    case copy(ParameterPart, to: [Int])
    /// Asks the cache for parameters that will be written after the next barrier.
    case prefetch(ParameterPart)
}

/// What a worker's time is spent on: the kinds of operations, and waiting for others.
package enum OperationKind: String, Sendable, CaseIterable {
    case gather, forward, loss, backward, gradient
    case fusedUpdate = "fused_update"
    case sum, penalty
    case addPenalty = "add_penalty"
    case squares, update, copy, prefetch
    case wait
}

extension Operation {
    /// What it is, apart from its operands.
    package var kind: OperationKind {
        switch self {
        case .gather: .gather
        case .forward: .forward
        case .loss: .loss
        case .backward: .backward
        case .gradient: .gradient
        case .fusedUpdate: .fusedUpdate
        case .sum: .sum
        case .penalty: .penalty
        case .addPenalty: .addPenalty
        case .squares: .squares
        case .update: .update
        case .copy: .copy
        case .prefetch: .prefetch
        }
    }
}

/// How many rows one product of a connection covers; nil: as many as there are. It is part of a result's bits where a
/// provider adds in another order for another shape.
package struct CallRows: Sendable, Equatable, Codable {
    package var forward: Int?
    package var backward: Int?
}

/// The memory that steps run in, as counts of buffers; it is the same for all programs of a training.
package struct BufferPlan: Sendable, Equatable, Codable {
    /// Buffers of parameters: one, or one for each worker.
    package var parameterCopies = 1
    /// Buffers of each kind of optimizer state: one, or one for each worker.
    package var stateCopies = 1
    /// Sets of activations, deltas and gathered samples: one that workers share by rows, or one for each worker.
    package var activationCopies = 1
    /// Partial gradients.
    package var partials = 0
    /// Partial gradients of each worker: worker w has those from w · `partialsPerWorker` on.
    package var partialsPerWorker = 0
    /// Nodes that each worker sends to each other one; every pair of workers has two buffers a node, which change hands with
    /// every step.
    package var messageNodes = 0

    /// The buffer of a message in even or odd steps. The buffers of two workers change hands with every step: a worker writes
    /// to memory that it has just read. A line that only the writing core holds is written in 2 to 5 cycles; one that another
    /// core has read as well in 7, or in 30 where the cores are far from each other (two cores of Zen 5).
    package func message(from sender: Int, to receiver: Int, node: Int, inOddSteps: Bool) -> Int {
        let (low, high) = (min(sender, receiver), max(sender, receiver))
        let pair = high * (high - 1) / 2 + low
        let isSecond = (sender > receiver) != inOddSteps
        return 2 * (pair * messageNodes + node) + (isSecond ? 1 : 0)
    }

    /// The number of messages' buffers.
    package func messages(workers: Int) -> Int { messageNodes * workers * (workers - 1) }
}
