import LoomKernels
import LoomRuns

extension ArithmeticPeak {
    /// The ceiling of a training: of the instructions that multiply in it, in its precision, with its workers.
    /// - Parameter cache: Where it is looked up, and kept when it is not there; nil: it is measured.
    public init<Scalar>(of experiment: Experiment<Scalar>, cache: CeilingCache?) {
        self.init(
            Scalar.self, provider: experiment.trainer.gemmBackend, bfloat16: experiment.trainer.bfloat16,
            team: experiment.trainer.team,
            machine: experiment.machine, cache: cache)
    }

    /// Raises the ceiling where the training, with `gflops` GFLOP/s, was faster; returns whether it was. To be called
    /// before its share is worked out.
    public mutating func raise<Scalar>(
        toReach gflops: Double, in experiment: Experiment<Scalar>, cache: CeilingCache?
    ) -> Bool {
        raise(
            toReach: gflops, Scalar.self, team: experiment.trainer.team, machine: experiment.machine, cache: cache)
    }
}
