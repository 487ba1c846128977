/// A part of a search: so many trials are trained until so many epochs are done.
package struct SweepRung: Sendable, Equatable, Codable {
    /// The trials that take part.
    package let trials: Int
    /// The epochs that each has done at its end, those of the rungs before included.
    package let epochs: Int

    /// A rung.
    package init(trials: Int, epochs: Int) {
        (self.trials, self.epochs) = (trials, epochs)
    }
}

/// Successive halving: after each rung the best 1/`reduction` of the trials go on to `reduction` times the epochs (K. Jamieson
/// and A. Talwalkar, AISTATS 2016).
package enum HalvingSchedule {
    /// The rungs of `trials` trials whose last ones are trained for `epochs` epochs: as many as leave a trial and an epoch.
    /// - Throws: `SweepError.noHalving` where that is one rung.
    package static func rungs(trials: Int, epochs: Int, reduction: Int) throws(SweepError) -> [SweepRung] {
        var rungs = [SweepRung(trials: trials, epochs: epochs)]
        var divisor = 1
        while trials / divisor >= reduction, epochs / divisor >= reduction {
            divisor *= reduction
            rungs.append(SweepRung(trials: trials, epochs: epochs / divisor))
        }
        guard rungs.count > 1 else { throw .noHalving(trials: trials, epochs: epochs, reduction: reduction) }
        var left = trials * reduction
        return rungs.reversed().map { rung in
            left /= reduction
            return SweepRung(trials: left, epochs: rung.epochs)
        }
    }
}
