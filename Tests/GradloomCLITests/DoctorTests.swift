import Foundation
import LoomHardware
import LoomKernels
import Testing

@Suite struct DoctorTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(SampleData.xor, to: "xor.yaml")
    }

    private func doctor(_ arguments: String..., environment: [String: String] = [:]) throws -> Outcome {
        try workplace.start(["doctor", "--seconds", "0.05"] + arguments, environment: environment).wait()
    }

    /// Findings by their rules, after a look at their form, their order and the exit code.
    private func findings(_ outcome: Outcome) throws -> [String: [String: Any]] {
        let events = try outcome.events()
        var costs: [Double] = []
        var rules: [String: [String: Any]] = [:]
        for event in events {
            #expect(Set(event.keys) == ["event", "rule", "cost_fraction", "text", "remedy", "evidence"])
            #expect(event["event"] as? String == "finding")
            costs.append(try #require(event["cost_fraction"] as? Double))
            #expect(try !#require(event["text"] as? String).isEmpty && !#require(event["remedy"] as? String).isEmpty)
            rules[try #require(event["rule"] as? String)] = event
        }
        #expect(costs.allSatisfy { (0...1).contains($0) } && costs == costs.sorted(by: >))
        #expect(outcome.exitCode == (costs.contains { $0 > 0.05 } ? 1 : 0), "\(costs) \(outcome.errors)")
        #expect(rules.count == events.count)
        return rules
    }

    @Test func findingsAreLines() throws {
        _ = try findings(doctor("--json"))
    }

    /// Four samples are one shard.
    @Test func aConfigurationIsChecked() throws {
        let findings = try findings(doctor("xor.yaml", "--workers", "2", "--json"))
        let idle = try #require(findings["idle_workers"])
        #expect(idle["cost_fraction"] as? Double == 0.5)
        #expect(idle["text"] as? String == "A batch of 4 in shards of 4 feeds only 1 of 2 workers.")
        #expect(idle["remedy"] as? String == "--set parallel.shard_rows=2, or --set training.batch=8")
        // What it says mends it.
        let mended = try self.findings(doctor("xor.yaml", "--workers", "2", "--json", "--set", "parallel.shard_rows=2"))
        #expect(mended["idle_workers"] == nil)
    }

    @Test func theReportIsForPeople() throws {
        let outcome = try doctor("xor.yaml", "--workers", "2")
        #expect(outcome.exitCode == 1, "\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(try lines[0].wholeMatch(of: Regex(#".+, 2 workers (on CPUs [0-9,-]+|not pinned)"#)) != nil)
        #expect(
            outcome.output.contains(
                "\n 50.0 %  idle_workers\n         A batch of 4 in shards of 4 feeds only 1 of 2 workers.\n"))
        #expect(outcome.output.contains("\n         → --set parallel.shard_rows=2, or --set training.batch=8\n"))
        #expect(lines.last == "" && lines[lines.count - 2].hasPrefix("Nothing found: "))
        #expect(lines.dropFirst().dropLast(2).allSatisfy { $0.count <= 80 })
    }

    @Test(.enabled(if: InstructionSet.avx2.isSupported))
    func narrowVectorsAreFound() throws {
        let findings = try findings(doctor("xor.yaml", "--json", "--set", "parallel.instruction_set=baseline"))
        let cost = try #require(findings["instruction_set"]?["cost_fraction"] as? Double)
        #expect(cost > 0.3)
    }

    @Test func kernelsOfOpenBLASAreLookedAtWhereItMultiplies() throws {
        let environment = ["OPENBLAS_CORETYPE": "Prescott"]
        func rule(_ backend: String) throws -> [String: Any]? {
            try findings(
                doctor(
                    "xor.yaml", "--workers", "1", "--json", "--set", "parallel.gemm=\(backend)",
                    environment: environment)
            )["blas_kernels"]
        }
        #expect(try rule("builtin") == nil)
        // A build for one processor has no others.
        guard BLASRuntime.current().configuration.contains("DYNAMIC_ARCH"), InstructionSet.avx2.isSupported else {
            return
        }
        let finding = try #require(try rule("openblas"))
        #expect(try #require(finding["cost_fraction"] as? Double) > 0.2)
        #expect(try #require(finding["text"] as? String).contains("OpenBLAS multiplies with its Prescott kernels"))
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/usr/bin/taskset") && SharedCPUTests.allowedCPUs > 1))
    func aMaskOfOneCoreIsFound() throws {
        let cpu = try #require(try CPUAllowance.current(topology: .machine()).allowedCPUs.first)
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
        process.arguments = ["-c", "\(cpu)", Workplace.program.path, "doctor", "--seconds", "0.05", "--json"]
        process.environment = workplace.environment.merging(["OMPI_COMM_WORLD_LOCAL_SIZE": "1"]) { $1 }
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        let findings = try findings(Outcome(exitCode: process.terminationStatus, output: text, errors: ""))
        let affinity = try #require(findings["affinity"])
        #expect(affinity["remedy"] as? String == "mpirun --bind-to none …")
        #expect(try #require(affinity["cost_fraction"] as? Double) >= 0.5 && process.terminationStatus == 1)
    }

    // MARK: Mistakes

    static let mistakes = Mistake.ofConfigurations(command: "doctor")

    @Test(arguments: mistakes) func mistakesAreExplained(mistake: Mistake) throws {
        try mistake.check(in: Workplace())
    }

    @Test func moreWorkersThanCPUsAreRefused() throws {
        let outcome = try doctor("--workers", "250")
        guard SharedCPUTests.allowedCPUs < 250 else { return }
        #expect(outcome.exitCode == 78 && outcome.output == "")
        #expect(outcome.errors.hasPrefix("error: 250 workers were asked for, but "))
    }
}
