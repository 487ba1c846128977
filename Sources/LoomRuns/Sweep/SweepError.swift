import LoomConfiguration
import LoomKernels

/// What is wrong with a search for hyperparameters that a user has asked for.
package enum SweepError: Error, CustomStringConvertible, Equatable {
    /// A text of `--set` from which no values can be read.
    case values(text: String, problem: String)
    /// A key with two lists of values.
    case repeatedKey(String)
    /// A key whose value a search chooses by itself.
    case ownKey(String)
    /// Every key has one value.
    case nothingToSearch
    /// More trials than a search may have.
    case tooManyTrials(Int)
    /// A search with an option that it has no use for.
    case option(String)
    /// Successive halving has no room for a selection.
    case noHalving(trials: Int, epochs: Int, reduction: Int)
    /// The score is measured on samples that validate, and there are none.
    case noValidation(metric: SweepMetric)
    /// More trainings at once than cores.
    case tooManyJobs(jobs: Int, cores: Int)
    /// A new search in the place of another one.
    case hasSweep(String)
    /// A directory with other things in it.
    case notEmpty(String)
    /// A directory that cannot be made; the system's reason.
    case cannotCreate(path: String, reason: String)
    /// A directory without a search.
    case noSweep(String)
    /// A file of the search that cannot be read as what it is.
    case damaged(path: String, problem: String)
    /// The configuration's file is not the one that the search began with.
    case otherConfiguration(directory: String, path: String)
    /// Another process goes on with the search.
    case inUse(String)
    /// No trial has a score.
    case noScore(failed: Int, why: String?)

    /// The most trials of one search.
    package static let mostTrials = 1000

    /// The sentence for the user.
    package var description: String {
        switch self {
        case .values(let text, let problem): "--set \(text): \(problem)"
        case .repeatedKey(let key): "--set \(key) is given more than once; put all of its values into one list"
        case .ownKey(let key):
            "--set \(key): a sweep chooses it by itself, for each of its trainings; see --jobs and --output"
        case .nothingToSearch:
            "there is nothing to search: give at least one key several values, such as --set training.batch=32,64,128 or "
                + "--set optimizer.learning_rate=1e-3..1e-1:log"
        case .tooManyTrials(let count):
            "\(count == .max ? "more trials than can be counted" : "\(NumberFormat.grouped(count)) trials"), and a sweep has at "
                + "most \(NumberFormat.grouped(Self.mostTrials)); give fewer values, or fewer points as in 1e-3..1e-1:log:3, "
                + "or draw some of them with --search random --trials N"
        case .option(let problem): problem
        case .noHalving(let trials, let epochs, let reduction):
            "successive halving goes on with one in \(reduction) trials for \(reduction) times the epochs, and there "
                + "\(trials == 1 ? "is" : "are") only \(NumberFormat.counted(trials, "trial")) of "
                + "\(NumberFormat.counted(epochs, "epoch")); give \(reduction) of both at least, or use --search random"
        case .noValidation(let metric):
            "trials are compared by \(metric.rawValue), and no samples validate: give the configuration data.validation, such "
                + "as --set data.validation=0.2, or use --folds"
        case .tooManyJobs(let jobs, let cores):
            "--jobs \(jobs): each training needs a core of its own, and this process may use "
                + "\(NumberFormat.counted(cores, "core")); gradloom topology shows why"
        case .hasSweep(let path):
            "‘\(path)’ has a sweep already: go on with it by gradloom sweep --resume \(path), or choose another --output"
        case .notEmpty(let path): "‘\(path)’ is not empty; choose a new directory for --output"
        case .cannotCreate(let path, let reason):
            "cannot create the directory ‘\(path)’: \(reason); choose another place with --output"
        case .noSweep(let path): "there is no sweep in ‘\(path)’: it has no sweep.json"
        case .damaged(let path, let problem): "‘\(path)’ is not what a sweep writes: \(problem)"
        case .otherConfiguration(let directory, let path):
            "‘\(path)’ was changed since the sweep in ‘\(directory)’ began, and its trials could not be compared with those "
                + "to come; bring the file back as it was, or begin a new sweep"
        case .inUse(let path): "another process writes the sweep in ‘\(path)’ now: wait for its end, or end it"
        case .noScore(let failed, let why):
            "no trial has a score: \(NumberFormat.counted(failed, "trial")) failed"
                + (why.map { ", the first because: \($0)" } ?? "")
        }
    }

    /// The process exit code, as BSD's sysexits.h numbers them.
    package var exitCode: Int32 {
        switch self {
        case .values, .repeatedKey, .ownKey, .nothingToSearch, .tooManyTrials, .option, .noHalving: 64
        case .noValidation, .tooManyJobs, .otherConfiguration: 78
        case .hasSweep, .notEmpty: 73
        case .noSweep: 66
        case .cannotCreate: 74
        case .damaged: 65
        case .inUse: 75
        case .noScore: 1
        }
    }
}
