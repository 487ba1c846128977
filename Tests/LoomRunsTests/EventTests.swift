import Foundation
import LoomRuns
import LoomTraining
import Testing

@Suite struct EventTests {
    private func keys(_ event: some Encodable) throws -> Set<String> {
        let object = try JSONSerialization.jsonObject(with: Data(try JSONLines.line(event).utf8))
        return Set(try #require(object as? [String: Any]).keys)
    }

    static let run = RunEvent(
        parameters: 2_762, workers: 2, placement: [0, nil], route: "all_reduce", groups: 2, products: "builtin",
        numerics: "fma-1", instructionSet: "avx512", ceilingGflops: 440.25, ceilingIsCached: true,
        blas: .init(library: "OpenBLAS 0.3.21", core: "SkylakeX"),
        machine: .init(
            cpu: "AMD EPYC", cores: 2, hardwareThreads: 4, numaNodes: 1, allowedCPUs: [0, 2], quotaCPUs: nil,
            niceness: 5),
        memory: PlannedMemory(MemoryPlan()), runDirectory: "runs/xor")
    private let done = DoneEvent(
        steps: 10, loss: 0.1, samplesPerSecond: 1e6, gflops: 220, ceilingGflops: 440, ceilingFraction: 0.5,
        otherWorkFraction: nil,
        time: TrainingTime(
            seconds: 2, loadingSeconds: 0.5, trainingSeconds: 1, validationSeconds: 0.25, checkpointSeconds: 0.125),
        stepFractions: nil, largestOverhead: nil, parameterHash: "ab", peakResidentBytes: nil, runDirectory: "runs/xor")

    @Test func runHasItsKeys() throws {
        let names = [
            "activation", "batch", "checkpoint", "data", "evaluation", "gradient", "loading", "optimizer", "parameter",
            "planning", "program", "total", "validation",
        ]
        let memory = "{" + names.map { "\"\($0)_bytes\":0" }.joined(separator: ",") + "}"
        #expect(
            try JSONLines.line(Self.run) == #"{"blas":{"core":"SkylakeX","library":"OpenBLAS 0.3.21"},"#
                + #""ceiling_cached":true,"ceiling_gflops":440.25,"event":"run","groups":2,"instruction_set":"avx512","#
                + #""machine":{"allowed_cpus":[0,2],"cores":2,"cpu":"AMD EPYC","hardware_threads":4,"#
                + #""nice":5,"numa_nodes":1,"quota_cpus":null},"memory":\#(memory),"numerics":"fma-1","parameters":2762,"#
                + #""placement":[0,null],"#
                + #""products":"builtin","route":"all_reduce","run_directory":"runs/xor","workers":2}"# + "\n")
    }

    @Test func rollbackHasItsKeys() throws {
        let rollback = Rollback(
            divergedStep: 7, origin: "the loss function", step: 5, learningRateFactor: 0.25)
        #expect(
            try JSONLines.line(RollbackEvent(rollback))
                == #"{"diverged_step":7,"event":"rollback","learning_rate_factor":0.25,"origin":"the loss function","step":5}"#
                + "\n")
    }

    @Test func epochHasItsKeysEvenWhereTheTaskHasNoValue() throws {
        let epoch = EpochEvent(
            epoch: 1, step: 5, loss: 0.1, accuracy: nil, validationLoss: nil, validationAccuracy: nil,
            samplesPerSecond: 2, seconds: 3)
        #expect(
            try keys(epoch) == [
                "event", "epoch", "step", "loss", "accuracy", "validation_loss", "validation_accuracy",
                "samples_per_second", "seconds", "ceiling_fraction", "largest_overhead",
            ])
        let line = try JSONLines.line(epoch)
        #expect(line.contains(#""accuracy":null"#) && line.contains(#""largest_overhead":null"#))
    }

    /// Runs that were begun by versions without these keys go on.
    @Test func epochsOfFormerVersionsAreRead() throws {
        let line =
            #"{"accuracy":null,"epoch":1,"event":"epoch","loss":0.1,"samples_per_second":2,"seconds":3,"step":5,"#
            + #""validation_accuracy":null,"validation_loss":0.5}"#
        let epoch = try JSONLines.value(EpochEvent.self, from: line)
        #expect(epoch.validationLoss == 0.5 && epoch.ceilingFraction == nil && epoch.largestOverhead == nil)
    }

    @Test func doneHasItsKeys() throws {
        #expect(
            try keys(done) == [
                "event", "steps", "loss", "samples_per_second", "gflops", "ceiling_gflops", "ceiling_fraction",
                "other_work_fraction", "parameter_hash", "peak_resident_bytes", "run_directory", "time",
                "step_fractions", "largest_overhead",
            ])
        let line = try JSONLines.line(done)
        #expect(line.contains(#""peak_resident_bytes":null"#) && line.contains(#""other_work_fraction":null"#))
        #expect(line.contains(#""step_fractions":null"#) && line.contains(#""largest_overhead":null"#))
        #expect(
            line.contains(
                #""time":{"checkpoint_seconds":0.125,"loading_seconds":0.5,"seconds":2,"training_seconds":1,"#
                    + #""validation_seconds":0.25}"#))
        var measured = done
        measured.stepFractions = ["products": 0.75, "waiting": 0.25]
        measured.largestOverhead = TimeShare(name: "loading", fraction: 0.25)
        let other = try JSONLines.line(measured)
        #expect(other.contains(#""step_fractions":{"products":0.75,"waiting":0.25}"#))
        #expect(other.contains(#""largest_overhead":{"fraction":0.25,"name":"loading"}"#))
        #expect(try JSONLines.value(DoneEvent.self, from: other) == measured)
    }

    @Test(arguments: [
        0.1, 1.0 / 3, 1e-300, .leastNonzeroMagnitude, 1.7976931348623157e308, 0.30000000000000004, -0.0,
        123456789.125,
    ])
    func keepsEveryDigit(value: Double) throws {
        let line = try JSONLines.line([value])
        #expect(try JSONLines.value([Double].self, from: line).map(\.bitPattern) == [value.bitPattern])
    }

    @Test func numbersThatAreNoneAreStrings() throws {
        var done = done
        done.loss = .nan
        #expect(try JSONLines.line(done).contains(#""loss":"NaN""#))
        #expect(try JSONLines.line([Double.infinity, -.infinity]) == #"["Infinity","-Infinity"]"# + "\n")
        #expect(try JSONLines.value(DoneEvent.self, from: JSONLines.line(done)).loss.isNaN)
    }

    @Test func everyEventReadsBack() throws {
        #expect(try JSONLines.value(RunEvent.self, from: JSONLines.line(Self.run)) == Self.run)
        #expect(try JSONLines.value(DoneEvent.self, from: JSONLines.line(done)) == done)
    }

    @Test func oneEventIsOneLine() throws {
        var done = done
        done.runDirectory = "a\nb/c"
        #expect(try JSONLines.line(done).filter { $0 == "\n" }.count == 1)
        #expect(try JSONLines.line(done).contains(#""a\nb/c""#))
    }
}
