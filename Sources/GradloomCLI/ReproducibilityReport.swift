import LoomReporting
import LoomRuns

/// What a `ReproducibilityCheck` found, for a person.
func reproducibilityText(_ check: ReproducibilityCheck) -> String {
    var table = TextTable(columns: [
        .init("training"), .init("workers", alignment: .right), .init("pinned", alignment: .right), .init("route"),
        .init("team"), .init("instructions"), .init("parameters"), .init("loss"), .init(""),
    ])
    for row in check.rows {
        guard let done = row.done else {
            table.append([row.way, "", "", "", "", "", "", "", "left out: \(row.leftOut ?? "")"])
            continue
        }
        table.append([
            row.way, "\(done.workers)", "\(done.pinned)", done.route, done.team, done.instructionSet,
            String(done.parameterHash.prefix(12)),
            done.loss.map { NumberFormat.number($0, significantDigits: 6) } ?? "not finite",
            row.isSame == true ? "same" : "OTHER BITS",
        ])
    }
    let compared = check.rows.count { $0.done != nil }
    let result =
        check.passed
        ? "\(compared) trainings, the same bits: \(NumberFormat.grouped(check.parameters)) parameters and the reported loss"
        : "\(check.rows.count { $0.isSame == false }) of \(compared) trainings have other bits than the first"
    return
        "\(NumberFormat.grouped(check.steps)) of \(NumberFormat.counted(check.totalSteps, "step")), batch \(check.batch), "
        + "\(check.precision), numerics \(check.numerics)\n\n" + table.rendered() + "\n"
        + (check.divergedStep.map {
            "the loss of step \(NumberFormat.grouped($0 + 1)) is not a finite number: the steps before it are compared\n"
        } ?? "") + result + "\n"
}
