import Foundation
import LoomHardware
import LoomKernels
import TestSupport
import Testing

@testable import GradloomCLI

/// What `--version` says about the program, against the program.
@Suite struct VersionTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    /// The first line, and the others by their names.
    private func report(_ arguments: String...) throws -> (title: String, rows: [String: String]) {
        let outcome = try workplace.run(arguments)
        #expect(outcome.exitCode == 0)
        #expect(outcome.errors == "")
        #expect(outcome.output.hasSuffix("\n") && !outcome.output.hasSuffix("\n\n"))
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let rows = try lines.dropFirst().map { line in
            let row = try #require(line.wholeMatch(of: /([a-z0-9]+(?: [a-z]+)?)  +(\S.*)/), "\(line)")
            return (String(row.1), String(row.2))
        }
        return (String(lines[0]), try Dictionary(rows) { _, _ in throw RepeatedRow() })
    }

    private struct RepeatedRow: Error {}

    @Test(arguments: [["--version"], ["train", "--version"], ["profile", "compare", "--version"]])
    func theFirstLineNamesVersionAndCommit(arguments: [String]) throws {
        let outcome = try workplace.run(arguments)
        let title = try #require(outcome.output.split(separator: "\n").first)
        let parts = try #require(
            title.wholeMatch(of: /gradloom (\d+\.\d+\.\d+)(?: \(([0-9a-f]{7,40})(?:-modified)?, \d{4}-\d\d-\d\d\))?/),
            "\(title)")
        #expect(parts.1 == GradloomCommand.version)
        // Tests and program are of one build.
        let commit: Substring? = VersionReport.current().commit.map { name in name.prefix { $0.isHexDigit } }
        #expect(parts.2 == commit)
    }

    @Test func aCommitStandsBehindTheVersion() {
        let report = VersionReport(commit: "d2bd645-modified, 2026-11-29", rows: [("products", "builtin")])
        #expect(
            report.text == "gradloom \(GradloomCommand.version) (d2bd645-modified, 2026-11-29)\nproducts  builtin")
        #expect(VersionReport(commit: nil, rows: []).text == "gradloom \(GradloomCommand.version)")
    }

    @Test func theRowsAreTrue() throws {
        let rows = try report("--version").rows
        #expect(
            Set(rows.keys) == [
                "build", "system", "processor", "instruction sets", "bfloat16", "libraries", "products", "precisions",
                "reads", "writes",
            ])

        let sets = try #require(
            rows["instruction sets"]?.wholeMatch(of: /kernels for (.*); this machine has (.*); in use: (.*)/))
        func names(_ sets: [InstructionSet]) -> String { sets.map(\.rawValue).joined(separator: ", ") }
        #expect(sets.1 == names(InstructionSet.compiled))
        #expect(sets.2 == names(InstructionSet.allCases.filter(\.isSupported)))
        // The program takes the widest vectors.
        #expect(sets.3 == InstructionSet.allCases.last(where: \.isSupported)?.rawValue ?? "")
    }

    @Test func theLibrariesAreThoseThatAreLoaded() throws {
        let libraries = try #require(try report("--version").rows["libraries"])
        let blas = BLASRuntime.current()
        #expect(
            libraries.hasPrefix("\(blas.version) (\(blas.coreName), \(blas.parallelism.rawValue)), hwloc interface 2."))
        #expect(
            libraries.contains(/, libcrypto \d+\.\d+\.\d+[^,]*, ISA-L \d+\.\d+\.\d+, (HDF5 \d+\.\d+\.\d+|no HDF5)$/))
        #expect(libraries.contains("libcrypto \(SHA256.libraryVersion),"))
        let reads = try #require(try report("--version").rows["reads"])
        #expect(reads.contains("hdf5") == !libraries.hasSuffix("no HDF5"))
    }

    @Test func theArticleShowsTheSameRows() throws {
        let article = try String(
            contentsOfFile: ProjectFolder.path("Sources/Gradloom/Gradloom.docc/Installing.md"), encoding: .utf8)
        let block = try #require(article.firstMatch(of: /```\n(gradloom \d[^`]*)\n```/)).1
        let names = block.split(separator: "\n").dropFirst().map { $0.prefix(16).trimmingCharacters(in: .whitespaces) }
        #expect(names == VersionReport.current().rows.map(\.name))
    }
}
