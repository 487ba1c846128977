import Foundation
import Testing

@testable import GradloomCLI

@Suite struct ProfileTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(
            """
            data: {synthetic: {task: teacher, samples: 2000, inputs: 24, classes: 5}}
            network: {layers: [{name: hidden, units: 48, activation: relu}, {name: output, units: 5}], output: softmax}
            training: {batch: 128}
            parallel: {gemm: builtin}
            """, to: "teacher.yaml")
    }

    private func profile(_ arguments: String...) throws -> Outcome {
        try workplace.run(["profile", "teacher.yaml"] + arguments)
    }

    @Test func theProfileIsOneObject() throws {
        let outcome = try profile("--workers", "2,1", "--seconds", "0.3", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try outcome.events().count == 1)
        let event = try outcome.lastEvent()
        #expect(
            Set(event.keys) == [
                "event", "workers", "route", "operations", "verdict", "scaling", "counters", "scaling_kind",
                "samples_per_second", "accounted_fraction", "overhead_fraction", "measured_every", "step_seconds",
                "ceiling_gflops", "other_work_fraction", "held_out", "samples", "provenance",
                "roofs", "slow_steps", "kinds", "stops_scaling",
            ])
        #expect(event["event"] as? String == "profile" && event["workers"] as? Int == 2)
        // Two numbers of workers cannot carry a model.
        #expect(event["held_out"] is NSNull)
        let accounted = try #require(event["accounted_fraction"] as? Double)
        // Beside other tests a region of milliseconds may wait for longer than it works: how much is no matter here. That the
        // laps of a step add up to its time is tested with the clock.
        #expect(accounted > 0)
        let operations = try #require(event["operations"] as? [[String: Any]])
        for worker in 0..<2 {
            let own = operations.filter { $0["worker"] as? Int == worker }
            let share = own.reduce(0) { $0 + ($1["share"] as? Double ?? 0) }
            #expect(abs(share - 1) < 1e-9)
            #expect(own.contains { $0["kind"] as? String == "forward" && $0["layer"] as? String == "hidden" })
            #expect(own.contains { $0["kind"] as? String == "wait" })
        }
        for operation in operations where ["gather", "wait", "loss"].contains(operation["kind"] as? String) {
            #expect(operation["gflops"] == nil || operation["gflops"] is NSNull)
        }
        let scaling = try #require(event["scaling"] as? [[String: Any]])
        #expect(scaling.map { $0["workers"] as? Int } == [1, 2])
        let (one, two) = (scaling[0]["samples_per_second"] as! Double, scaling[1]["samples_per_second"] as! Double)
        #expect(two == event["samples_per_second"] as? Double)
        #expect(
            abs(scaling[1]["efficiency"] as! Double - two / one / 2) < 1e-9 && scaling[0]["efficiency"] as? Double == 1)
        let verdict = try #require(event["verdict"] as? [String: Any])
        #expect((verdict["text"] as? String)?.isEmpty == false && verdict["causes"] is [[String: Any]])
    }

    /// What two profiles are compared by: one value a region.
    @Test func samplesOfRegions() throws {
        let event = try profile("--workers", "1,2", "--seconds", "0.9", "--json").lastEvent()
        let samples = try #require(event["samples"] as? [String: Any])
        let speeds = try #require(samples["samples_per_second"] as? [Double])
        let steps = try #require(samples["step_seconds"] as? [Double])
        // The middle one of an odd number of regions.
        #expect(speeds.count == 15 && speeds.sorted()[7] == event["samples_per_second"] as? Double)
        // 2000 samples are 15 batches of 128 and one of 80.
        #expect(steps.count == 15 && zip(speeds, steps).allSatisfy { (80 - 1e-6...128 + 1e-6).contains($0 * $1) })
        let scaling = try #require(event["scaling"] as? [[String: Any]])
        #expect(scaling.last?["samples_per_second_samples"] as? [Double] == speeds)
        #expect((scaling.first?["samples_per_second_samples"] as? [Double])?.count == 15)
        let operations = try #require(event["operations"] as? [[String: Any]])
        let regions = try #require(samples["operations"] as? [[String: Any]])
        #expect(regions.count == operations.count)
        for (operation, region) in zip(operations, regions) {
            for key in ["kind", "layer"] { #expect(operation[key] as? String == region[key] as? String) }
            #expect(operation["worker"] as? Int == region["worker"] as? Int)
            let seconds = try #require(region["seconds"] as? [Double])
            let mean = try #require(operation["seconds"] as? Double)
            // The mean of all steps is a weighted mean of those of the regions.
            #expect(seconds.count == 15 && mean >= seconds.min()! * (1 - 1e-9) && mean <= seconds.max()! * (1 + 1e-9))
        }
    }

    /// So many steps were run at least, of which one of `measured_every` is measured, but for an epoch's last, smaller one.
    @Test func stepsInsteadOfSeconds() throws {
        let event = try profile("--workers", "1", "--steps", "20000", "--json").lastEvent()
        let quantiles = try #require(event["step_seconds"] as? [String: Any])
        let every = try #require(event["measured_every"] as? Int)
        #expect((quantiles["count"] as? Int ?? 0) * every >= 20000 * 15 / 16 - 15 * every)
        let samples = try #require(event["samples"] as? [String: Any])
        #expect((samples["samples_per_second"] as? [Double])?.count.isMultiple(of: 2) == false)
    }

    @Test func roofsKindsAndSlowSteps() throws {
        let outcome = try profile("--workers", "1,2", "--seconds", "0.6", "--json")
        let event = try outcome.lastEvent()
        let roofs = try #require(event["roofs"] as? [String: Any])
        #expect(
            Set(roofs.keys) == [
                "arithmetic_gflops", "l2_gigabytes_per_second", "l3_gigabytes_per_second",
                "memory_gigabytes_per_second",
            ])
        let arithmetic = try #require(roofs["arithmetic_gflops"] as? Double)
        #expect(abs(arithmetic * 2 / (event["ceiling_gflops"] as! Double) - 1) < 1e-9)
        #expect(roofs["memory_gigabytes_per_second"] as? Double ?? 0 > 0)
        for operation in try #require(event["operations"] as? [[String: Any]]) {
            let bytes = operation["bytes"] as! Double
            if let gflops = operation["gflops"] as? Double, let ceiling = operation["ceiling_gflops"] as? Double {
                #expect(abs(operation["ceiling_fraction"] as! Double - gflops / ceiling) < 1e-9 && gflops <= ceiling)
                #expect(abs(operation["peak_fraction"] as! Double - gflops / arithmetic) < 1e-9)
                #expect(abs(operation["intensity"] as! Double - (operation["operations"] as! Double) / bytes) < 1e-9)
                #expect(operation["bound"] is String)
            } else {
                #expect(operation["gflops"] is NSNull && operation["ceiling_fraction"] is NSNull)
            }
            if operation["kind"] as? String == "wait" { #expect(operation["bound"] is NSNull && bytes == 0) }
        }
        let kinds = try #require(event["kinds"] as? [[String: Any]])
        #expect(kinds.map { $0["kind"] as? String }.prefix(2) == ["gather", "forward"])
        for kind in kinds {
            #expect((kind["seconds"] as? [Double])?.count == 2 && (kind["efficiency"] as? [Any])?.count == 2)
            #expect(
                kind["serial_fraction"] is NSNull
                    && (kind["refusal"] as? String)?.contains("cannot carry a model") == true)
        }
        for step in try #require(event["slow_steps"] as? [[String: Any]]) {
            #expect(
                Set(step.keys) == [
                    "step", "seconds", "ratio", "involuntary_switches", "voluntary_switches", "faults", "migrations",
                    "not_running_seconds", "stolen_seconds", "throttled_seconds", "cause",
                ])
            #expect(step["ratio"] as? Double ?? 0 > 1.25)
        }
    }

    @Test func provenance() throws {
        let event = try profile("--workers", "1", "--seconds", "0.2", "--json").lastEvent()
        let provenance = try #require(event["provenance"] as? [String: Any])
        #expect(
            Set(provenance.keys) == [
                "gradloom", "date", "processor", "processor_model", "kernel", "blas", "gemm", "instruction_set",
                "allowed_cpus", "placement", "command", "configuration", "network", "loss", "optimizer", "batch",
                "precision",
            ])
        let command = ["gradloom", "profile", "teacher.yaml", "--workers", "1", "--seconds", "0.2", "--json"]
        #expect(provenance["command"] as? [String] == command)
        #expect(
            provenance["configuration"] as? String == "teacher.yaml"
                && provenance["network"] as? String == "24-48 relu-5 softmax")
        #expect(provenance["batch"] as? Int == 128 && provenance["precision"] as? String == "float32")
        #expect(provenance["gemm"] as? String == "builtin" && (provenance["placement"] as? [Any])?.count == 1)
        let date = try #require((provenance["date"] as? String).flatMap(ISO8601DateFormatter().date(from:)))
        #expect(abs(date.timeIntervalSinceNow) < 600)
    }

    @Test func figuresOfUnusualStepsAreTold() {
        #expect(ProfileReport.accountingNote(0.981) == nil && ProfileReport.accountingNote(1.019) == nil)
        #expect(ProfileReport.accountingNote(0.979)?.hasPrefix("operations and waits account for 97.9 %") == true)
        #expect(ProfileReport.accountingNote(1.03)?.contains("103.0 %") == true)
        #expect(ProfileReport.gain(0.054) == "5.4 %" && ProfileReport.gain(0.999) == "99.9 %")
        #expect(ProfileReport.gain(1) == "2.0 times" && ProfileReport.gain(99) == "100 times")
    }

    @Test func theTextBeginsWithAVerdict() throws {
        let outcome = try profile("--seconds", "0.2", "--workers", "1")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let first = try #require(outcome.output.split(separator: "\n").first)
        #expect(first.hasSuffix(".") && first.first!.isUppercase)
        #expect(outcome.output.contains("Where 1 worker's time goes, route partition:"))
        #expect(outcome.output.contains("Operations and waits account for"))
        #expect(outcome.output.contains("Roofs of one worker while all work: arithmetic "))
        #expect(outcome.output.contains("of its roof"))
        // One number of workers does not scale.
        #expect(!outcome.output.contains("scaling (!") && !outcome.output.contains("By kind of operation"))
    }

    @Test func theTextSaysWhatStopsScaling() throws {
        let outcome = try profile("--seconds", "0.4", "--workers", "1,2")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("By kind of operation, a step's mean of all workers:"))
        #expect(outcome.output.contains("stops scaling: of the time") || outcome.output.contains("No kind loses much."))
        #expect(
            outcome.output.contains("A model of each kind: two points cannot carry a model: it needs 3 worker counts"))
    }

    @Test func theTraceHasAllOperations() throws {
        let outcome = try profile("--seconds", "0.2", "--workers", "2", "--trace", "t.perfetto-trace")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let bytes = try Data(contentsOf: workplace.url("t.perfetto-trace"))
        // A trace is packets, field 1 of the message.
        #expect(bytes.first == 0x0a && bytes.count > 1000)
        for name in ["worker 0", "worker 1", "forward hidden", "backward output", "wait", "gather"] {
            #expect(bytes.range(of: Data(name.utf8)) != nil, "\(name)")
        }
    }

    @Test(
        arguments: [
            (["--seconds", "1", "--steps", "10"], 64, "Give --seconds or --steps, not both."),
            (["--steps", "0"], 64, "--steps must be at least 1"),
            (["--report", "./teacher.yaml"], 64, "--report would replace the configuration teacher.yaml"),
            (["--trace", "teacher.yaml"], 64, "--trace would replace the configuration teacher.yaml"),
            (["--report", "one", "--trace", "./one"], 64, "--report and --trace are one file; give two."),
            (["--seconds", "0"], 64, "--seconds must be at least 0.1 and at most 3600"),
            (["--workers", "1,x"], 64, "1,x"), (["--workers", "0"], 64, "0"),
            (["--scaling", "sideways"], 64, "sideways"), (["--workers", "100000"], 78, "100000 workers"),
            (["--set", "training.batch=2001"], 78, "training.batch is 2001, but there are only 2000 training samples"),
            (
                [
                    "--set", "optimizer.learning_rate=1e30", "--set", "loss.kind=squared_sum", "--set",
                    "network.output=identity",
                ],
                1, "diverged"
            ),
        ] as [([String], Int32, String)])
    func wrongInput(arguments: [String], exitCode: Int32, text: String) throws {
        let outcome = try workplace.run(["profile", "teacher.yaml"] + arguments)
        #expect(outcome.exitCode == exitCode, "\(outcome.errors)")
        #expect(outcome.errors.contains(text), "\(outcome.errors)")
    }
}
