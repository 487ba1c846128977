import LoomKernels
import LoomModel
import LoomPlan

/// What the bits of a training's parameters depend on, beside configuration and data: two teams with equal values train the
/// same network. The reported losses may still differ in their last digits, as they are added up by shards.
package struct TrainingBits: Sendable, Equatable {
    /// The chunks of every group, of a full batch and of the last one.
    private let chunks: [[[Range<Int>]]]
    /// Where the order of a product's sums depends on its shape: the shapes.
    private let callRows: [[CallRows]]
    private let route: GradientRoute?

    fileprivate init(_ programs: [StepProgram], team: TeamPlan) {
        chunks = programs.map { program in (0..<program.sum.groups).map(program.sum.chunks) }
        let cutsFreely = team.stepRequest.cutsFreely
        callRows = cutsFreely ? [] : programs.map(\.callRows)
        route = cutsFreely ? nil : programs.first?.route
    }
}

/// The steps of a training, planned without data or memory.
package struct PlannedSteps: Sendable {
    /// A step on a full batch.
    package let program: StepProgram
    /// What decides about the bits.
    package let bits: TrainingBits

    /// The steps of a training on `samples` samples with `team`.
    package init<Scalar: LoomScalar>(
        for network: Network<Scalar>, loss: LossDescription, optimizer: OptimizerDescription,
        schedule: TrainingSchedule, team: TeamPlan, samples: Int
    ) {
        let plan = TrainingPlan(
            StepShapes(network, operands: team.operands), update: optimizer.traits(l2: loss.l2),
            epochs: EpochLayout(
                samples: samples, batchRows: schedule.batchRows(samples: samples), dropsLast: schedule.dropsLast),
            request: team.stepRequest, separatesLayers: false)
        program = plan.fullBatch
        bits = TrainingBits([plan.fullBatch, plan.lastBatch], team: team)
    }
}
