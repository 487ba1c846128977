import Foundation
import LoomConfiguration
import LoomHardware
import LoomPlan
import LoomTraining
import Testing

@testable import LoomMeasurement
@testable import LoomRuns

/// The facts that rules look at, measured on this machine or taken from another one's description.
@Suite(.serialized) struct DoctorMeasurementTests {
    private func measurement(workers: Int = 1) throws -> DoctorMeasurement {
        var request = DoctorRequest()
        request.seconds = 0.1
        return DoctorMeasurement(request: request, machine: try MachineSetup(workers: workers, policy: .none))
    }

    @Test func noiseIsHeldAgainstEachWorkersOwnMedian() {
        // The second worker is always twice as slow, and is late once.
        let noise = Noise(nanoseconds: [
            [1e6, 1e6, 1e6, 1e6, 1e6], [2e6, 2e6, 2e6, 2e6, 6e6],
        ])
        #expect(noise.rounds == 5 && noise.milliseconds == 1.5 && noise.p50 == 1 && noise.mean == 1.4)
        // At position 0.99 · 4 of 1, 1, 1, 1, 3.
        #expect(abs(noise.p99 - 2.92) < 1e-12)
        // The first is late in one round, the second in another.
        let two = Noise(nanoseconds: [[1, 5, 1, 1, 1], [1, 1, 1, 3, 1]])
        #expect(two.milliseconds == 1e-6 && two.p50 == 1 && two.mean == 2.2)
        // At position 3.96 of 1, 1, 1, 3, 5.
        #expect(abs(two.p99 - 4.92) < 1e-12)
        // At position 198 of 0 … 200.
        for (undisturbed, p99) in [(199, 1.0), (198, 2)] {
            #expect(Noise(nanoseconds: [(1...201).map { $0 <= undisturbed ? 1 : 2 }]).p99 == p99)
        }
    }

