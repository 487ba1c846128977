import Foundation
import Gradloom
import Testing

/// README and articles against the code that they describe.
@Suite struct DocumentationTests {
    // MARK: Configuration reference

    @Test func readmeListsEveryKeyOfTheConfiguration() {
        let documented = Document.readme.keyRows
        #expect(Set(documented.map(\.path)).count == documented.count, "no key has two rows")
        let rows = Dictionary(documented.map { ($0.path, $0.text) }, uniquingKeysWith: { first, _ in first })
        for key in Configuration.reference {
            #expect(rows[key.path] == key.readmeRow, "README.md needs the row:\n\(key.readmeRow)")
        }
        let keys = Set(Configuration.reference.map(\.path))
        for row in documented {
            #expect(keys.contains(row.path), "README.md has a row for \(row.path), but there is no such key")
        }
    }

    @Test func readmeConfigurationReads() throws {
        let yaml = try #require(Document.readme.blocks(language: "yaml").first)
        let configuration = try Configuration(yaml: yaml, file: "README.yaml")
        try configuration.validateForTraining()
        #expect(configuration.network.layers.map(\.units) == [32, 3])
    }

    // MARK: Samples

    @Test func librarySampleTrains() throws {
        let accuracy = try LibrarySample.train()
        #expect(accuracy > 0.95)
    }

    @Test(arguments: ["README.md", "Sources/Gradloom/Gradloom.docc/LibraryTour.md"])
    func documentedSampleIsTheCompiledOne(path: String) throws {
        let block = try #require(Document(path).blocks(language: "swift").first)
        let compiled = try Document("Tests/LoomExperimentsTests/DocumentationTests.swift").markedSample
        #expect(block == "import Gradloom\n\n" + compiled)
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

/// The sample of README.md, as it stands there between the marks.
private enum LibrarySample {
    /// Trains as the sample does; returns the validation accuracy at the end.
    static func train() throws -> Double {
        // sample begins
        var training = TrainingSettings()
        training.batch = 64
        training.epochs = 30

        let configuration = Configuration(
            data: DataDescription(
                source: .synthetic(SyntheticDescription(task: .spirals, samples: 4_000)),
                validation: .split(fraction: 0.2, stratified: true, seed: 1)),
            network: NetworkSettings(
                layers: [
                    LayerDescription(name: "hidden", units: 32, activation: .tanh),
                    LayerDescription(name: "output", units: 2),
                ],
                output: .softmax),
            optimizer: OptimizerDescription(kind: .adam, learningRate: 0.01),
            training: training)

        let machine = try MachineSetup(workers: nil, policy: .auto)
        let experiment = try Experiment<Float>(configuration, machine: machine)
        let result = try experiment.train(checkpoints: nil) { event in
            if case .epochEnded(let epoch) = event {
                print(epoch.epoch + 1, epoch.training.loss, epoch.validation?.accuracy ?? 0)
            }
        }
        print(result.samplesPerSecond, experiment.trainer.parameters.hash)
        // sample ends
        return result.epochs.last?.validation?.accuracy ?? 0
    }
}

extension KeyReference {
    /// The key's row in the tables of README.md.
    fileprivate var readmeRow: String {
        let value = isRequired ? "**required**" : defaultValue ?? "–"
        return "| `\(path)` | \(type) | \(value) | \(description) |"
    }
}

/// A text of the project.
struct Document: Sendable, CustomTestStringConvertible {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let readme = try! Document("README.md")

    /// README.md, CHANGELOG.md and the articles.
    static let all: [Document] = {
        let catalogue = "Sources/Gradloom/Gradloom.docc"
        let names = try! FileManager.default.contentsOfDirectory(
            atPath: root.appendingPathComponent(catalogue).path)
        let articles = names.filter { $0.hasSuffix(".md") }.sorted().map { "\(catalogue)/\($0)" }
        return (["README.md", "CHANGELOG.md"] + articles).map { try! Document($0) }
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

    var directory: URL { Self.root.appendingPathComponent(path).deletingLastPathComponent() }

    /// The contents of the fenced blocks of `language`.
    func blocks(language: String) -> [String] {
        text.matches(of: /(?m)^```(\w+)\n((?s:.*?))^```$/).filter { $0.1 == language }.map { String($0.2) }
    }

    /// The rows of the configuration reference.
    var keyRows: [(path: String, text: String)] {
        text.matches(of: /(?m)^\| `([a-z][a-z0-9_]*(?:\.[A-Za-z0-9_]+)*)` \|.*\|.*\|.*\|$/)
            .map { (String($0.1), String($0.0)) }
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

    /// What stands between the marks of the compiled sample, without its indentation.
    var markedSample: String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let marks = lines.indices.filter {
            lines[$0].hasSuffix("// sample begins") || lines[$0].hasSuffix("// sample ends")
        }
        let indentation = lines[marks[0]].prefix { $0 == " " }.count
        return lines[marks[0] + 1..<marks[1]].map { $0.dropFirst(indentation) + "\n" }.joined()
    }
}
