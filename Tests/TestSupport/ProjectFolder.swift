import Foundation

/// Where the project's own files are.
public enum ProjectFolder {
    /// The folder of `Package.swift`.
    public static let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The path of what lies at `path` in it.
    public static func path(_ path: String) -> String { url.appendingPathComponent(path).path }

    /// The configurations of `configs/` and `configs/seeds/`, relative to it.
    public static let configurations: [String] = ["configs", "configs/seeds"].flatMap { folder in
        let names = try! FileManager.default.contentsOfDirectory(atPath: path(folder))
        return names.filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
    }
}