    @Test func everyRoundOfEveryWorkerIsTimed() {
        let times = WorkerTeam(workers: 2).nanoseconds(rounds: 3) { worker, round in
            usleep(useconds_t(2000 * (1 + worker) * (1 + round)))
        }
        #expect(times.count == 2 && times.allSatisfy { $0.count == 3 })
        for worker in 0..<2 {
            for round in 0..<3 { #expect(times[worker][round] >= 2e6 * Double((1 + worker) * (1 + round))) }
        }
    }

    @Test func arithmeticIsThatOfTheWorkers() throws {
        let (arithmetic, noise) = try measurement(workers: 2).arithmetic()
        #expect(arithmetic.workerGflops.count == 2 && arithmetic.workerGflops.allSatisfy { $0 > 0.1 })
        #expect(arithmetic.inUseGflops == arithmetic.workerGflops.reduce(0, +))
        #expect(arithmetic.inUse == ArithmeticInstructions.ofKernels.title)
        #expect(arithmetic.performanceClasses == [nil, nil])
        #expect(noise.rounds >= 40 && noise.p50 <= noise.p99 && noise.mean >= 1)
        #expect((0.05...50).contains(noise.milliseconds))
    }

    /// Without flushing, each of a product's results is rounded in microcode on Intel; elsewhere it is no slower.
    @Test func workersFlushSubnormals() throws {
        let subnormals = try measurement(workers: 2).subnormals()
        #expect(subnormals.flushingWorkers == 2)
        #expect(subnormals.ratio < subnormals.unflushedRatio * 1.5)
        if MachineDescription.processorModel().hasPrefix("GenuineIntel") {
            #expect(subnormals.unflushedRatio > 2 * subnormals.ratio)
        }
    }

    /// 52 million operations: no core of today does them in 10 µs, nor takes a second.
    @Test func aStepTakesAsLongAsItsProducts() throws {
        let seconds = try measurement().stepSeconds()
        #expect((10e-6...1).contains(seconds))
    }

    @Test func everyPairIsMeasured() throws {
        #expect(DoctorMeasurement.pairs(workers: 3).map { [$0.0, $0.1] } == [[0, 1], [0, 2], [1, 2]])
        #expect(DoctorMeasurement.pairs(workers: 8).count == 28)
        let many = DoctorMeasurement.pairs(workers: 64)
        #expect(many.count == 63 + 62)
        #expect(many.allSatisfy { $0.0 == 0 || $0.1 == $0.0 + 1 })
        // Nothing to measure where workers are not pinned.
        #expect(try measurement(workers: 2).barriers() == [])
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/sys/kernel/mm/transparent_hugepage/enabled")))
    func pagesAreHugeWhereTheSystemGivesThem() throws {
        let pages = try #require(try measurement().pages())
        #expect(["always", "madvise", "never"].contains(pages.mode))
        #expect((0...1).contains(pages.hugeFraction))
        #expect((1...1e5).contains(pages.rowNanoseconds) && (1...1e5).contains(pages.smallRowNanoseconds))
        if pages.mode == "never" { #expect(pages.hugeFraction == 0) }
        // Memory that lies in huge pages needs no other to be held against.
        #expect(pages.hugeFraction < DoctorThresholds.hugePageFraction || pages.hugeRowNanoseconds == nil)
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/sys/devices/system/node/node0")))
    func memoryIsOnTheNodeThatItWasAskedFrom() throws {
        let measurement = try measurement()
        let near = try #require(measurement.numaMemory(nodesOfWorkers: [0], nodes: 1))
        #expect(near.gigabytesPerSecond > 0.1 && near.localGigabytesPerSecond == nil)
        guard try Topology.machine().numaNodeCount == 1 else { return }
        #expect(near.awayFraction == 0)
        // A worker of a node that is not there has all its memory elsewhere, and none can be had there.
        let far = try #require(measurement.numaMemory(nodesOfWorkers: [7], nodes: 8))
        #expect(far.awayFraction == 1 && far.localGigabytesPerSecond == nil)
        #expect(measurement.numaMemory() == nil)
    }

    // MARK: Other machines

    private let twoSockets = "pack:2 [numa] l3:1 core:4 pu:2"

    @Test func coresAreCountedNotThreads() throws {
        let topology = try Topology(synthetic: twoSockets)
        let cpus = topology.hardwareThreads.map(\.osIndex)
        let allowance = CPUAllowance(
            machineCPUs: cpus, affinityCPUs: [0, 1, 3], cpusetCPUs: Array(0..<12), quota: nil)
        let cores = Cores(topology, allowance, environment: [:])
        #expect(cores == Cores(inCpuset: 6, inMask: 2, cpusetCPUs: Array(0..<12)))
        #expect(DoctorMeasurement.cpusOfOwnCores(topology, allowance, workers: 4) == [0, 3])
        #expect(DoctorMeasurement.cpusOfOwnCores(topology, allowance, workers: 1) == [0])
    }

    @Test(arguments: [
        (["OMPI_COMM_WORLD_LOCAL_SIZE": "4"], Cores.Launcher.openMPI, 4), (["MPI_LOCALNRANKS": "2"], .hydra, 2),
        (["SLURM_NTASKS_PER_NODE": "8", "SLURM_STEP_ID": "0"], .slurm, 8), (["SLURM_STEP_ID": "5"], .slurm, 1),
        (["OMPI_COMM_WORLD_LOCAL_SIZE": "x"], .openMPI, 1), ([:], nil, 1),
    ])
    func launchersAreKnown(environment: [String: String], launcher: Cores.Launcher?, processes: Int) throws {
        let topology = try Topology(synthetic: twoSockets)
        let cores = Cores(topology, CPUAllowance(topology: topology), environment: environment)
        #expect(cores.launcher == launcher && cores.localProcesses == processes)
    }

    @Test func refusalsOfCountersHaveReasons() {
        #expect(Counters.Refusal(errno: 0) == nil)
        #expect(Counters.Refusal(errno: EACCES) == .forbidden)
        #expect(Counters.Refusal(errno: ENOENT) == .missing)
        #expect(Counters.Refusal(errno: EINVAL) == .failed(EINVAL))
    }

    // MARK: A configuration

    @Test func aStepIsCountedFromItsProgram() throws {
        let configuration = try Configuration(
            yaml: """
                data:
                  synthetic: {task: teacher, samples: 1_000, inputs: 8, classes: 3, seed: 7}
                network:
                  layers: [{units: 16, activation: relu}, {units: 3}]
                  output: softmax
                parallel: {shard_rows: 32, route: partition, groups: 1}
                training: {batch: 48}

                """, file: "a.yaml")
        let step = try configuration.plannedStep(on: MachineSetup(workers: 2, policy: .none))
        #expect(step.workerRows == [32, 16])
        let model = StepModel(step)
        #expect(model.gatheredBytes == 1536)
        // 195 parameters of 4 bytes, and the padding of rows.
        #expect((780...2048).contains(model.parameterBytes))
        #expect((1...3).contains(model.barriers))
    }
}
