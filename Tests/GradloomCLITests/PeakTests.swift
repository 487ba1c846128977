import Foundation
import Testing

@Suite struct PeakTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try workplace.write(SampleData.xor, to: "xor.yaml")
    }

    private func peak(_ arguments: String...) throws -> Outcome {
        try workplace.run(["peak", "--seconds", "0.002"] + arguments)
    }

    @Test func theReportIsOneObjectWithItsUnits() throws {
        let outcome = try peak("xor.yaml", "--json", "--workers", "2")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try outcome.events().count == 1)
        let report = try outcome.lastEvent()
        #expect(
            Set(report.keys) == [
                "cpu", "blas", "workers", "placement", "rounds", "seconds_per_figure", "ceilings", "bandwidths",
                "array_bytes", "latencies", "product_precision", "product_provider", "products", "products_gflops",
                "other_work_fraction", "cache_path",
            ])
        let ceilings = try objects(report["ceilings"], unit: "gflops")
        #expect(
            ceilings.map { "\($0["precision"]!) \($0["workers"]!)" } == [
                "float32 1", "float32 2", "float64 1", "float64 2",
            ])
        let bandwidths = try objects(report["bandwidths"], unit: "gigabytes_per_second")
        #expect(
            bandwidths.map { "\($0["traffic"]!) \($0["bytes_per_element"]!) \($0["workers"]!)" } == [
                "copy 8 1", "copy 8 2", "update 12 1", "update 12 2",
            ])
        let latencies = try objects(report["latencies"], unit: "microseconds").map { $0["kind"] as? String }
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
            #".+, OpenBLAS .+ \(.+\), 1 worker on CPU \d+"#, #"products of 512 × 512  workers +median +lowest–highest"#,
            #"SGEMM +1 +\d.* +\d.*–\d.*"#, #"memory, .+ an array +workers +median +lowest–highest"#,
            #"copy: reads 4, writes 4 bytes an element +1 .+"#, #"layer2  backward +1 +4 × 2 × 1  .+ .+ %"#,
            #"All products of a step, float32, by .+: .+ GFLOP/s, .+ % of the ceiling"#, #"Kept for trainings in .+"#,
        ] {
            let line = try Regex(pattern)
            #expect(
                outcome.output.split(separator: "\n").contains { $0.wholeMatch(of: line) != nil }, "\(pattern)")
        }
        #expect(!outcome.output.contains("DGEMM") && !outcome.output.contains("barrier"))
    }

    // MARK: The cache

    private var cacheFile: URL { URL(fileURLWithPath: workplace.cachePath + "/gradloom/ceilings.json") }

    private func ceiling(_ environment: [String: String] = [:]) throws -> (gflops: Double, isCached: Bool) {
        let outcome = try workplace.start(["train", "xor.yaml", "--json"], environment: environment).wait()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let blas = try #require(try outcome.events()[0]["blas"] as? [String: Any])
        return (
            try #require(blas["ceiling_gflops"] as? Double), try #require(blas["ceiling_cached"] as? Bool)
        )
    }

    @Test func trainingsShareOneCeiling() throws {
        let first = try ceiling()
        #expect(!first.isCached)
        let second = try ceiling()
        #expect(second.isCached && second.gflops == first.gflops)
        // Other workers are another ceiling; peak measures anew and replaces the old one.
        let report = try peak("xor.yaml", "--json").lastEvent()
        let measured = try objects(report["ceilings"], unit: "gflops").first { $0["precision"] as? String == "float64" }
        #expect(report["cache_path"] as? String == cacheFile.path)
        let third = try ceiling()
        #expect(third.isCached && third.gflops == measured?["gflops_highest"] as? Double)
    }

    @Test(arguments: ["", "{\"format\": 99, \"entries\": []}", "[1, 2]", "\u{0}\u{1}"])
    func aForeignFileIsMeasuredAgain(contents: String) throws {
        try FileManager.default.createDirectory(
            at: cacheFile.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(contents.utf8).write(to: cacheFile)
        #expect(try !ceiling().isCached)
        #expect(try ceiling().isCached)
    }

    @Test func aHomeThatCannotBeWrittenDoesNotHurt() throws {
        // A file where a directory is wanted refuses even the superuser.
        try workplace.write("", to: "file")
        let environment = ["XDG_CACHE_HOME": workplace.url("file").path]
        #expect(try !ceiling(environment).isCached)
        #expect(try !ceiling(environment).isCached)
        let outcome = try workplace.start(
            ["peak", "--seconds", "0.001", "--precision", "float32"], environment: environment
        ).wait()
        #expect(outcome.exitCode == 0)
        #expect(outcome.output.hasSuffix("\nNot kept for trainings: the cache cannot be written.\n"))
    }

    // MARK: Mistakes

    static let mistakes = [
        Mistake(
            name: "no such configuration", arguments: ["peak", "none.yaml"], exitCode: 66,
            message: "error: none.yaml: there is no such file"),
        Mistake(
            name: "a configuration that cannot be trained", arguments: ["peak", "a.yaml"],
            files: ["a.yaml": SampleData.xor.replacing("tanh", with: "threshold")], exitCode: 78,
            message: """
                error: a.yaml: network.layers.0.activation: layer 'layer1' cannot be trained: the derivative of \
                threshold is 0 almost everywhere, so no gradient passes it; train with sigmoid or tanh
                """),
    ]

    @Test(arguments: mistakes) func mistakesAreExplained(mistake: Mistake) throws {
        try mistake.check(in: Workplace())
    }
}
