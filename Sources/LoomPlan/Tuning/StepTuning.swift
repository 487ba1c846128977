/// All numbers that steps and their workers are tuned by. None of them can change a bit of a result.
///
/// The defaults were measured on virtual machines with two cores of AMD Zen 5 and of Intel Cascade Lake, beside each
/// number. Cache sizes come from the topology.
public struct StepTuning: Sendable, Equatable, Codable {
    /// Bytes of second-level cache of one core.
    public var secondLevelCacheBytes = 1 << 20
    /// Bytes of first-level data cache of one core: parts of the parameters up to this size are prefetched before a barrier,
    /// as nobody passes it before its stores are done (32-64-10 with batches of 64 on Zen 5: 2 % of the step).
    public var firstLevelCacheBytes = 32 << 10

    // MARK: Division of work

    /// Floating-point operations of gradient products a nanosecond. Zen 5.
    public var productOperationsPerNanosecond = 220.0
    /// Elements a nanosecond that sums over the batch add. Zen 5.
    public var summedElementsPerNanosecond = 40.0
    /// Elements of weights a nanosecond that an update writes. Zen 5.
    public var updatedElementsPerNanosecond = 8.0
    /// The same of biases, whose blocks are short. Zen 5.
    public var updatedBiasElementsPerNanosecond = 2.0
    /// The part of the second-level cache that activations and deltas of a block of shards fill: the rest is for weights.
    public var blockCacheFraction = 0.5
    /// Samples of a block at least: the weights are read again for every block.
    public var smallestBlockRows = 256

    // MARK: Routes

    /// Groups that a worker may be short of, as a share of all workers' time, before slices have the work for all.
    public var idleFraction = 0.2
    /// Elements of the parameters times workers up to which each worker updates all parameters: in return none of them
    /// travels, and one barrier a step is enough.
    public var allReduceElements = 1 << 15
    /// Elements of inputs, activations and deltas of a batch up to which that pays.
    public var allReduceActivations = 1 << 18
    /// Elements of inputs, activations and deltas of steps so short (7 µs on Zen 5) that one barrier less pays for larger
    /// gradients, too.
    public var shortStepActivations = 1 << 15
    /// Elements of all groups' gradients over those of activations and deltas up to which every worker's gradients are
    /// written to memory and added by others, and the same in short steps. Million samples a second on Zen 5 with shared
    /// gradients and with copies of the parameters: 0.58 4.0, 4.1; 0.47 2.9, 3.3; 0.43 4.7, 4.8; 0.11 20.7, 19.2.
    public var sharedGradientRatio = 0.3
    /// The same in short steps. Zen 5: 0.45 15.3, 15.4; 0.67 7.7, 6.8; 0.80 5.1, 5.3; 0.97 5.7, 6.3.
    public var sharedGradientRatioOfShortSteps = 0.7
    /// Bytes of parameters up to which each worker may have a copy: much larger than a second-level cache they lose by it.
    /// Zen 5 with 1 MiB, thousand samples a second with shared parameters and with copies: 0.4 MB 889, 865 and, where the
    /// two cores are far from each other, 586, 685; 0.8 MB 412, 407 and 243, 234; 7.4 MB 39, 38.
    public var copiedParameterBytes = 1 << 20

    // MARK: Waiting

    /// Nanoseconds that a worker spins at a barrier before it yields its processor. Where a system puts two workers on one
    /// processor, spinning keeps the awaited one from running.
    public var spinNanoseconds = 20_000
    /// Nanoseconds that it then yields again and again before it sleeps.
    public var yieldNanoseconds = 200_000
    /// The same for workers that are bound to processors of their own. Where another program wants one of them, a worker that
    /// yields or sleeps in every short wait gets it back a time slice later, and the others wait for that at the next barrier.
    /// Beside one busy thread on two cores of Cascade Lake, with 20 and 200 µs and with these: 32-64-10 in batches of 64
    /// 0.47 → 2.2 million samples/s, 784-128-10 in batches of 128 33 → 125 thousand. Workers that are not bound have 118
    /// thousand instead of 152 with these.
    public var boundSpinNanoseconds = 500_000
    /// The same of yields.
    public var boundYieldNanoseconds = 10_000_000
    /// Nanoseconds in which all workers of a region must have begun, or it runs with one fork a phase.
    public var checkInNanoseconds = 20_000_000
    /// Nanoseconds that a worker spins in a check-in before it yields: threads are woken one after another, each some 10 µs
    /// after the one before; beyond this time one of them may be waiting for the very processor that this one holds.
    public var checkInSpinNanoseconds = 20_000

    /// The defaults.
    public init() {}
}
