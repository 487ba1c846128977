import LoomConfiguration
import Testing

/// Keys with a new name: what worked keeps working, and says so.
@Suite struct FormerKeyTests {
    private static let yaml = """
        data: {synthetic: {task: teacher, samples: 100}}
        network: {layers: [{units: 10}], output: softmax}

        """

    private func read(
        _ parallel: String, overrides: [String] = []
    ) throws(ConfigurationError) -> (Configuration, notes: [String]) {
        var notes: [String] = []
        let configuration = try Configuration(yaml: Self.yaml + parallel, file: "a.yaml", overrides: overrides) {
            notes.append($0)
        }
        return (configuration, notes)
    }

    @Test func theFormerNameIsReadWithANote() throws {
        let (configuration, notes) = try read("parallel: {products: openblas}\n")
        #expect(configuration.parallel.gemm == .openBLAS)
        #expect(notes == ["a.yaml:3:12: parallel.products: is now called parallel.gemm, and still read"])
        #expect(configuration.yaml().contains("  gemm: openblas\n") && !configuration.yaml().contains("products"))
    }

    @Test(arguments: [("sliced", ParallelSettings.Route.partition), ("columns", .reduceScatter), ("auto", .automatic)])
    func formerValuesAreReadWithANote(former: String, route: ParallelSettings.Route) throws {
        let (configuration, notes) = try read("parallel: {gradient: \(former)}\n")
        #expect(configuration.parallel.route == route)
        #expect(notes.count == (former == "auto" ? 1 : 2) && notes[0].contains("is now called parallel.route"))
        if former != "auto" {
            #expect(notes[1].hasSuffix("parallel.route: '\(former)' is now called \(route.rawValue), and still read"))
        }
        #expect(try read("", overrides: ["parallel.gradient=\(former)"]).0.parallel.route == route)
    }

    @Test func theNewNameNeedsNoNote() throws {
        let (configuration, notes) = try read("parallel: {gemm: openblas}\n")
        #expect(configuration.parallel.gemm == .openBLAS && notes.isEmpty)
    }

    @Test func anOverrideByTheFormerNameReplacesTheNewOne() throws {
        let (configuration, notes) = try read("parallel: {gemm: openblas}\n", overrides: ["parallel.products=builtin"])
        #expect(configuration.parallel.gemm == .builtin)
        #expect(
            notes == [
                "--set parallel.products=builtin: parallel.products: is now called parallel.gemm, and still read"
            ])
    }

    @Test func anOverrideOfAllSettingsMayHaveTheFormerName() throws {
        let (configuration, notes) = try read(
            "parallel: {gemm: openblas}\n", overrides: ["parallel={products: builtin}"])
        #expect(configuration.parallel.gemm == .builtin && notes.count == 1)
    }

    @Test func bothNamesAreAMistake() {
        #expect {
            try read("parallel: {gemm: openblas, products: builtin}\n")
        } throws: {
            "\($0)"
                == "a.yaml:3:28: parallel.products: the former name of parallel.gemm, which is given, too; "
                + "remove one of them"
        }
    }

    @Test func aWrongValueIsAboutTheNewName() {
        #expect {
            try read("parallel: {products: mkl}\n")
        } throws: {
            "\($0)".hasPrefix("a.yaml:3:22: parallel.gemm: expected")
        }
    }
}
