import LoomHardware
import Testing

@testable import LoomMeasurement

/// Rules about cores: each on facts where it must speak up, with exact figures, and where it must not.
@Suite struct DoctorProcessorRuleTests {
    private let healthy = DoctorFacts.healthy

    private func type(_ variable: String?, _ core: String, _ gflops: Double) -> BLASCoreType {
        BLASCoreType(variable: variable, core: core, gflops: gflops)
    }

    @Test func kernelsBelowTheProcessor() {
        let facts = healthy.with {
            $0.openBLASKernels = [
                type(nil, "Prescott", 32), type("Haswell", "Haswell", 64), type("SkylakeX", "SkylakeX", 128),
            ]
        }
        #expect(
            facts.answer("blas_kernels")
                == DoctorAnswer(
                    cost: 0.75,
                    text:
                        "OpenBLAS multiplies with its Prescott kernels: 32.0 GFLOP/s on one worker. With its SkylakeX "
                        + "kernels it has 128 GFLOP/s.",
                    remedy: "export OPENBLAS_CORETYPE=SkylakeX, or let the built-in kernels multiply: "
                        + "--set parallel.gemm=builtin",
                    evidence: ["gflops": 32, "possible_gflops": 128]))
        let told = healthy.with { $0.openBLASKernels = [type("Prescott", "Prescott", 32), type(nil, "Zen", 128)] }
        #expect(told.answer("blas_kernels")?.remedy.hasPrefix("unset OPENBLAS_CORETYPE, or") == true)
        let good = healthy.with { $0.openBLASKernels = [type(nil, "Zen", 120), type("Haswell", "Haswell", 128)] }
        #expect(good.verdict("blas_kernels") == .clear)
        #expect(
            healthy.with { $0.openBLASKernels = [] }.verdict("blas_kernels") == .unchecked("no other kernels to try"))
        #expect(healthy.verdict("blas_kernels") == .unchecked("OpenBLAS does not multiply here"))
    }

    @Test func narrowVectors() {
        let facts = healthy.with {
            $0.arithmetic.inUse = "AVX2"
            $0.arithmetic.inUseGflops = 50
        }
        #expect(
            facts.answer("instruction_set")
                == DoctorAnswer(
                    cost: 0.5,
                    text:
                        "The kernels use AVX2: 50.0 GFLOP/s in registers on 2 workers. With AVX-512 this processor has "
                        + "100 GFLOP/s. The bits of results are the same.",
                    remedy: "--set parallel.instruction_set=auto",
                    evidence: ["gflops": 50, "possible_gflops": 100]))
        // Wider vectors that are no faster, as on Zen 4.
        #expect(facts.with { $0.arithmetic.inUseGflops = 99 }.verdict("instruction_set") == .clear)
        #expect(healthy.verdict("instruction_set") == .clear)
    }

    @Test func bfloat16ThatIsFaster() {
        let facts = healthy.with {
            $0.bfloat16 = BFloat16(instructions: "AMX tiles", gflops: 1100, isInUse: false)
        }
        #expect(
            facts.answer("bfloat16")
                == DoctorAnswer(
                    cost: 0,
                    text:
                        "With AMX tiles this processor multiplies bfloat16 at 1100 GFLOP/s in registers on 2 workers, 11 times as fast as "
                        + "AVX-512 float32. Mixed precision rounds the factors of products to 8 bits; its results have other "
                        + "bits, and classify nearly as well. Float32 loses nothing by itself.",
                    remedy: "--set training.precision=mixed_bfloat16",
                    evidence: ["gflops": 100, "bfloat16_gflops": 1100]))
        #expect(facts.with { $0.bfloat16?.isInUse = true }.verdict("bfloat16") == .clear)
        let replaced = facts.with { $0.bfloat16?.isReplaced = true }.answer("bfloat16")
        #expect(replaced?.remedy == "leave training.numerics and parallel.instruction_set out")
        #expect(
            facts.with { $0.bfloat16?.reasonAgainst = "a batch has 4" }.verdict("bfloat16")
                == .unchecked("mixed precision is probably no faster for this training: a batch has 4"))
        #expect(
            facts.with { $0.bfloat16?.isPossible = false }.verdict("bfloat16")
                == .unchecked("only the built-in products of float32 have a mixed precision"))
        #expect(
            healthy.verdict("bfloat16") == .unchecked("this processor multiplies bfloat16 no faster than float32"))
    }

    @Test func tilesThatAreRefused() {
        #expect(healthy.verdict("tiles") == .clear)
        let answer = healthy.with { $0.refusesTiles = true }.answer("tiles")
        #expect(answer?.cost == 0 && answer?.text.contains("the system refuses their use (arch_prctl)") == true)
        #expect(answer?.remedy.contains("Linux 5.16") == true)
    }

    @Test func aQuotaBelowTheMask() {
        let version2 = CPUQuota(cpus: 1.5, version: 2, path: "/pod/a")
        let facts = healthy.with(workers: 4).with { $0.quota = Quota(limit: version2, throttledFraction: 0.4) }
        #expect(
            facts.answer("cpu_quota")
                == DoctorAnswer(
                    cost: 0.625,
                    text:
                        "The control group /pod/a may use the time of 1.5 CPUs (cpu.max), and this process could use 4 "
                        + "cores. The workers were stopped 40.0 % of the time while this was measured.",
                    remedy: "docker run --cpus 4, in Kubernetes resources.limits.cpu: 4, or "
                        + "echo max | sudo tee /sys/fs/cgroup/pod/a/cpu.max. Until then: --workers 1",
                    evidence: ["quota_cpus": 1.5, "cores": 4, "throttled_fraction": 0.4]))
        let old = healthy.with {
            $0.quota = Quota(limit: CPUQuota(cpus: 1, version: 1, path: "/"), throttledFraction: nil)
        }
        #expect(
            old.answer("cpu_quota")?.remedy
                == "docker run --cpus 2, in Kubernetes resources.limits.cpu: 2, or "
                + "echo -1 | sudo tee /sys/fs/cgroup/cpu/cpu.cfs_quota_us. Until then: --workers 1")
        #expect(old.answer("cpu_quota")?.text.hasSuffix("2 cores.") == true)
        // Fewer workers than the quota feeds do not need to be fewer.
        let fed = facts.with { $0.workerCPUs = [0] }
        #expect(fed.answer("cpu_quota")?.remedy.hasSuffix("/cpu.max") == true)
        let wide = Quota(limit: CPUQuota(cpus: 2, version: 2, path: "/"), throttledFraction: 0)
        #expect(healthy.with { $0.quota = wide }.verdict("cpu_quota") == .clear)
        #expect(healthy.verdict("cpu_quota") == .clear)
    }

    @Test func aMaskOfOneCore() {
        let cores = Cores(inCpuset: 8, inMask: 1, cpusetCPUs: Array(0..<16))
        let facts = healthy.with { $0.cores = cores }
        #expect(
            facts.answer("affinity")
                == DoctorAnswer(
                    cost: 0.875,
                    text:
                        "This process was started on 1 core of 8 (affinity mask). A training is at most as fast as its "
                        + "cores are many.",
                    remedy: "taskset -c 0-15 gradloom …", evidence: ["cores": 1, "possible_cores": 8]))
        func remedy(_ launcher: Cores.Launcher, processes: Int = 1) -> String? {
            facts.with {
                $0.cores.launcher = launcher
                $0.cores.localProcesses = processes
            }.answer("affinity")?.remedy
        }
        #expect(remedy(.openMPI) == "mpirun --bind-to none …")
        #expect(remedy(.openMPI, processes: 2) == "mpirun --map-by slot:PE=4 --bind-to core …")
        #expect(remedy(.hydra) == "mpiexec -bind-to none …")
        #expect(remedy(.slurm, processes: 4) == "srun --cpus-per-task=2 --cpu-bind=none …")
        let two = facts.with {
            $0.cores.inMask = 3
            $0.cores.localProcesses = 2
        }
        #expect(two.answer("affinity")?.cost == 0.25)
        #expect(two.answer("affinity")?.text.contains(" 2 processes share them.") == true)
        // As many cores as are this process's share.
        #expect(two.with { $0.cores.inMask = 4 }.verdict("affinity") == .clear)
        #expect(healthy.verdict("affinity") == .clear)
    }

    @Test func siblings() {
        let facts = healthy.with {
            $0.sharing = CoreSharing(cores: 1, gflops: 30, otherCPUs: [0, 2], otherGflops: 120)
        }
        #expect(
            facts.answer("smt_siblings")
                == DoctorAnswer(
                    cost: 0.75,
                    text: "2 workers share 1 core: 30.0 GFLOP/s together. 2 workers with cores of their own have "
                        + "120 GFLOP/s. A second hardware thread brings no second vector unit.",
                    remedy: "--set parallel.placement=0,2", evidence: ["gflops": 30, "possible_gflops": 120]))
        let single = facts.with {
            $0.sharing?.otherCPUs = [0]
            $0.sharing?.otherGflops = 40
        }
        #expect(single.answer("smt_siblings")?.remedy == "--workers 1")
        #expect(
            single.answer("smt_siblings")?.text.contains("1 worker with a core of its own has 40.0 GFLOP/s") == true)
        #expect(single.with { $0.sharing?.otherGflops = 30 }.verdict("smt_siblings") == .clear)
        #expect(healthy.verdict("smt_siblings") == .clear)
    }

    @Test func hybridCores() {
        let facts = healthy.with(workers: 4).with {
            $0.arithmetic.workerGflops = [60, 60, 60, 20]
            $0.arithmetic.performanceClasses = [1, 1, 1, 0]
        }
        // 4 · 20 = 80 of 3 · 60 = 180.
        #expect(abs(facts.answer("uneven_cores")!.cost - (1 - 80.0 / 180)) < 1e-12)
        #expect(facts.answer("uneven_cores")?.remedy == "--workers 3")
        #expect(
            facts.answer("uneven_cores")?.text
                == "The workers are on cores of different kinds and have equal shares, so that all wait for the slowest: "
                + "80.0 GFLOP/s. The 3 fastest cores alone have 180 GFLOP/s.")
        // Slow cores that are worth it.
        #expect(facts.with { $0.arithmetic.workerGflops[3] = 45 }.verdict("uneven_cores") == .clear)
    }

    @Test func oneSlowCore() {
        let facts = healthy.with { $0.arithmetic.workerGflops = [60, 30] }
        let answer = facts.answer("uneven_cores")
        #expect(abs(answer!.cost - 1.0 / 3) < 1e-12)
        #expect(
            answer?.text
                == "Worker 1 on CPU 1 has 30.0 GFLOP/s, all together 90.0 GFLOP/s, in the same loop. The workers have equal "
                + "shares and wait for the slowest. Something else uses that core, which may be another machine on the same "
                + "host.")
        #expect(answer?.evidence == ["slowest_gflops": 30, "mean_gflops": 45])
        // Two uneven workers are as good as one: no advice to have fewer.
        #expect(answer?.remedy == "end what runs there (top -H); in a virtual machine, ask for cores of its own")
        let worse = facts.with { $0.arithmetic.workerGflops = [60, 29] }
        #expect(worse.answer("uneven_cores")?.remedy == "--workers 1")
        let larger = facts.with { $0.cores = Cores(inCpuset: 4, inMask: 4, cpusetCPUs: [0, 1, 2, 3]) }
        #expect(larger.answer("uneven_cores")?.remedy == "--set parallel.placement=LIST of 2 CPUs out of 0,2-3")
        #expect(healthy.with { $0.arithmetic.workerGflops = [60, 55] }.verdict("uneven_cores") == .clear)
        #expect(healthy.with(workers: 1).verdict("uneven_cores") == .unchecked("one worker"))
        // Siblings take from each other.
        let sharing = CoreSharing(cores: 1, gflops: 30, otherCPUs: [0, 2], otherGflops: 120)
        #expect(facts.with { $0.sharing = sharing }.verdict("uneven_cores") == .clear)
    }

    @Test func governors() {
        let facts = healthy.with {
            $0.governor = Governor(names: ["powersave"], gigahertz: 1.2, sustainedGigahertz: 2.4)
        }
        #expect(
            facts.answer("governor")
                == DoctorAnswer(
                    cost: 0.5,
                    text:
                        "The workers' cores ran at 1.2 GHz at work, and could keep up 2.4 GHz. The governor is powersave.",
                    remedy: "sudo cpupower frequency-set -g performance",
                    evidence: ["gigahertz": 1.2, "possible_gigahertz": 2.4]))
        #expect(facts.with { $0.governor?.gigahertz = 2.39 }.verdict("governor") == .clear)
        #expect(facts.with { $0.governor?.names = ["performance"] }.verdict("governor") == .clear)
        #expect(
            facts.with { $0.governor?.gigahertz = nil }.verdict("governor")
                == .unchecked("the system does not tell the clock"))
        #expect(healthy.verdict("governor") == .unchecked("the system does not choose clocks here"))
    }
}
