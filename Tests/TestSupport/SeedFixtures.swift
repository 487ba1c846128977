import Foundation

/// The numbers of `Tests/Fixtures/seed-fixtures.json`: networks with every intermediate value, losses, gradients and
/// steps. `Tests/Fixtures/README.md` describes the file.
public struct SeedFixtures: Sendable {
    /// The file, read once.
    public static let shared = SeedFixtures()
    /// The tolerance that the file asks for.
    public static var tolerance: Tolerance { shared.tolerance }
    /// The tolerance of F3.18's losses after step 100, where rounding errors have grown.
    public static let lateTrajectoryTolerance = Tolerance(absolute: 0, relative: 1e-9)
    /// The dense networks, in the file's order.
    public static var denseBlocks: [DenseBlock] { shared.denseBlocks }
    /// The dense networks that can be trained: all but those with thresholds.
    public static var trainableBlocks: [DenseBlock] { shared.denseBlocks.filter { $0.training != nil } }

    /// The networks of vertices, in the file's order.
    public static var vertexBlocks: [VertexBlock] { shared.vertexBlocks }

    /// The whole file.
    public let root: JSONValue
    /// Every fixture's object by id.
    public let fixtures: [String: JSONValue]
    /// The ids in the file's order.
    public let ids: [String]
    private let tolerance: Tolerance
    private let denseBlocks: [DenseBlock]
    private let vertexBlocks: [VertexBlock]

    private init() {
        let path = ProjectFolder.url.appendingPathComponent("Tests/Fixtures/seed-fixtures.json")
        do {
            root = try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: path))
        } catch {
            fatalError("cannot read \(path.path): \(error)")
        }
        guard root["format"]?.string == "seed-fixtures/1",
            let absolute = root["suggested_tolerance"]?["abs"]?.number,
            let relative = root["suggested_tolerance"]?["rel"]?.number,
            let list = root["fixtures"]?.elements
        else { fatalError("\(path.path) is not of the format seed-fixtures/1") }
        tolerance = Tolerance(absolute: absolute, relative: relative)
        ids = list.map { $0["id"]!.string! }
        fixtures = Dictionary(uniqueKeysWithValues: zip(ids, list))
        denseBlocks = zip(ids, list).flatMap { id, fixture in
            fixture.keys.filter { $0.hasPrefix("canonical") }.map { key in
                DenseBlock(fixture: id, key: key, json: fixture[key]!)
            }
        }
        vertexBlocks = zip(ids, list).filter { $1["dag"] != nil }.map { VertexBlock(fixture: $0, json: $1) }
    }

    /// The fixture `id`; its absence ends the test run.
    public static func fixture(_ id: String) -> JSONValue {
        guard let fixture = shared.fixtures[id] else { fatalError("there is no fixture \(id)") }
        return fixture
    }

    /// The dense block of the fixture `id`; its absence ends the test run.
    public static func block(_ id: String, key: String = "canonical") -> DenseBlock {
        guard let block = denseBlocks.first(where: { $0.fixture == id && $0.key == key }) else {
            fatalError("there is no dense block \(id) \(key)")
        }
        return block
    }
}
