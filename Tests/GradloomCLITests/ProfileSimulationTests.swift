import Foundation
import Testing

/// Steps on machines that are not here.
@Suite struct ProfileSimulationTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(
            """
            data: {synthetic: {task: teacher, samples: 2000, inputs: 24, classes: 5}}
            network: {layers: [{name: hidden, units: 48, activation: relu}, {name: output, units: 5}], output: softmax}
            training: {batch: 256}
            parallel: {gemm: builtin}
            """, to: "teacher.yaml")
    }

    private func simulate(_ topology: String, _ arguments: String...) throws -> Outcome {
        try workplace.run(["profile", "teacher.yaml", "--seconds", "0.3", "--simulate", topology] + arguments)
    }

    @Test func thePredictionIsOneObject() throws {
        let topology = "pack:2 [numa] l3:2(size=16777216) l2:4(size=1048576) core:1 pu:2"
        let outcome = try simulate(topology, "--json", "--memory-bandwidth", "100")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let event = try outcome.lastEvent()
        #expect(Set(event.keys) == ["event", "topology", "program", "predictions", "assumptions", "validation"])
        #expect(event["event"] as? String == "simulation" && event["topology"] as? String == topology)
        let program = try #require(event["program"] as? [String: Any])
        #expect(program["workers"] as? Int == 16)
        let predictions = try #require(event["predictions"] as? [[String: Any]])
        #expect(predictions.map { $0["workers"] as? Int } == [1, 2, 4, 8, 16])
        #expect(predictions.last?["route"] as? String == program["route"] as? String)
        // CPUs of different cores, over all of the machine.
        #expect((predictions.last?["placement"] as? [Int])?.sorted() == (0..<16).map { 2 * $0 })
        let one = try #require(predictions[0]["samples_per_second"] as? Double)
        for prediction in predictions {
            let (workers, step) = (prediction["workers"] as! Int, prediction["step_seconds"] as! Double)
            let speed = prediction["samples_per_second"] as! Double
            let efficiency = prediction["efficiency"] as! Double
            #expect(step > 0 && abs(speed * step - 256) < 1e-6)
            #expect(abs(efficiency - speed / one / Double(workers)) < 1e-9)
            #expect(abs((prediction["speed_up"] as! Double) - speed / one) < 1e-9)
            #expect((prediction["limited_by"] as? String)?.isEmpty == false)
            let phases = try #require(prediction["phases"] as? [[String: Any]])
            var sum = 0.0
            for phase in phases {
                let (work, memory) = (phase["slowest_seconds"] as! Double, phase["memory_seconds"] as! Double)
                let barrier = phase["barrier_seconds"] as! Double
                sum += max(work, memory) + barrier
            }
            #expect(abs(sum - step) < 1e-12)
        }
        let validation = try #require(event["validation"] as? [[String: Any]])
        #expect(validation.first?["workers"] as? Int == 1)
        for row in validation {
            let (predicted, measured) = (row["predicted"] as! Double, row["measured"] as! Double)
            let error = row["error"] as! Double
            #expect(measured > 0 && abs(error - (predicted / measured - 1)) < 1e-9)
        }
        let assumptions = try #require(event["assumptions"] as? [String])
        #expect(assumptions.contains("Steps are planned for second-level caches of 1.00 MiB, as the topology says."))
    }

    @Test func theTextShowsTheProgram() throws {
        try workplace.write(Self.xml, to: "two.xml")
        let outcome = try simulate("two.xml")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let output = outcome.output
        #expect(
            output.hasPrefix(
                "Predicted for two.xml: 1 package, 1 NUMA node, 1 L3 group, 2 cores, 2 hardware threads.\n"))
        for line in ["A step of 2 workers:\n", "What they do:\n", ", 2 workers, 256 samples in ", "  ─ barrier\n"] {
            #expect(output.contains(line), "\(line)")
        }
        // The same program as that of two workers here, whose caches hold this network, too.
        let inspected = try workplace.run("inspect", "teacher.yaml", "--program", "--set", "parallel.workers=1")
        let alone = try simulate("two.xml", "--workers", "1").output
        #expect(inspected.exitCode == 0 && alone.contains(inspected.output))
        #expect(output.contains("- The topology says nothing of second-level caches: steps are planned for 1.00 MiB."))
    }

    /// Two cores, as lstopo exports them.
    private static let xml: String = {
        func set(_ mask: String) -> String {
            "cpuset=\"\(mask)\" complete_cpuset=\"\(mask)\" nodeset=\"0x1\" complete_nodeset=\"0x1\""
        }
        let cores = (0..<2).map { core in
            """
            <object type="Core" os_index="\(core)" \(set("0x\(1 << core)"))>
            <object type="PU" os_index="\(core)" \(set("0x\(1 << core)"))/></object>
            """
        }
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <!DOCTYPE topology SYSTEM "hwloc2.dtd">
            <topology version="2.0"><object type="Machine" os_index="0" \(set("0x3")) allowed_cpuset="0x3"
            allowed_nodeset="0x1"><object type="NUMANode" os_index="0" \(set("0x3")) local_memory="1073741824"/>
            \(cores.joined())</object></topology>
            """
    }()

    private static func noTopology(_ text: String) -> String {
        """
        error: '\(text)' is no topology; expected levels from the outside in, down to pu, with at most 65,536 hardware threads in all, \
        such as 'pack:2 [numa] l3:4 core:8 pu:2', or a file that 'lstopo --of xml' wrote

        """
    }

    private static let mistakes: [(topology: String, exitCode: Int32, errors: String)] = [
        ("pack:two core:8", 64, noTopology("pack:two core:8")), ("", 64, noTopology("")),
        ("core:-1", 64, noTopology("core:-1")), ("frob:2 core:2", 64, noTopology("frob:2 core:2")),
        ("pack:100000 core:100000", 64, noTopology("pack:100000 core:100000")),
        (
            "none.xml", 66,
            """
            error: none.xml: there is no such file; expected a file that 'lstopo --of xml' wrote, or a description such as \
            'pack:2 l3:4 core:8 pu:2'

            """
        ),
        (
            "teacher.yaml", 65,
            "error: teacher.yaml: is no hwloc topology in XML; expected a file that 'lstopo --of xml' wrote\n"
        ),
        ("core:4 pu:1", 64, "error: --workers 5 is more than the 4 workers that 'core:4 pu:1' has room for\n"),
    ]

    @Test func aTrainingThatDivergesHasNoRates() throws {
        let outcome = try simulate(
            "core:2 pu:1", "--set", "optimizer.learning_rate=1e30", "--set", "loss.kind=squared_sum", "--set",
            "network.output=identity")
        #expect(outcome.exitCode == 1 && outcome.output == "" && outcome.errors.contains("diverged"))
    }

    @Test(arguments: mistakes)
    func wrongTopologies(topology: String, exitCode: Int32, errors: String) throws {
        let outcome = try simulate(topology, "--workers", "2,5")
        #expect(outcome.exitCode == exitCode && outcome.errors == errors && outcome.output == "")
    }

    @Test(
        arguments: [
            (["--memory-bandwidth", "10"], "--memory-bandwidth belongs to --simulate."),
            (["--simulate", "core:4 pu:1", "--memory-bandwidth", "0"], "--memory-bandwidth must be above 0."),
            (
                ["--simulate", "core:4 pu:1", "--scaling", "weak"],
                "--simulate predicts strong scaling: give it without --scaling weak."
            ),
            (
                ["--simulate", "core:4 pu:1", "--trace", "t"],
                "--simulate has no steps for a trace: give it without --trace."
            ),
            (
                ["--simulate", "core:4 pu:1", "--report", "r.html"],
                "--simulate has no measured steps for a report: give it without --report."
            ),
        ] as [([String], String)])
    func wrongUsage(arguments: [String], message: String) throws {
        let outcome = try workplace.run(["profile", "teacher.yaml"] + arguments)
        #expect(outcome.exitCode == 64 && outcome.errors.hasPrefix("error: \(message)\n"), "\(outcome.errors)")
    }
}
