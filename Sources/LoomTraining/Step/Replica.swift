import LoomKernels
import LoomModel

/// One of two workers that have their own parameters and optimizer state, and exchange their gradients.
///
/// Each sends the sum of its columns, receives the other's and updates all parameters by both: the same numbers, so that
/// all stay equal. The message goes to memory that its sender has just read: the two buffers change hands with every step.
/// A line that only the writing core holds is written in 2 to 5 cycles; one that another core has read as well in 7, or in
/// 30 where the cores are far from each other (two cores of Zen 5).
struct Replica<Scalar: LoomScalar>: BitwiseCopyable, @unchecked Sendable {
    // Sendable: parameters and state are its worker's. A message is written before the barrier of its step and read after
    // it, and its buffer is written next by its reader.

    let worker: Int
    /// All parameters in one row, padding included.
    let parameters: MatrixView<Scalar>
    let firstState: UnsafeMutablePointer<Scalar>?
    let secondState: UnsafeMutablePointer<Scalar>?
    /// Two buffers, each as long as the parameters.
    fileprivate let messages: UnsafeMutablePointer<Scalar>

    /// Adds up the worker's half of the columns, in its first one, and sends the sum. A batch that is a single column is
    /// the first worker's.
    func send(_ columns: GradientColumns<Scalar>, step: Int) {
        let own = ownColumns(columns)
        guard !own.isEmpty else { return }
        let sum = MatrixView(pointer: half(columns), rows: 1, columns: parameters.columns, stride: parameters.columns)
        if own.count > 1 {
            Scalar.sumMatrices(count: own.count, distance: columns.distance, first: sum.pointer, into: sum)
        }
        message(step: step, from: worker).update(from: sum.pointer, count: sum.columns)
    }

    /// Updates all parameters by the sum of both halves of the columns of `step`.
    func update(_ columns: GradientColumns<Scalar>, step: Int, rule: UpdateRule, settings: UpdateSettings) {
        let received = message(step: step, from: 1 - worker)
        let (first, second) = worker == 0 ? (half(columns), received) : (received, half(columns))
        var settings = settings
        settings.gradientCount = min(2, columns.count)
        settings.gradientDistance = second - first
        Scalar.update(
            rule, settings, weights: parameters, gradients: first, firstState: firstState, secondState: secondState)
    }

    private func ownColumns(_ columns: GradientColumns<Scalar>) -> Range<Int> {
        Partition.range(of: worker, parts: 2, count: columns.count)
    }

    /// Where the sum of the worker's columns is.
    private func half(_ columns: GradientColumns<Scalar>) -> UnsafeMutablePointer<Scalar> {
        columns.start + ownColumns(columns).lowerBound * columns.distance
    }

    private func message(step: Int, from sender: Int) -> UnsafeMutablePointer<Scalar> {
        messages + ((sender + step) & 1) * parameters.columns
    }
}

/// The memory of the replicas of two workers.
final class ReplicaMemory<Scalar: LoomScalar>: Sendable {
    /// Bytes reserved for messages.
    var messageBytes: Int { messages.count * MemoryLayout<Scalar>.stride }
    /// Bytes reserved for copies of the optimizer's state.
    var stateBytes: Int { states[1].bytes }
    /// Messages as long as the parameters.
    static var messageCount: Int { 2 }
    private let states: [OptimizerState<Scalar>]
    private let messages: AlignedBuffer<Scalar>
    private let memory: AlignedBuffer<Replica<Scalar>>

    /// Two replicas with `parameters`, which live as long as the replicas are used; the first one has the state that is
    /// given, the other one a copy.
    init(parameters: [ParameterBuffer<Scalar>], state: OptimizerState<Scalar>, optimizer: OptimizerDescription.Kind) {
        let layout = parameters[0].layout
        let states = [state, OptimizerState(kind: optimizer, layout: layout)]
        let messages = AlignedBuffer<Scalar>(count: Self.messageCount * layout.elementCount, repeating: 0)
        memory = AlignedBuffer(
            (0..<2).map { worker in
                Replica(
                    worker: worker, parameters: parameters[worker].elements,
                    firstState: states[worker].first?.elements.pointer,
                    secondState: states[worker].second?.elements.pointer, messages: messages.pointer)
            })
        self.states = states
        self.messages = messages
    }

    /// Makes the second worker's state that of the first.
    func copyFirstState() { states[1].copy(from: states[0]) }

    /// One for each worker, valid while this object lives.
    var replicas: UnsafePointer<Replica<Scalar>> { UnsafePointer(memory.pointer) }
}
