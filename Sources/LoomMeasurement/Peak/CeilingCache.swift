import Foundation
import LoomHardware
import LoomKernels
import LoomRuns
import LoomTraining

/// The arithmetic peaks that were measured on this machine, kept in a file, so that a training need not measure them again,
/// and the highest of all measurements counts (see `ArithmeticPeak`). Who wants to begin anew deletes the file.
///
/// A file that is missing, cannot be read or holds something else counts as empty; one that cannot be written is
/// measured again next time. Nothing here fails a training.
public struct CeilingCache: Sendable {
    /// The file.
    public var path: String { file.path }
    private let file: CacheFile<Contents>

    /// What a ceiling depends on.
    public struct Key: Sendable, Codable, Equatable {
        /// The processor's name.
        public var cpu: String
        /// Its maker and its numbers of family, model and stepping: a virtual machine's processor may have no other name.
        public var cpuModel: String
        /// The CPUs that the process may use.
        public var allowedCPUs: [Int]
        /// The processors' worth of time that a control group allows.
        public var quotaCPUs: Double?
        /// The CPU of each worker; nil: not bound.
        public var placement: [Int?]
        /// The instructions that are measured.
        public var instructions: ArithmeticInstructions
        /// The precision.
        public var precision: Precision

        enum CodingKeys: String, CodingKey {
            case cpu, placement, instructions, precision
            case cpuModel = "cpu_model"
            case allowedCPUs = "allowed_cpus"
            case quotaCPUs = "quota_cpus"
        }

        /// The key of ceilings measured with the workers of `machine`.
        public init(_ machine: MachineSetup, instructions: ArithmeticInstructions, precision: Precision) {
            cpu = machine.machine.processor
            cpuModel = MachineDescription.processorModel()
            allowedCPUs = machine.allowance.allowedCPUs
            quotaCPUs = machine.allowance.quota?.cpus
            placement = machine.workerCPUs
            self.instructions = instructions
            self.precision = precision
        }
    }

    /// A ceiling, and what is known of the moments in which it was measured.
    public struct Figure: Sendable, Codable, Equatable {
        /// The highest so far, in GFLOP/s.
        public var gflops: Double
        /// The part of the workers' cores' time that others had in the quietest measurement; nil: not known.
        public var otherWorkFraction: Double?

        /// A figure, measured once or several times.
        public init(gflops: Double, otherWorkFraction: Double?) {
            self.gflops = gflops
            self.otherWorkFraction = otherWorkFraction
        }

        enum CodingKeys: String, CodingKey {
            case gflops
            case otherWorkFraction = "other_work_fraction"
        }

        /// Whether no other measurement is needed: as far as this system sees, others were not in the way.
        public var isTrusted: Bool { otherWorkFraction.map { !CPUContention.isDisturbing($0) } ?? true }

        /// What two measurements say together.
        func merged(with other: Figure) -> Figure {
            Figure(
                gflops: max(gflops, other.gflops),
                otherWorkFraction: [otherWorkFraction, other.otherWorkFraction].compactMap { $0 }.min())
        }
    }

    /// Bandwidths of one worker while all work, in 10⁹ bytes a second.
    public struct Bandwidths: Sendable, Codable, Equatable {
        /// Of the second-level cache, of the third, and of memory; nil: there is no such level.
        public var l2, l3, memory: Double?
        /// As that of a `Figure`.
        public var otherWorkFraction: Double?

        enum CodingKeys: String, CodingKey {
            case l2, l3, memory
            case otherWorkFraction = "other_work_fraction"
        }

        /// Whether no other measurement is needed.
        public var isTrusted: Bool { otherWorkFraction.map { !CPUContention.isDisturbing($0) } ?? true }

        /// What two measurements say together: the higher ones.
        func merged(with other: Bandwidths) -> Bandwidths {
            func highest(_ path: KeyPath<Bandwidths, Double?>) -> Double? {
                [self[keyPath: path], other[keyPath: path]].compactMap { $0 }.max()
            }
            return Bandwidths(
                l2: highest(\.l2), l3: highest(\.l3), memory: highest(\.memory),
                otherWorkFraction: [otherWorkFraction, other.otherWorkFraction].compactMap { $0 }.min())
        }
    }

    private struct BandwidthEntry: Codable {
        let key: Key
        let bandwidths: Bandwidths
    }

    private struct Entry: Codable {
        let key: Key
        let figure: Figure
    }

    private struct Contents: CacheContents {
        static let currentFormat = 2
        var format = currentFormat
        var entries: [Entry] = []
        /// Nil in files of versions that did not measure bandwidths.
        var bandwidths: [BandwidthEntry]?
    }

    /// A cache in the file at `path`.
    public init(path: String) {
        file = CacheFile(path: path)
    }

    /// The user's, `gradloom/ceilings.json` in the directory of caches; nil without a home.
    public static func user(environment: [String: String] = ProcessInfo.processInfo.environment) -> CeilingCache? {
        UserCache.path("ceilings.json", environment: environment).map(CeilingCache.init)
    }

    /// What is kept for `key`; nil where there is nothing.
    public func figure(for key: Key) -> Figure? {
        file.read().entries.first { $0.key == key }.map(\.figure).flatMap {
            $0.gflops.isFinite && $0.gflops > 0 ? $0 : nil
        }
    }

    /// Keeps what `figure` and an older one for `key` say together: the higher speed. Returns it; nil where the file cannot
    /// be written.
    @discardableResult
    public func keep(_ figure: Figure, for key: Key) -> Figure? {
        let merged = self.figure(for: key).map(figure.merged) ?? figure
        var contents = file.read()
        contents.entries.removeAll { $0.key == key }
        contents.entries.append(Entry(key: key, figure: merged))
        return file.write(contents) ? merged : nil
    }

    /// The bandwidths kept for `key`; nil where there are none.
    public func bandwidths(for key: Key) -> Bandwidths? {
        file.read().bandwidths?.first { $0.key == key }.map(\.bandwidths).flatMap { kept in
            [kept.l2, kept.l3, kept.memory].compactMap { $0 }.allSatisfy { $0.isFinite && $0 > 0 } ? kept : nil
        }
    }

    /// Keeps what `bandwidths` and older ones for `key` say together: the higher ones. Returns them; nil where the file
    /// cannot be written.
    @discardableResult
    public func keep(_ bandwidths: Bandwidths, for key: Key) -> Bandwidths? {
        let merged = self.bandwidths(for: key).map(bandwidths.merged) ?? bandwidths
        var contents = file.read()
        var entries = contents.bandwidths ?? []
        entries.removeAll { $0.key == key }
        entries.append(BandwidthEntry(key: key, bandwidths: merged))
        contents.bandwidths = entries
        return file.write(contents) ? merged : nil
    }
}
