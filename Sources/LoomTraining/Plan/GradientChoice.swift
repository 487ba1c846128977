import LoomKernels
import LoomModel

/// How the steps of a training form their gradients, chosen before any memory is reserved.
struct GradientChoice: Sendable, Equatable {
    /// The form of all steps: from shapes and the kind of update, and from the number of workers only if bits may depend
    /// on it.
    let form: GradientForm
    /// The columns of a full batch.
    let columnCount: Int
    /// Whether every worker has its own parameters, state and activations, and gradients are all that workers exchange.
    /// It has no influence on results.
    let usesReplicas: Bool

    /// The choice for batches of `grid.batchRows` samples and `workers` workers. `fixedWorkers` is their number if bits may
    /// depend on it; `updatesAlike` says whether all parameters are updated by the same numbers.
    init<Scalar: LoomScalar>(
        requested: GradientForm?, network: Network<Scalar>, grid: ShardGrid, workers: Int, fixedWorkers: Int?,
        updatesAlike: Bool
    ) {
        columnCount = ColumnGrid(grid, fixedWorkers: fixedWorkers).count
        let elements = network.layout.elementCount
        let activations = grid.batchRows * Self.elementsPerSample(of: network)
        let isSmall =
            updatesAlike && columnCount.isMultiple(of: 2) && elements <= Self.largestReplica
            && activations <= Self.largestReplicaActivations
        form =
            requested
            ?? Self.form(columns: columnCount, elements: elements, activations: activations, isSmall: isSmall)
        usesReplicas = form == .columns && isSmall && workers == 2
    }

    /// Elements of parameters, and of activations and deltas, that every worker may have for itself.
    ///
    /// A worker with its own parameters updates all of them, and in return no parameter travels and one barrier a step is
    /// enough. With more than two workers, each would read more of the others than it saves.
    private static let largestReplica = 1 << 14
    private static let largestReplicaActivations = 1 << 18

    /// Columns where all of them are small beside the activations and deltas of the batch.
    ///
    /// Measured on two cores of Zen 5, in turn, million samples a second; r is elements of columns / elements of
    /// activations and deltas. "Far" is the tenth percentile of the runs: for seconds at a time, the two cores of that
    /// virtual machine were far from each other (a barrier took 450 ns instead of 100).
    ///
    /// | network, batch, optimizer | r | sliced | columns | sliced, far | columns, far |
    /// |---|---|---|---|---|---|
    /// | 4-32-16-4, 10,000, Adam | 0.01 | 26.3 | 27.5 | | |
    /// | 512-512-10, 8192, momentum | 0.33 | 0.318 | 0.344 | | |
    /// | 128-128-10, 1024, momentum | 0.67 | 4.73 | 4.57 | | |
    /// | 256-64-10, 128, momentum | 1.24 | 4.61 | 4.38 | | |
    /// | with replicas: | | | | | |
    /// | 20-30-5, 1024, Adam | 0.10 | 32.5 | 37.4 | | |
    /// | 13-50-1, 96, Adam | 0.11 | 19.8 | 24.7 | 8.0 | 17.3 |
    /// | 64-64-10, 128, SGD | 0.34 | 11.2 | 12.2 | 4.8 | 8.6 |
    /// | 32-64-10, 64, SGD | 0.45 | 16.2 | 18.3 | 5.4 | 10.2 |
    /// | 37-93-61-11, 96, momentum | 0.54 | 5.0 | 5.2 | 2.1 | 4.7 |
    /// | 64-64-10, 64, SGD | 0.67 | 11.3 | 12.2 | 3.7 | 7.5 |
    /// | 64-64-64-10, 64, SGD | 0.80 | 5.2 | 5.0 | 2.4 | 3.5 |
    /// | 128-64-10, 64, momentum | 0.97 | 6.2 | 6.0 | 3.0 | 4.1 |
    /// | 100-100-10, 64, Adam | 1.06 | 4.1 | 4.2 | 1.5 | 2.2 |
    private static func form(columns: Int, elements: Int, activations: Int, isSmall: Bool) -> GradientForm {
        guard columns > 1 else { return .sliced }
        let largest = isSmall ? 1.1 : 0.6
        return Double(columns * elements) <= largest * Double(activations) ? .columns : .sliced
    }

    /// Elements of inputs, activations and deltas.
    private static func elementsPerSample<Scalar>(of network: Network<Scalar>) -> Int {
        let inputs = Padding.stride(columns: network.inputs, of: Float.self)
        return inputs + Workspace.bytesPerSample(of: network) / MemoryLayout<Scalar>.stride
    }
}
