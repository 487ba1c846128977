import Foundation
import LoomConfiguration

/// What a search for hyperparameters does: its trials, and how far each is trained. Everything in it is decided before the first
/// training begins.
package struct SweepPlan: Sendable, Equatable, Codable {
    /// The configuration's file, an absolute path.
    package var configurationPath: String
    /// SHA-256 over the file's bytes, in hexadecimal digits.
    package var configurationSum: String
    /// The directory that relative paths in `settings` are relative to.
    package var workingDirectory: String
    /// What was searched, as it was given: KEY.PATH=VALUES.
    package var settings: [String]
    /// How trials were chosen.
    package var search: SweepSearch
    /// What random trials were drawn by.
    package var seed: UInt64
    /// The measure by which trials are compared.
    package var metric: SweepMetric
    /// The parts of cross-validation; nil: the configuration's own validation.
    package var folds: Int?
    /// How far trials are trained, and how many go on.
    package var rungs: [SweepRung]
    /// The keys, in the order of the values of a trial.
    package var keys: [String]
    /// The keys in which trials differ.
    package var changedKeys: [String]
    /// The values of each trial, as texts of YAML.
    package var trials: [[String]]

    enum CodingKeys: String, CodingKey {
        case settings, search, seed, metric, folds, rungs, keys, trials
        case configurationPath = "configuration"
        case configurationSum = "configuration_sum"
        case workingDirectory = "working_directory"
        case changedKeys = "changed_keys"
    }

    /// The largest number of parts of cross-validation.
    package static let mostFolds = 100

    /// The texts of `--set` with which `trial`, counted from 1, is trained.
    package func overrides(of trial: Int) -> [String] { zip(keys, trials[trial - 1]).map { "\($0)=\($1)" } }

    /// The folds of a trial; one nil without cross-validation.
    package var trialFolds: [Int?] { folds.map { (1...$0).map(Int?.some) } ?? [nil] }

    /// The values of the keys in which trials differ, "training.batch=32".
    package func changes(of trial: Int) -> [(key: String, value: String)] {
        zip(keys, trials[trial - 1]).filter { changedKeys.contains($0.0) }.map { (key: $0, value: $1) }
    }

    /// What makes it unusable, where a file was changed; nil: nothing.
    var fault: String? {
        if trials.isEmpty || trials.count > SweepError.mostTrials { return "the number of trials" }
        if trials.contains(where: { $0.count != keys.count }) {
            return "a trial has not as many values as there are keys"
        }
        if Set(keys).count != keys.count || keys.filter(changedKeys.contains) != changedKeys { return "the keys" }
        if let folds, folds < 2 || folds > Self.mostFolds { return "the number of folds" }
        let isGrowing = zip(rungs, rungs.dropFirst()).allSatisfy { $0.epochs < $1.epochs && $0.trials >= $1.trials }
        if rungs.first?.trials != trials.count || !isGrowing
            || rungs.contains(where: { $0.trials < 1 || $0.epochs < 1 })
        {
            return "the rungs"
        }
        return nil
    }
}

extension SweepPlan {
    /// The configuration of `trial`, counted from 1, with the configuration's own validation.
    /// - Throws: `ConfigurationError`.
    package func configuration(of trial: Int) throws -> Configuration {
        // Relative paths in the settings are those of the directory in which the search began.
        let current = FileManager.default.currentDirectoryPath
        _ = FileManager.default.changeCurrentDirectoryPath(workingDirectory)
        defer { _ = FileManager.default.changeCurrentDirectoryPath(current) }
        return try Configuration.load(path: configurationPath, overrides: overrides(of: trial))
    }
}
