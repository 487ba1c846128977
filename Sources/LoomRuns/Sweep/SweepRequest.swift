import Foundation
import LoomConfiguration

/// What a user asks for: how trials of a configuration are chosen and compared.
package struct SweepRequest: Sendable {
    /// The configuration's file.
    package var configuration: String
    /// KEY.PATH=VALUES.
    package var settings: [String]
    /// How trials are chosen; nil: as suits the values.
    package var search: SweepSearch?
    /// The number of trials that are drawn; nil: the default.
    package var trials: Int?
    /// What trials are drawn by.
    package var seed: UInt64 = 1
    /// How many times as many epochs the best trials get, of which one in so many goes on.
    package var reduction: Int?
    /// The parts of cross-validation; nil: the configuration's own validation.
    package var folds: Int?
    /// The measure by which trials are compared.
    package var metric = SweepMetric.validationLoss

    /// The default of `reduction`.
    package static let defaultReduction = 3

    /// A request for a search of `settings`.
    package init(configuration: String, settings: [String]) {
        (self.configuration, self.settings) = (configuration, settings)
    }

    /// Chooses the trials, and reads the configuration of each, so that mistakes are found before anything is trained.
    ///
    /// - Parameter note: Gets what the user should know.
    /// - Throws: `SweepError`, `ConfigurationError`, `CocoaError`.
    package func plan(note: (String) -> Void) throws -> SweepPlan {
        let space = try SweepSpace(settings)
        let search = search ?? space.defaultSearch
        try check(search)
        // Before trials are made of them: what the file lacks is no fault of a trial.
        _ = try Configuration.load(path: configuration, note: note)
        let trials = try trials(of: space, search)
        if let asked = self.trials, trials.count < asked {
            note("the values have no more than \(NumberFormat.counted(trials.count, "different trial"))")
        }
        let path = URL(fileURLWithPath: configuration).path
        var plan = SweepPlan(
            configurationPath: path, configurationSum: try SweepDirectory.sum(ofConfiguration: path),
            workingDirectory: FileManager.default.currentDirectoryPath, settings: settings, search: search, seed: seed,
            metric: metric, folds: folds, rungs: [], keys: space.keys.map(\.path),
            changedKeys: space.keys.filter(\.isChanged).map(\.path), trials: trials)
        var epochs = 1
        for trial in 1...trials.count {
            let settings = try Configuration.load(
                path: configuration, overrides: plan.overrides(of: trial), fold: folds.flatMap { Fold("1/\($0)") })
            try settings.validateForTraining(file: configuration)
            try check(settings, search: search)
            epochs = max(epochs, settings.training.epochs)
        }
        // What was meant as several values may be a wrong one, which has been told by now.
        guard folds != nil || !plan.changedKeys.isEmpty else { throw SweepError.nothingToSearch }
        plan.rungs = [SweepRung(trials: trials.count, epochs: epochs)]
        if search == .halving {
            if plan.changedKeys.contains("training.epochs") {
                throw SweepError.option(
                    "--search halving decides how many epochs a trial gets: training.epochs is the most of them, and must have "
                        + "one value")
            }
            plan.rungs = try HalvingSchedule.rungs(
                trials: trials.count, epochs: epochs, reduction: reduction ?? Self.defaultReduction)
        }
        return plan
    }

    private func trials(of space: SweepSpace, _ search: SweepSearch) throws(SweepError) -> [[String]] {
        switch search {
        case .grid: try space.grid()
        case .halving where trials == nil && space.defaultSearch == .grid: try space.grid()
        case .random, .halving: try space.random(trials ?? SweepSpace.defaultTrials, seed: seed)
        }
    }

    private func check(_ search: SweepSearch) throws(SweepError) {
        if search == .grid, trials != nil {
            throw .option("--trials is for --search random and halving: a grid has all combinations of its values")
        }
        if search != .halving, reduction != nil { throw .option("--reduction is for --search halving") }
    }

    private func check(_ settings: Configuration, search: SweepSearch) throws(SweepError) {
        if metric.needsValidation, settings.data.validation == .none { throw .noValidation(metric: metric) }
        if search == .halving, settings.run.checkpoint.every == .never {
            throw .option(
                "--search halving goes on from checkpoints, and run.checkpoint.every is never; give it another value")
        }
    }
}
