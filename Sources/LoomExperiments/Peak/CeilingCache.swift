import Foundation
import LoomKernels
import LoomTraining

/// The ceilings of matrix products that were measured on this machine, kept in a file, so that a training need not
/// measure them again.
///
/// A file that is missing, cannot be read or holds something else counts as empty; one that cannot be written is
/// measured again next time. Nothing here fails a training.
public struct CeilingCache: Sendable {
    /// The file.
    public let path: String

    /// What a ceiling depends on.
    public struct Key: Sendable, Codable, Equatable {
        /// The processor's name.
        public var cpu: String
        /// The CPUs that the process may use.
        public var allowedCPUs: [Int]
        /// The processors' worth of time that a control group allows.
        public var quotaCPUs: Double?
        /// The CPU of each worker; nil: not bound.
        public var placement: [Int?]
        /// The BLAS library and its version.
        public var library: String
        /// The kernels that it chose.
        public var core: String
        /// The precision of the products.
        public var precision: Precision

        enum CodingKeys: String, CodingKey {
            case cpu, placement, library, core, precision
            case allowedCPUs = "allowed_cpus"
            case quotaCPUs = "quota_cpus"
        }

        /// The key of ceilings measured with the workers of `machine`.
        public init(_ machine: MachineSetup, precision: Precision) {
            cpu = machine.machine.processor
            allowedCPUs = machine.allowance.allowedCPUs
            quotaCPUs = machine.allowance.quota?.cpus
            placement = machine.workerCPUs
            library = machine.blas.version
            core = machine.blas.coreName
            self.precision = precision
        }
    }

    private struct Entry: Codable {
        let key: Key
        let gflops: Double
    }

    private struct Contents: Codable {
        static let currentFormat = 1
        var format = currentFormat
        var entries: [Entry] = []
    }

    /// A cache in the file at `path`.
    public init(path: String) {
        self.path = path
    }

    /// The user's: `gradloom/ceilings.json` in `$XDG_CACHE_HOME`, or in `~/.cache` where that is not set or no absolute
    /// path (XDG Base Directory Specification); nil without a home.
    public static func user(environment: [String: String] = ProcessInfo.processInfo.environment) -> CeilingCache? {
        func absolute(_ name: String) -> String? { environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil } }
        guard let base = absolute("XDG_CACHE_HOME") ?? absolute("HOME").map({ $0 + "/.cache" }) else { return nil }
        return CeilingCache(path: base + "/gradloom/ceilings.json")
    }

    /// The ceiling kept for `key`, in GFLOP/s; nil where there is none.
    public func gflops(for key: Key) -> Double? {
        contents().entries.first { $0.key == key }.map(\.gflops).flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
    }

    /// Keeps `gflops` for `key` in place of an older figure; false where the file cannot be written.
    @discardableResult
    public func store(_ gflops: Double, for key: Key) -> Bool {
        var contents = contents()
        contents.entries.removeAll { $0.key == key }
        contents.entries.append(Entry(key: key, gflops: gflops))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            try AtomicFile.write(String(decoding: encoder.encode(contents), as: UTF8.self) + "\n", to: path)
            return true
        } catch {
            return false
        }
    }

    private func contents() -> Contents {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)),
            let contents = try? JSONDecoder().decode(Contents.self, from: data),
            contents.format == Contents.currentFormat
        else { return Contents() }
        return contents
    }
}

extension GemmCeiling {
    /// The ceiling kept in `cache`, or else one that is measured now and kept there; nil: measured now.
    init<Scalar: LoomScalar>(_ type: Scalar.Type, team: WorkerTeam, machine: MachineSetup, cache: CeilingCache?) {
        guard let cache else {
            self.init(type, team: team)
            return
        }
        let key = CeilingCache.Key(machine, precision: Scalar.precision)
        if let gflops = cache.gflops(for: key) {
            self.init(gflops: gflops, isCached: true)
        } else {
            self.init(type, team: team)
            cache.store(gflops, for: key)
        }
    }
}

extension PeakMeasurement {
    /// Puts the measured ceilings of all workers in place of those that `cache` has; false where it cannot be written.
    public func refresh(_ cache: CeilingCache, machine: MachineSetup) -> Bool {
        ceilings.filter { $0.workers == machine.workers }.allSatisfy {
            // As a training measures it: the best round.
            cache.store($0.gflops.highest, for: .init(machine, precision: $0.precision))
        }
    }
}
