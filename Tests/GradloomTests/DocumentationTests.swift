import Foundation
import GradloomInternals
import TestSupport
import Testing

/// README and articles against the code that they describe.
@Suite struct DocumentationTests {
    // MARK: Configuration reference

    /// `make reference` writes the tables.
    @Test func theReferenceListsEveryKeyOfTheConfiguration() throws {
        let article = Document.configurationReference
        let tables = Configuration.referenceTables
        let introduction = try #require(article.text.components(separatedBy: "\n## data\n").first)
        if ProcessInfo.processInfo.environment["GRADLOOM_WRITE_REFERENCE"] != nil {
            try (introduction + "\n" + tables).write(to: article.url, atomically: true, encoding: .utf8)
            return
        }
        let documented = Set(article.text.split(separator: "\n"))
        for key in Configuration.reference {
            #expect(documented.contains(key.row[...]), "\(article.path) needs the row:\n\(key.row)")
        }
        #expect(article.text == introduction + "\n" + tables, "write it again with make reference")
    }

    @Test func readmeConfigurationReads() throws {
        let yaml = try #require(Document.readme.blocks(language: "yaml").first)
        let configuration = try Configuration(yaml: yaml, file: "README.yaml")
        try configuration.validateForTraining()
        #expect(configuration.network.layers.map(\.units) == [32, 3])
    }

    // MARK: Measurements

    /// The article on the architecture is written around the program of the quickstart's step.
    @Test func theDocumentedProgramIsThatOfTheQuickstart() throws {
        let configuration = try Configuration.load(
            path: ProjectFolder.path("configs/quickstart.yaml"), overrides: ["data.synthetic.samples=10_000"])
        guard configuration.parallel.gemmBackend == .builtin else { return }
        let step = try configuration.plannedStep(on: MachineSetup(workers: 2, policy: .none))
        let article = try Document("Sources/Gradloom/Gradloom.docc/Architecture.md").text
        #expect(article.contains("```\n\(step.text)```\n"), "\(step.text)")
    }

    /// The products in the output of `peak` are those of today's plan.
    @Test func documentedProductsAreThePlans() throws {
        let configuration = try Configuration.load(
            path: ProjectFolder.path("configs/quickstart.yaml"), overrides: ["data.synthetic.samples=10_000"])
        // OpenBLAS, where there are no vectors, has shapes of its own.
        guard configuration.parallel.gemmBackend == .builtin else { return }
        let planned = try configuration.plannedStep(on: MachineSetup(workers: 2, policy: .none)).products.map {
            product in
            let shape = product.shape
            return "\(product.layer) \(shape.role) \(product.callsPerStep) "
                + "\(shape.rows) × \(shape.columns) × \(shape.inner)"
        }
        let documented = try Document("Sources/Gradloom/Gradloom.docc/Measurements.md").text
            .matches(of: #/(?m)^(\w+) +(forward|backward|gradient) +(\d+) +(\d+ × \d+ × \d+) /#)
            .map { "\($0.1) \($0.2) \($0.3) \($0.4)" }
        #expect(documented == planned)
    }

    // MARK: Names

    @Test(arguments: Document.all)
    func linksLeadToFiles(document: Document) {
        for target in document.relativeLinks {
            // Articles name an image without its folder and its type.
            let places = [target, "Resources/\(target).svg"].map {
                document.directory.appendingPathComponent($0).path
            }
            #expect(
                places.contains { FileManager.default.fileExists(atPath: $0) },
                "\(document.path) links to \(target)")
        }
    }

    @Test(arguments: Document.all)
    func namedSourceFilesExist(document: Document) {
        let files = Document.sourceFiles
        for name in document.namedSourceFiles {
            #expect(files.contains(name), "\(document.path) names \(name)")
        }
    }
}

extension Configuration {
    /// The tables of the reference: one for each section.
    fileprivate static var referenceTables: String {
        var sections: [(name: Substring, rows: [String])] = []
        for key in reference {
            let name = key.path.prefix { $0 != "." }
            if sections.last?.name != name { sections.append((name, [])) }
            sections[sections.count - 1].rows.append(key.row)
        }
        let head = "| key | value | default | meaning |\n|---|---|---|---|\n"
        return sections.map { "## \($0.name)\n\n" + head + $0.rows.joined(separator: "\n") + "\n" }
            .joined(separator: "\n")
    }
}

extension KeyReference {
    /// The key's row in a table of the reference.
    fileprivate var row: String {
        let value = isRequired ? "**required**" : defaultValue ?? "–"
        return "| `\(path)` | \(type) | \(value) | \(description) |"
    }
}

/// A text of the project.
struct Document: Sendable, CustomTestStringConvertible {
    static let root = ProjectFolder.url
    static let readme = try! Document("README.md")
    static let configurationReference = try! Document("Sources/Gradloom/Gradloom.docc/ConfigurationReference.md")

    /// README.md, CHANGELOG.md, the page of the comparison, and the articles.
    static let all: [Document] = {
        let catalogue = "Sources/Gradloom/Gradloom.docc"
        let names = try! FileManager.default.contentsOfDirectory(
            atPath: root.appendingPathComponent(catalogue).path)
        let articles = names.filter { $0.hasSuffix(".md") }.sorted().map { "\(catalogue)/\($0)" }
        return (["README.md", "CHANGELOG.md", "Benchmarks/peers/README.md"] + articles).map { try! Document($0) }
    }()

    /// The names of all files with code, without their folders.
    static let sourceFiles: Set<String> = {
        let files = ["Sources", "Tests", "Benchmarks"].flatMap { folder in
            FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)?.allObjects ?? []
        }
        return Set(files.compactMap { ($0 as? String)?.split(separator: "/").last.map(String.init) })
    }()

    /// Relative to the root.
    let path: String
    let text: String

    init(_ path: String) throws {
        self.path = path
        text = try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
    }

    var testDescription: String { path }

    var url: URL { Self.root.appendingPathComponent(path) }

    var directory: URL { url.deletingLastPathComponent() }

    /// The contents of the fenced blocks of `language`.
    func blocks(language: String) -> [String] {
        text.matches(of: /(?m)^```(\w+)\n((?s:.*?))^```$/).filter { $0.1 == language }.map { String($0.2) }
    }

    /// The targets of links without a scheme, fragments left out.
    var relativeLinks: [String] {
        text.matches(of: /\]\(([^()\s]+)\)/).map { String($0.1) }
            .filter { !$0.contains("://") && !$0.hasPrefix("#") }
    }

    /// Every `Name.swift`, `name.c` and `name.h`, wherever it is named.
    var namedSourceFiles: Set<String> {
        Set(text.matches(of: /[A-Za-z][A-Za-z0-9_+]*\.(?:swift|c|h)\b/).map { String($0.0) })
    }

    /// What stands between the marks of each compiled sample, without its indentation.
    var markedSamples: [String] {
        text.matches(of: /(?m)^( *)\/\/ sample begins\n((?s:.*?))^ *\/\/ sample ends$/).map { sample in
            let lines = sample.2.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            return lines.map { $0.dropFirst(sample.1.count) + "\n" }.joined()
        }
    }
}
