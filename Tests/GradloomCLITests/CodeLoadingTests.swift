import Foundation
import TestSupport
import Testing

/// What is read is data: nothing of it is executed or loaded as code.
@Suite struct CodeLoadingTests {
    /// Functions that start programs or load code. Three files do so: two start the program itself, with another environment
    /// and as a training of a sweep, and one loads HDF5's library by the names that it is installed under.
    @Test func nothingStartsProgramsOrLoadsCode() throws {
        let sources = ProjectFolder.url.appendingPathComponent("Sources")
        let files = try FileManager.default.subpathsOfDirectory(atPath: sources.path).filter {
            $0.hasSuffix(".swift") || $0.hasSuffix(".c") || $0.hasSuffix(".h")
        }
        #expect(files.count > 200)
        let function = /\b(dlopen|dlmopen|system|popen|exec[lv]p?e?|posix_spawnp?|fork|vfork|Process|Bundle)\(/
        let found = try files.filter {
            try String(contentsOf: sources.appendingPathComponent($0), encoding: .utf8).contains(function)
        }
        let starters = ["GradloomCLI/CoreTypeSearch.swift", "GradloomCLI/SweepTraining.swift"]
        #expect(found.sorted() == starters + ["LoomData/Formats/HDF5Library.swift"])
        let library = try String(
            contentsOf: sources.appendingPathComponent("LoomData/Formats/HDF5Library.swift"), encoding: .utf8)
        #expect(library.matches(of: /dlopen\(/).count == 1 && library.contains("for name in names {\n"))
        for file in starters {
            let text = try String(contentsOf: sources.appendingPathComponent(file), encoding: .utf8)
            #expect(text.matches(of: /executableURL =/).count == 1)
            #expect(text.contains("process.executableURL = Bundle.main.executableURL\n"))
        }
    }

    /// Tags with which YAML readers of other languages make objects.
    @Test(arguments: [
        "!!python/object/apply:os.system [touch made]", "!ruby/object:Gem::Installer {i: x}", "!!binary eA==",
    ])
    func tagsMakeNothing(value: String) throws {
        let workplace = try Workplace()
        try workplace.write(SampleData.xor + "run: {directory: \(value)}\n", to: "xor.yaml")
        let outcome = try workplace.run("train", "xor.yaml", "--quiet")
        #expect(outcome.exitCode == 0 || outcome.exitCode == 78, "\(outcome.errors)")
        #expect(try !workplace.names().contains("made"))
    }
}
