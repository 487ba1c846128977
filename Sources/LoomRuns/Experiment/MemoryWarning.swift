import LoomHardware
import LoomTraining

/// One sentence when `plan` needs more memory than is `available`; nil otherwise.
///
/// What the program has already is not needed again.
package func memoryWarning(_ plan: MemoryPlan, available: MachineMemory) -> String? {
    memoryShortage(plan, available: available).map {
        "\($0): the system may end it; choose fewer samples, a smaller training.batch or a smaller network"
    }
}

/// "the training needs 200 MiB, but only 100 MiB of the machine's memory are free"; nil where there is enough.
package func memoryShortage(_ plan: MemoryPlan, available: MachineMemory) -> String? {
    let needed = plan.totalBytes - plan.programBytes
    guard needed > available.bytes else { return nil }
    let limit =
        switch available.limit {
        case .machine: "of the machine's memory are free"
        case .controlGroup(let path): "are left by the memory limit of the control group \(path)"
        }
    return "the training needs \(mebibytes(needed)) MiB, but only \(mebibytes(available.bytes)) MiB \(limit)"
}

private func mebibytes(_ bytes: Int) -> Int { (bytes + 1 << 19) >> 20 }
