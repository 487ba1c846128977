import LoomConfiguration
import LoomKernels

/// What is wrong with a run that a command was given.
package enum RunError: Error, CustomStringConvertible {
    /// No checkpoint was written.
    case noCheckpoint(run: String)
    /// Another training writes it.
    case inUse(run: String)
    /// It would go on with other settings.
    case otherSettings(run: String, differences: [SettingDifference])
    /// It would go on with other data; what both are known by.
    case otherData(run: String, its: String, ours: String)
    /// All steps are done; the key that decides how many there are.
    case complete(run: String, steps: Int, key: String)
    /// Early stopping ended it; epochs counted from 1.
    case stoppedEarly(run: String, bestEpoch: Int)
    /// Its steps so far have another definition of the bits than the next ones would have.
    case otherNumerics(run: String, its: NumericsIdentity, ours: NumericsIdentity)

    /// The sentence for the user.
    package var description: String {
        switch self {
        case .noCheckpoint(let run):
            "the run ‘\(run)’ has no checkpoint: it ended or diverged before its first one, or "
                + "run.checkpoint.every is never"
        case .inUse(let run):
            "another training writes the run ‘\(run)’ now: wait for its end, or end it"
        case .otherSettings(let run, let differences):
            "the run ‘\(run)’ was trained with "
                + differences.map { "\($0.key): \($0.before ?? "nothing")" }.joined(separator: ", ")
                + ", and would go on with " + differences.map { "\($0.after ?? "nothing")" }.joined(separator: ", ")
                + ": it would be no training under either; keep what it had, or accept that with --force"
        case .otherData(let run, let its, let ours):
            "the run ‘\(run)’ was trained on other data (\(its)) than there are now (\(ours)); give it those that it had, or "
                + "accept that with --force"
        case .complete(let run, let steps, let key):
            "the run ‘\(run)’ is complete: all \(NumberFormat.grouped(steps)) steps are done; to train it "
                + "longer, raise \(key) with --set \(key)=N"
        case .stoppedEarly(let run, let bestEpoch):
            "the run ‘\(run)’ has stopped early, because its validation loss was best after epoch "
                + "\(bestEpoch); to train it longer, raise training.early_stopping.patience with --set"
        case .otherNumerics(let run, let its, let ours):
            "the run ‘\(run)’ was trained under the numerics \(its), and would go on under \(ours), with other bits than "
                + "an uninterrupted training; \(Self.remedy(its: its, ours: ours)), or accept that with "
                + "--accept-numerics"
        }
    }

    /// How a run keeps its numerics.
    private static func remedy(its: NumericsIdentity, ours: NumericsIdentity) -> String {
        let wasMixed = BFloat16Products.Definition(rawValue: its.rawValue) != nil
        let isMixed = BFloat16Products.Definition(rawValue: ours.rawValue) != nil
        return switch (its, ours) {
        case _ where wasMixed && isMixed:
            "keep them with --set training.numerics=\(its), which --force-precision allows where it is slow"
        case _ where wasMixed: "keep them with --set training.precision=mixed_bfloat16 --set training.numerics=\(its)"
        case _ where isMixed: "keep them with --set training.precision=float32"
        case (.openBLAS, _): "keep them with --set parallel.gemm=openblas"
        case (.fma2, .openBLAS): "keep them with --set parallel.gemm=builtin"
        default: "go on with the version of gradloom that began it"
        }
    }
}
