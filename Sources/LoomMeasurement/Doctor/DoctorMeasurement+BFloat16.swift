import LoomKernels
import LoomRuns

extension DoctorMeasurement {
    /// The loop in registers of the fastest instructions for bfloat16; nil where they are no faster than float32's.
    func bfloat16() -> BFloat16? {
        guard let products = BFloat16Products.accelerated else { return nil }
        let instructions = ArithmeticInstructions.inUse(by: .builtin, products)
        guard let loop = RegisterLoop(instructions, .float32) else { return nil }
        let times = team.nanoseconds(rounds: 20) { _, _ in loop.run() }
        return BFloat16(
            instructions: instructions.title,
            gflops: times.reduce(0) { $0 + loop.operations / PeakFigure(samples: $1).median },
            isInUse: request.bfloat16 != nil,
            isPossible: request.precision == .float32 && request.gemmBackend == .builtin,
            isReplaced: request.bfloat16.map { !$0.isAccelerated } ?? false,
            reasonAgainst: request.plan.flatMap { plan in
                products.definition.reasonAgainst(
                    plan.step.shapes, batchRows: plan.step.workerRows.reduce(0, +))
            })
    }
}
