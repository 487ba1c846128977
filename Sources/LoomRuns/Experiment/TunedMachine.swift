import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomModel
import LoomTraining

/// A machine, and the configuration that it was set up for.
package struct TunedMachine {
    /// What was asked for, as it is carried out here.
    package let configuration: Configuration
    /// The machine; its notes have what the user should know about tuning.
    package let machine: MachineSetup

    /// The machine as `configuration` wants to use it, tuned where it was and may be.
    ///
    /// Beside another training there may be no free CPUs for the workers that were best alone: the program then chooses as if
    /// nothing had been tuned. So it does where the choice, found with other data of the same shapes, would change the
    /// training's bits.
    ///
    /// - Throws: as `MachineSetup.init`.
    package init(_ configuration: Configuration, cache: TuningCache? = .user()) throws {
        var notes = [cache?.damage].compactMap { $0 }
        if let cache, let (tuned, choice) = cache.tuned(configuration), let machine = try? MachineSetup(tuned),
            tuned.parallel.placement == .none || machine.placement.assignments.count == machine.workers
        {
            // What is wrong with the data is told when they are read.
            if !Self.mayChangeBits(tuned) || (try? Self.keepsBits(tuned, of: configuration, on: machine)) != false {
                notes.append(
                    "\(NumberFormat.counted(choice.workers, "worker")), placement \(tuned.parallel.placement), as tuned here "
                        + "on \(choice.date) (\(cache.path))")
                self.configuration = tuned
                self.machine = machine.noting(notes)
                return
            }
            notes.append(
                "what was tuned here on \(choice.date) would change the results with these data, and is not used: tune again "
                    + "(\(cache.path))")
        }
        self.configuration = configuration
        machine = try MachineSetup(configuration).noting(notes)
    }

    /// Whether it has to be asked: workers, placement and route change no bit of built-in products.
    private static func mayChangeBits(_ tuned: Configuration) -> Bool {
        tuned.parallel.shardRows != nil || tuned.parallel.gemmBackend == .openBLAS
            || tuned.parallel.reproducible == .fixedWorkers
    }

    private static func keepsBits(
        _ tuned: Configuration, of configuration: Configuration, on machine: MachineSetup
    ) throws -> Bool {
        try tuned.bits(on: machine) == configuration.bits(on: machine.placed(as: configuration))
    }
}

extension MachineSetup {
    /// The same machine as `configuration` without tuning uses it, with no more workers than here.
    /// - Throws: `PlacementError`, `BLASError`.
    package func placed(as configuration: Configuration) throws -> MachineSetup {
        let policy = configuration.parallel.placement
        if let workers = configuration.parallel.workers { return try placing(workers: workers, policy: policy) }
        return try placing(
            workers: Placement.plan(topology: topology, allowance: allowance, policy: policy).workers, policy: policy)
    }
}

extension Configuration {
    /// What the bits of the training with the workers of `machine` depend on.
    /// - Throws: as `plannedStep(on:)`.
    fileprivate func bits(on machine: MachineSetup) throws -> TrainingBits {
        switch training.precision.scalar {
        case .float32: try bits(on: machine, Float.self)
        case .float64: try bits(on: machine, Double.self)
        }
    }

    private func bits<Scalar: LoomScalar>(on machine: MachineSetup, _: Scalar.Type) throws -> TrainingBits {
        let opened = try OpenedData(data, network: network.description(inputs: 0), loss: loss)
        return PlannedSteps(
            for: try Network<Scalar>(network.description(inputs: opened.source.featureCount)), loss: loss,
            optimizer: optimizer, schedule: trainingSchedule, team: teamPlan(on: machine),
            samples: opened.sampleCounts.training
        ).bits
    }
}
