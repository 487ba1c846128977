import Foundation
import TestSupport
import Testing

/// What `import Gradloom` shows.
@Suite struct PublicTypesTests {
    private static var declaration: Regex<(Substring, Substring, Substring)> {
        #/^( *)(?:@frozen )?(?:public (?:final |indirect )*)(?:struct|class|enum|protocol|actor|typealias) (\w+)/#
    }

    /// The files of a module.
    private static func files(_ module: String) throws -> [String] {
        let folder = ProjectFolder.url.appendingPathComponent("Sources/\(module)")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        return try (files?.allObjects as? [URL] ?? []).filter { $0.pathExtension == "swift" }.map {
            try String(contentsOf: $0, encoding: .utf8)
        }
    }

    /// The public types of a module, each with those that it is inside of.
    private static func types(_ module: String) throws -> [(name: String, outermost: String)] {
        var types: [(String, String)] = []
        for file in try files(module) {
            var outermost = ""
            for line in file.split(separator: "\n") {
                if let top = line.firstMatch(of: #/^(?:[a-z@]\w* )*(?:struct|class|enum|protocol|extension) (\w+)/#) {
                    outermost = String(top.1)
                }
                guard let type = line.firstMatch(of: declaration) else { continue }
                types.append((String(type.2), type.1.isEmpty ? String(type.2) : outermost))
            }
        }
        return types
    }

    @Test func aReaderCanKnowThemAll() throws {
        let exports = try Document("Sources/Gradloom/Exports.swift").text.matches(
            of: #/@_exported import \w+ (\w+)\.(\w+)\n/#
        ).map { (module: String($0.1), name: String($0.2)) }
        var shown = try Self.types("Gradloom").map(\.name)
        for (module, exported) in Dictionary(grouping: exports, by: \.module) {
            let names = Set(exported.map(\.name))
            shown += try Self.types(module).filter { names.contains($0.outermost) }.map(\.name)
        }
        #expect(exports.count > 50 && shown.count > exports.count, "nothing was counted")
        #expect(shown.count <= 150, "\(shown.count) public types: \(shown.sorted())")
    }
}
