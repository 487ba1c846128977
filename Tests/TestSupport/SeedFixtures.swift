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
    /// The dense networks that can be tested now, in the file's order.
    public static var denseBlocks: [DenseBlock] { shared.denseBlocks }
    /// The dense networks that can be trained: all but those with thresholds.
    public static var trainableBlocks: [DenseBlock] { shared.denseBlocks.filter { $0.training != nil } }

    /// Blocks that belong to a later release, with the reason. Nothing else of the file is left out.
    public static let laterBlocks: [LaterBlock] = [
        LaterBlock("F4.2", "canonical", "the output softmax_weighted does not exist yet"),
        LaterBlock("F4.2b", "canonical", "the output softmax_weighted does not exist yet"),
        LaterBlock("F4.3", "dag", "networks of vertices do not exist yet"),
        LaterBlock("F4.4", "dag", "networks of vertices do not exist yet"),
        LaterBlock("F4.5a", "dag", "networks of vertices do not exist yet"),
        LaterBlock("F4.5b", "dag", "networks of vertices do not exist yet"),
        LaterBlock("F4.5c", "dag", "networks of vertices do not exist yet"),
        LaterBlock("F4.5d", "dag", "networks of vertices do not exist yet"),
        LaterBlock("F4.6", "dag", "networks of vertices do not exist yet"),
        LaterBlock("F4.8", "dag", "networks of vertices do not exist yet"),
        LaterBlock("F4.7", "dag", "networks of vertices do not exist yet; its dense form is tested"),
    ]

    /// A block of the file that is not tested yet.
    public struct LaterBlock: Sendable {
        /// The fixture's id.
        public let fixture: String
        /// The block's key in it.
        public let key: String
        /// Why it is not tested yet.
        public let reason: String

        init(_ fixture: String, _ key: String, _ reason: String) {
            self.fixture = fixture
            self.key = key
            self.reason = reason
        }
    }

    /// The whole file.
    public let root: JSONValue
    /// Every fixture's object by id.
    public let fixtures: [String: JSONValue]
    /// The ids in the file's order.
    public let ids: [String]
    private let tolerance: Tolerance
    private let denseBlocks: [DenseBlock]

    private init() {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/seed-fixtures.json")
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
            fixture.keys.filter { $0.hasPrefix("canonical") && !Self.isLater(id, $0) }.map { key in
                DenseBlock(fixture: id, key: key, json: fixture[key]!)
            }
        }
    }

    /// Whether the block `key` of `fixture` is among `laterBlocks`.
    public static func isLater(_ fixture: String, _ key: String) -> Bool {
        laterBlocks.contains { $0.fixture == fixture && $0.key == key }
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
