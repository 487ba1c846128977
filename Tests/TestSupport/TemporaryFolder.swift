import Foundation

/// A folder that is removed with its last reference.
public final class TemporaryFolder: Sendable {
    private let url: URL

    /// A new folder among the temporary files.
    public init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("gradloom-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The path of `name` in it.
    public func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// The content of the file `name`.
    public func data(_ name: String) throws -> Data { try Data(contentsOf: url.appendingPathComponent(name)) }
}
