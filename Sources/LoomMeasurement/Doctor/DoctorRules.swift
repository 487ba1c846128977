extension DoctorRule {
    /// All rules.
    package static let all: [DoctorRule] = [
        DoctorRule("blas_kernels", "OpenBLAS's kernels", blasKernels),
        DoctorRule("instruction_set", "the instruction set", instructionSet),
        DoctorRule("bfloat16", "bfloat16", bfloat16),
        DoctorRule("tiles", "tiles (AMX)", tiles),
        DoctorRule("cpu_quota", "the CPU quota", cpuQuota),
        DoctorRule("affinity", "the affinity mask", affinity),
        DoctorRule("smt_siblings", "SMT siblings", smtSiblings),
        DoctorRule("uneven_cores", "cores of different speed", unevenCores),
        DoctorRule("numa_memory", "NUMA memory", numaMemory),
        DoctorRule("governor", "the clock's governor", governor),
        DoctorRule("huge_pages", "huge pages", hugePages),
        DoctorRule("subnormals", "subnormal numbers", subnormals),
        DoctorRule("counters", "counters", counters),
        DoctorRule("time_source", "the time source", timeSource),
        DoctorRule("busy_neighbour", "busy neighbours", busyNeighbour),
        DoctorRule("low_priority", "the priority", lowPriority),
        DoctorRule("noise", "noise", noise),
        DoctorRule("far_cores", "cores far from each other", farCores),
        DoctorRule("not_together", "workers at the same time", notTogether),
        DoctorRule("idle_workers", "the workers' shares of a batch", idleWorkers),
        DoctorRule("memory", "the memory of the training", memory),
    ]
}
