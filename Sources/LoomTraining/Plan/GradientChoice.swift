import LoomKernels
import LoomModel

/// How the steps of a training form their gradients, chosen before any memory is reserved.
struct GradientChoice: Sendable, Equatable {
    /// The form of all steps: from shapes and the kind of update, and from the number of workers only if bits may depend
    /// on it.
    let form: GradientForm
    /// The columns of a full batch.
    let columnCount: Int
    /// Whether a sliced gradient is the sum of those of the two halves of the batch.
    let addsHalves: Bool
    /// Whether each of two workers forms the gradient of its half of the batch, with parameters and activations of its
    /// own, and they exchange what belongs to the other one's slices (`TrainingStep+Slices`). It has no influence on
    /// results.
    let exchangesHalves: Bool
    /// Whether every worker has its own parameters, state and activations, and gradients are all that workers exchange
    /// (`Replica`). It has no influence on results.
    let usesReplicas: Bool

    /// The choice for batches of `grid.batchRows` samples and `workers` workers. `fixedWorkers` is their number if bits may
    /// depend on it; `updatesAlike` says whether all parameters are updated by the same numbers.
    init<Scalar: LoomScalar>(
        requested: GradientForm?, network: Network<Scalar>, grid: ShardGrid, workers: Int, fixedWorkers: Int?,
        updatesAlike: Bool, provider: GemmProvider
    ) {
        columnCount = ColumnGrid(grid, fixedWorkers: fixedWorkers).count
        let elements = network.layout.elementCount
        let activations = grid.batchRows * Self.elementsPerSample(of: network)
        let canReplicate =
            updatesAlike && columnCount.isMultiple(of: 2) && elements <= Self.largestReplica
            && activations <= Self.largestReplicaActivations
        let canAddHalves =
            provider.keepsBitsWhenCut && (fixedWorkers ?? 2) == 2
            && Self.halvesPay(grid, parameterBytes: elements * MemoryLayout<Scalar>.stride)
        form =
            requested
            ?? Self.form(
                columns: columnCount, elements: elements, activations: activations, canReplicate: canReplicate,
                canAddHalves: canAddHalves)
        usesReplicas = form == .columns && canReplicate && workers == 2
        addsHalves = form == .sliced && canAddHalves
        exchangesHalves = addsHalves && workers == 2
    }

    /// Whether every worker has its own parameters and activations.
    var separatesWorkers: Bool { usesReplicas || exchangesHalves }

    /// Elements of parameters, and of activations and deltas, that every worker may have for itself.
    ///
    /// A worker with its own parameters updates all of them, and in return no parameter travels and one barrier a step is
    /// enough. With more than two workers, each would read more of the others than it saves.
    private static let largestReplica = 1 << 14
    private static let largestReplicaActivations = 1 << 18

