/// From where on the rules speak up, and the figures that they cannot measure themselves.
package enum DoctorThresholds {
    /// A cost above this should be mended before anything is measured or trained for long: `gradloom doctor` then ends with
    /// exit code 1. Two measurements of one step on a quiet machine differ by less.
    package static let seriousCost = 0.05
    /// The part of the time of the workers' cores that others have before it counts. What a system does by itself is 1 to 2 %
    /// of two cores.
    static let othersFraction = 0.05
    /// Speed lost to rounds that are slower than the median. On two quiet cores of Emerald Rapids, rounds of 1 ms lose 0.1 to
    /// 1.5 %.
    static let noiseCost = 0.02
    /// Speed lost to the slowest core. Clocks of equal cores of one processor differ by 1 to 3 % for seconds.
    static let unevenCost = 0.05
    /// Speed lost to vectors, clocks or pages: less is within the spread of repeated measurements.
    static let measuredCost = 0.02
    /// Nanoseconds of a reading of the clock. Without a system call it takes 20 to 45 (Zen 5, Cascade Lake, Emerald Rapids),
    /// with one 100 at least.
    static let clockNanoseconds = 100.0
    /// A training reads the clock when a wait at a barrier begins and when it ends.
    static let clockReadingsPerBarrier = 2.0
    /// A barrier of two cores that is so many times as slow as that of the nearest two joins cores that are far apart.
    static let farBarrierRatio = 2.0
    /// Nanoseconds of a barrier of two cores of one processor: 80 on Zen 5, 250 on Emerald Rapids. It stands for the nearest
    /// two cores where there are only two.
    static let nearBarrierNanoseconds = 250.0
    /// The part of the memory that was asked for in huge pages and lies in them. What is not a multiple of their size
    /// stays outside.
    static let hugePageFraction = 0.8
    /// The part of a worker's pages on other nodes. The system's own bookkeeping puts single pages anywhere.
    static let pagesAwayFraction = 0.01
    /// How much longer products of subnormal numbers may take than those of normal ones. Flushed, they take as long.
    static let subnormalRatio = 1.2
}
