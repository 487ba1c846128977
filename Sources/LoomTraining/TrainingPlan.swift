import LoomKernels
import LoomModel
import LoomPlan

/// The programs of a training: of full batches and of a smaller last one, with the update and without.
struct TrainingPlan {
    let shapes: StepShapes
    let fullBatch, lastBatch, fullBatchGradient, lastBatchGradient: StepProgram

    init(
        _ shapes: StepShapes, update: UpdateTraits, epochs: EpochLayout, request: StepRequest,
        separatesLayers: Bool
    ) {
        var planner = StepPlanner(shapes: shapes, update: update, fullBatchRows: epochs.batchRows, request: request)
        self.shapes = shapes
        let (full, last) = (
            planner.program(batchRows: epochs.batchRows), planner.program(batchRows: epochs.lastBatchRows)
        )
        fullBatch = separatesLayers ? full.separatingLayers(shapes) : full
        lastBatch = separatesLayers ? last.separatingLayers(shapes) : last
        fullBatchGradient = planner.gradientProgram(batchRows: epochs.batchRows)
        lastBatchGradient = planner.gradientProgram(batchRows: epochs.lastBatchRows)
    }

    var all: [StepProgram] { [fullBatch, lastBatch, fullBatchGradient, lastBatchGradient] }

    /// The most slices of any of them.
    var sliceCount: Int { all.map(\.sliceCount).max() ?? 0 }
}

extension StepProgram {
    /// The program of a step on a full batch, and the shapes that it was made from: without data or memory.
    package static func planned<Scalar: LoomScalar>(
        for network: Network<Scalar>, loss: LossDescription, optimizer: OptimizerDescription,
        schedule: TrainingSchedule, team: TeamPlan, samples: Int
    ) -> (program: StepProgram, shapes: StepShapes) {
        let shapes = StepShapes(network, operands: team.operands)
        let batchRows = min(schedule.batchRows, samples)
        var planner = StepPlanner(
            shapes: shapes, update: optimizer.traits(l2: loss.l2), fullBatchRows: batchRows, request: team.stepRequest)
        return (planner.program(batchRows: batchRows), shapes)
    }
}