    /// Columns where all of them are small beside the activations and deltas of the batch; or not much smaller, where a
    /// step takes so few microseconds that the barrier counts that replicas save. Otherwise slices, in halves where these
    /// pay.
    ///
    /// Measured on two cores of Zen 5, in turn, million samples a second, upper quartile and lowest decile of 50 to 100
    /// runs; r is elements of columns / elements of activations and deltas. In the slow runs the two cores of that virtual
    /// machine were far from each other (a barrier took 450 ns instead of 100), or others used them.
    ///
    /// | network, batch, optimizer | r | columns | halves | columns, slow | halves, slow |
    /// |---|---|---|---|---|---|
    /// | 256-64-10, 512, momentum | 0.58 | 4.0 | 4.1 | 2.5 | 2.5 |
    /// | 100-200-10, 1000, Adam | 0.47 | 2.9 | 3.3 | 1.9 | 1.9 |
    /// | 128-128-10, 512, SGD | 0.43 | 4.7 | 4.8 | 2.6 | 2.6 |
    /// | with replicas: | | | | | |
    /// | 20-30-5, 1024, Adam | 0.10 | 34.7 | 36.3 | 24.2 | 32.1 |
    /// | 13-50-1, 96, Adam | 0.11 | 20.7 | 19.2 | 15.2 | 13.2 |
    /// | 64-64-10, 256, momentum | 0.34 | 12.5 | 12.6 | 7.9 | 8.2 |
    /// | 32-64-10, 64, SGD | 0.45 | 15.3 | 15.4 | 9.8 | 8.3 |
    /// | 37-93-61-11, 96, momentum | 0.54 | 4.1 | 4.0 | 2.8 | 2.9 |
    /// | 64-64-10, 64, SGD | 0.67 | 7.7 | 6.8 | 6.1 | 5.4 |
    /// | 64-64-64-10, 64, SGD | 0.80 | 5.1 | 5.3 | 3.4 | 3.6 |
    /// | 128-64-10, 64, momentum | 0.97 | 5.7 | 6.3 | 3.4 | 3.4 |
    /// | 100-100-10, 64, Adam | 1.06 | 4.2 | 4.5 | 2.6 | 2.9 |
    private static func form(
        columns: Int, elements: Int, activations: Int, canReplicate: Bool, canAddHalves: Bool
    ) -> GradientForm {
        guard columns > 1 else { return .sliced }
        let ratio = Double(columns * elements) / Double(activations)
        // With many workers, columns save most where the ratio is small, and halves nothing.
        if ratio <= 0.3 { return .columns }
        if canReplicate, ratio <= 0.7, activations <= shortStepActivations { return .columns }
        return canAddHalves || ratio > 0.6 ? .sliced : .columns
    }

    /// Elements of activations and deltas of steps of up to about 7 µs, on two cores of Zen 5.
    private static let shortStepActivations = 1 << 15

    /// Whether halves of a batch are worth their own products, for two workers can exchange them.
    ///
    /// Sliced as a whole, each worker reads activations and deltas of the other one: lines that their writer has to take
    /// back in the next step. In halves it hands over gradients and gets parameters, and its activations stay its own.
    /// Parameters much larger than a second-level cache lose by the second copy. Zen 5 with 1 MiB, thousand samples a
    /// second, whole → halves: upper quartile and lowest decile of 40 to 150 runs, and the median of those (one to three
    /// only) before and after which a barrier took 320 ns and more.
    ///
    /// | network, batch, optimizer | parameters | upper quartile | lowest decile | far |
    /// |---|---|---|---|---|
    /// | 784-128-10, 64, Adam | 0.4 MB | 709 → 740 | 373 → 406 | |
    /// | 784-128-10, 128, momentum | 0.4 MB | 889 → 865 | 586 → 685 | |
    /// | 256-512-10, 256, SGD | 0.5 MB | 673 → 666 | 370 → 365 | 425 → 573 |
    /// | 256-512-10, 64, SGD | 0.5 MB | 648 → 625 | 348 → 454 | |
    /// | 512-384-10, 128, Adam | 0.8 MB | 432 → 451 | 237 → 238 | 313 → 417 |
    /// | 784-256-10, 128, momentum | 0.8 MB | 412 → 407 | 243 → 234 | |
    /// | 784-1024-1024-10, 256, momentum | 7.4 MB | 39 → 38 | 30 → 33 | |
    private static func halvesPay(_ grid: ShardGrid, parameterBytes: Int) -> Bool {
        let halves = ColumnGrid(halvesOf: grid)
        // Longer halves are several blocks of the inner dimension: added to parameters block by block, they would have
        // other bits than a gradient that is handed over.
        return halves.count == 2 && grid.batchRows >= 64 && parameterBytes <= 1 << 20
            && (0..<2).allSatisfy { halves.rows(of: $0).count <= GradientColumnsMemory<Float>.blockRows }
    }

    /// Elements of inputs, activations and deltas.
    private static func elementsPerSample<Scalar>(of network: Network<Scalar>) -> Int {
        let inputs = Padding.stride(columns: network.inputs, of: Float.self)
        return inputs + Workspace.bytesPerSample(of: network) / MemoryLayout<Scalar>.stride
    }
}
