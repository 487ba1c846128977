import CHardware
import Foundation
import LoomHardware
import LoomPlan
import LoomRuns

// Facts that are read and not measured.

extension Cores {
    /// The cores of `topology` that are allowed, and what `environment` tells of the job.
    package init(_ topology: Topology, _ allowance: CPUAllowance, environment: [String: String]) {
        func cores(of cpus: [Int]) -> Int {
            let cpus = Set(cpus)
            return topology.cores.count(where: { core in core.threads.contains { cpus.contains($0.osIndex) } })
        }
        inCpuset = cores(of: allowance.cpusetCPUs)
        inMask = cores(of: allowance.allowedCPUs)
        cpusetCPUs = allowance.cpusetCPUs
        // The variable with the number of processes of a job on this machine, and who sets it.
        let variables: [(name: String, launcher: Launcher)] = [
            ("OMPI_COMM_WORLD_LOCAL_SIZE", .openMPI), ("MPI_LOCALNRANKS", .hydra), ("SLURM_NTASKS_PER_NODE", .slurm),
            // Without a number of tasks there is one.
            ("SLURM_STEP_ID", .slurm),
        ]
        if let known = variables.first(where: { environment[$0.name] != nil }) {
            launcher = known.launcher
            let count = known.name == "SLURM_STEP_ID" ? 1 : environment[known.name].flatMap { Int($0) } ?? 1
            localProcesses = max(1, count)
        }
    }
}

extension Counters {
    static func current(_ settings: SystemSettings) -> Counters {
        Counters(refusal: Refusal(errno: CounterAvailability.cyclesError()), paranoia: settings.perfEventParanoia())
    }
}

extension Counters.Refusal {
    /// Why `perf_event_open` failed; nil: it did not.
    init?(errno code: Int32) {
        switch code {
        case 0: return nil
        case EACCES, EPERM: self = .forbidden
        case ENOENT, ENODEV, EOPNOTSUPP: self = .missing
        default: self = .failed(code)
        }
    }
}

extension StepModel {
    /// A configuration's step.
    init(_ step: PlannedStep) {
        let shapes = step.shapes
        let gathered = step.program.phases.flatMap { $0.operations.joined() }.reduce(0) { rows, operation in
            if case .gather(let range) = operation { rows + range.count } else { rows }
        }
        self.init(
            name: "a step of this configuration",
            gatheredBytes: Double(gathered * shapes.inputs * shapes.elementBytes),
            parameterBytes: Double(shapes.elementCount * shapes.elementBytes),
            barriers: Double(step.program.phases.count(where: \.endsWithBarrier)))
    }
}

extension PlannedStep {
    /// The samples of a batch that each worker takes through the network.
    var workerRows: [Int] {
        (0..<program.workers).map { worker in
            program.phases.flatMap { $0.operations[worker] }.reduce(0) { rows, operation in
                if case .forward(let range, _) = operation { rows + range.count } else { rows }
            }
        }
    }
}
