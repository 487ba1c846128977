import Foundation
import LoomHardware
import LoomMeasurement
import Testing

@Suite struct PeakTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(SampleData.xor, to: "xor.yaml")
    }

    private func peak(_ arguments: String...) throws -> Outcome {
        try workplace.run(["peak", "--seconds", "0.002", "--array-size", "8MiB"] + arguments)
    }

    @Test func theReportIsOneObjectWithItsUnits() throws {
        let outcome = try peak("xor.yaml", "--json", "--workers", "2")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try outcome.events().count == 1)
        let report = try outcome.lastEvent()
        #expect(
            Set(report.keys) == [
                "cpu", "blas", "workers", "placement", "rounds", "seconds_per_figure", "ceilings", "large_products",
                "openblas_core_types", "openblas_advice", "bandwidths", "array_bytes", "latencies", "product_precision",
                "product_provider", "products", "products_gflops", "product_ceiling_gflops", "other_work_fraction",
                "cache_path",
            ])
        let ceilings = try objects(report["ceilings"], unit: "gflops")
        let instructions = ArithmeticInstructions.inUse(by: .builtin).rawValue
        #expect(
            ceilings.map { "\($0["precision"]!) \($0["instructions"]!) \($0["workers"]!)" }.prefix(4) == [
                "float32 \(instructions) 1", "float32 \(instructions) 2", "float64 \(instructions) 1",
                "float64 \(instructions) 2",
            ])
        #expect(ceilings.dropFirst(4).allSatisfy { $0["precision"] as? String == "bfloat16" })
        let large = try objects(report["large_products"], unit: "gflops")
        #expect(
            large.map { "\($0["provider"]!) \($0["precision"]!) \($0["workers"]!)" } == [
                "builtin float32 1", "builtin float32 2", "openblas float32 1", "openblas float32 2",
                "builtin float64 1", "builtin float64 2", "openblas float64 1", "openblas float64 2",
            ])
        for product in large {
            let speed = try #require(product["gflops"] as? Double)
            let ceiling = try #require(product["ceiling_gflops"] as? Double)
            let fraction = try #require(product["ceiling_fraction"] as? Double)
            #expect(abs(fraction - speed / ceiling) < 1e-12 && fraction <= 1)
        }
        let bandwidths = try objects(report["bandwidths"], unit: "gigabytes_per_second")
        #expect(
            bandwidths.map { "\($0["traffic"]!) \($0["bytes_per_element"]!) \($0["workers"]!)" } == [
                "copy 8 1", "copy 8 2", "update 12 1", "update 12 2",
            ])
        let latencies = try objects(report["latencies"], unit: "microseconds").map { $0["kind"] as? String }
        #expect(report["array_bytes"] as? Int == 8 << 20)
        // Where two workers cannot run at the same time, there is no barrier between them.
        #expect(latencies.suffix(2) == ["fork_join", "region"] && latencies.count <= 3)
        let products = try objects(report["products"], unit: "one_worker_gflops")
        _ = try objects(report["products"], unit: "all_workers_gflops")
        // Four samples are one shard: the other worker has none.
        #expect(
            products.map { "\($0["layer"]!) \($0["kind"]!) \($0["calls_per_step"]!)" } == [
                "layer1 forward 1", "layer1 gradient 1", "layer2 forward 1", "layer2 backward 1",
                "layer2 gradient 1",
            ])
        #expect(products[0]["rows"] as? Int == 4 && products[0]["columns"] as? Int == 2)
        let plans = try products.map { try #require($0["plan"] as? [String: Any]) }
        #expect(plans.allSatisfy { $0["backend"] as? String == report["product_provider"] as? String })
        #expect(plans.allSatisfy { $0["kernel"] is String })
        #expect(products[4]["rows"] as? Int == 1 && products[4]["inner"] as? Int == 4)
        #expect(report["product_precision"] as? String == "float64")
    }

    @Test func everyProductHasItsPlan() throws {
        func plans(_ backend: String) throws -> [[String: Any]] {
            let report = try peak("xor.yaml", "--json", "--workers", "1", "--set", "parallel.gemm=\(backend)")
                .lastEvent()
            return try #require(report["products"] as? [[String: Any]]).map {
                try #require($0["plan"] as? [String: Any])
            }
        }
        for plan in try plans("builtin") {
            #expect(plan["backend"] as? String == "builtin" && plan["tuning"] is String)
            // Four samples are few, and all of one panel.
            guard let kernel = plan["kernel"] as? String, kernel != "dot" else { continue }
            #expect(kernel == "tiles" || kernel == "transposed_tiles")
            #expect(try (1...14).contains(#require(plan["tile_rows"] as? Int)))
            #expect(try (1...4).contains(#require(plan["row_block"] as? Int)))
            #expect(try (1...4).contains(#require(plan["inner_block"] as? Int)))
            #expect(plan["prefetches"] as? [String] == [])
        }
        for plan in try plans("openblas") {
            #expect(Set(plan.keys) == ["backend", "kernel"])
            #expect(plan["backend"] as? String == "openblas" && plan["kernel"] as? String == "library")
        }
    }

    /// The entries of a list, after a look at their figures.
    private func objects(_ list: Any?, unit: String) throws -> [[String: Any]] {
        let objects = try #require(list as? [[String: Any]])
        for object in objects {
            let median = try #require(object[unit] as? Double)
            #expect(median > 0 && median < 1e6)
            #expect(try #require(object[unit + "_lowest"] as? Double) <= median)
            #expect(try #require(object[unit + "_highest"] as? Double) >= median)
        }
        return objects
    }

    @Test func tablesAreForPeople() throws {
        let outcome = try peak("xor.yaml", "--workers", "1", "--precision", "float32")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        for pattern in [
            #".+, 1 worker on CPU \d+"#, #"arithmetic peak +workers +median +lowest–highest"#,
            #"float32, (SSE2|NEON|AVX2|AVX-512) +1 +\d.* +\d.*–\d.*"#,
            #"products of 512 × 512 +workers +median +lowest–highest  of the peak"#,
            #"float32, built-in kernels +1 +\d.* +\d.*–\d.* %"#,
            #"float32, OpenBLAS .+ \(.+\) +1 +\d.* +\d.*–\d.* %"#,
            #"memory, .+ an array +workers +median +lowest–highest"#,
            #"copy: reads 4, writes 4 bytes an element +1 .+"#, #"layer2  backward +1 +4 × 2 × 1  .+ .+ %"#,
            #"All products of a step, float32, by .+: .+ GFLOP/s, .+ % of the arithmetic peak"#,
            #"Kept for trainings, the highest of all measurements, in .+"#,
        ] {
            let line = try Regex(pattern)
            #expect(
                outcome.output.split(separator: "\n").contains { $0.wholeMatch(of: line) != nil }, "\(pattern)")
        }
        #expect(!outcome.output.contains("float64, ") && !outcome.output.contains("barrier"))
    }

    // MARK: The cache

    private var cacheFile: URL { URL(fileURLWithPath: workplace.cachePath + "/gradloom/ceilings.json") }

    private func ceiling(_ environment: [String: String] = [:]) throws -> (gflops: Double, isCached: Bool) {
        let outcome = try workplace.start(["train", "xor.yaml", "--json"], environment: environment).wait()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let run = try outcome.events()[0]
        return (
            try #require(run["ceiling_gflops"] as? Double), try #require(run["ceiling_cached"] as? Bool)
        )
    }

    /// What the cache has, as if others had so much of the cores when it was measured: tests run at the same time.
    private func rewriteCache(others: String, gflops: String? = nil) throws {
        var text = try String(contentsOf: cacheFile, encoding: .utf8)
        text.replace(/"other_work_fraction" : [0-9.e+-]+/, with: "\"other_work_fraction\" : \(others)")
        if let gflops { text.replace(/"gflops" : [0-9.e+-]+/, with: "\"gflops\" : \(gflops)") }
        try Data(text.utf8).write(to: cacheFile)
    }

    @Test func whatOthersDisturbedIsMeasuredAgain() throws {
        let first = try ceiling()
        try rewriteCache(others: "0.5")
        let second = try ceiling()
        #expect(!second.isCached && second.gflops >= first.gflops)
    }

    @Test func trainingsShareOneCeiling() throws {
        let first = try ceiling()
        #expect(!first.isCached)
        try rewriteCache(others: "0")
        let second = try ceiling()
        #expect(second.isCached && second.gflops == first.gflops)
        // peak measures anew, and the higher figure counts, for it and for trainings.
        let report = try peak("xor.yaml", "--json", "--precision", "float64").lastEvent()
        try rewriteCache(others: "0")
        #expect(report["cache_path"] as? String == cacheFile.path)
        let measured = try #require(report["product_ceiling_gflops"] as? Double)
        #expect(measured >= first.gflops)
        let third = try ceiling()
        #expect(third.isCached && third.gflops == measured)
    }

    /// A ceiling from a bad moment, or from another machine with the same name.
    @Test func aCeilingThatIsTooLowIsCorrected() throws {
        _ = try ceiling()
        try rewriteCache(others: "0", gflops: "1e-9")
        let outcome = try workplace.run("train", "xor.yaml")
        #expect(outcome.exitCode == 0)
        #expect(outcome.output.contains(/note: faster than the arithmetic peak of .+ GFLOP\/s that was known before/))
        let share = try #require(outcome.output.firstMatch(of: /GFLOP\/s .*, ([0-9.]+) % of the arithmetic peak/))
        #expect(try #require(Double(share.1)) <= 100)
        // Kept for the next one, and the events agree with each other.
        try rewriteCache(others: "0", gflops: "1e-9")
        let events = try workplace.run("train", "xor.yaml", "--json").events()
        #expect(events[0]["ceiling_gflops"] as? Double == 1e-9)
        let done = try #require(events.last)
        let raised = try #require(done["ceiling_gflops"] as? Double)
        #expect(raised > 1e-9)
        let fraction = try #require(done["ceiling_fraction"] as? Double)
        let speed = try #require(done["gflops"] as? Double)
        #expect(fraction <= 1 && abs(speed / raised - fraction) < 1e-12)
        try rewriteCache(others: "0")
        let next = try ceiling()
        #expect(next.isCached && next.gflops == raised)
    }

    // MARK: OpenBLAS's kernels

    @Test func otherKernelsAreMeasuredBeforeTheyAreAdvised() throws {
        let outcome = try workplace.start(
            [
                "peak", "--seconds", "0.01", "--array-size", "8MiB", "--precision", "float32", "--workers", "1",
                "--json",
            ],
            environment: ["OPENBLAS_CORETYPE": "Prescott"]
        ).wait()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let report = try outcome.lastEvent()
        let types = try #require(report["openblas_core_types"] as? [[String: Any]])
        guard let first = types.first else { return }
        #expect(first["variable"] as? String == "Prescott")
        #expect(types.dropFirst().contains { $0["variable"] is NSNull })
        let speeds = types.map { $0["gflops"] as? Double ?? 0 }
        #expect(speeds.allSatisfy { $0 > 0 })
        let advice = report["openblas_advice"] as? String
        let honoured = types.filter { type in
            guard let variable = type["variable"] as? String else { return true }
            return variable.lowercased() == (type["core"] as? String)?.lowercased()
        }
        // A build for one processor has no others; what is asked for must have reached the process that measures.
        if BLASRuntime.current().configuration.contains("DYNAMIC_ARCH"), first["core"] as? String == "Prescott",
            MachineDescription.processorFlags().isSuperset(of: ["avx2", "fma"])
        {
            #expect(honoured.contains { $0["core"] as? String == "Haswell" })
        }
        let fastest = honoured.dropFirst().map { $0["gflops"] as? Double ?? 0 }.max() ?? 0
        #expect((advice != nil) == (first["core"] as? String == "Prescott" && fastest >= 1.1 * speeds[0]))
    }

    /// Nobody is told of a library that does not multiply.
    @Test func aTrainingSpeaksOfOpenBLASOnlyWhereItMultiplies() throws {
        let environment = ["OPENBLAS_CORETYPE": "Prescott"]
        let own = try workplace.start(
            ["train", "xor.yaml", "--set", "parallel.gemm=builtin"], environment: environment
        ).wait()
        #expect(own.exitCode == 0 && !(own.errors + own.output).contains("OpenBLAS"))
        let library = try workplace.start(
            ["train", "xor.yaml", "--set", "parallel.gemm=openblas"], environment: environment
        ).wait()
        #expect(library.errors.contains(/note: OpenBLAS .+ multiplies, with its .+ kernels; gradloom peak measures/))
    }

    @Test(arguments: ["", "{\"format\": 99, \"entries\": []}", "[1, 2]", "\u{0}\u{1}"])
    func aForeignFileIsMeasuredAgain(contents: String) throws {
        try FileManager.default.createDirectory(
            at: cacheFile.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(contents.utf8).write(to: cacheFile)
        let measured = try ceiling()
        #expect(!measured.isCached)
        try rewriteCache(others: "0")
        let kept = try ceiling()
        #expect(kept.isCached && kept.gflops == measured.gflops)
    }

    @Test func aHomeThatCannotBeWrittenDoesNotHurt() throws {
        // A file where a directory is wanted refuses even the superuser.
        try workplace.write("", to: "file")
        let environment = ["XDG_CACHE_HOME": workplace.url("file").path]
        #expect(try !ceiling(environment).isCached)
        #expect(try !ceiling(environment).isCached)
        let outcome = try workplace.start(
            ["peak", "--seconds", "0.001", "--array-size", "8MiB", "--precision", "float32"], environment: environment
        ).wait()
        #expect(outcome.exitCode == 0)
        #expect(outcome.output.hasSuffix("\nNot kept for trainings: the cache cannot be written.\n"))
    }

    // MARK: Mistakes

    @Test(arguments: ["8XB", "MiB", "1KiB", "1e3GB", "-8MiB", "2000GB", "nan"])
    func sizesAreUnderstoodOrRefused(size: String) throws {
        let outcome = try peak("--array-size=\(size)")
        #expect(outcome.exitCode == 64)
        #expect(
            outcome.errors.hasPrefix("error: The value '\(size)' is invalid for '--array-size <size>'"),
            "\(outcome.errors)")
    }

    static let mistakes = Mistake.ofConfigurations(command: "peak")

    @Test(arguments: mistakes) func mistakesAreExplained(mistake: Mistake) throws {
        try mistake.check(in: Workplace())
    }
}
