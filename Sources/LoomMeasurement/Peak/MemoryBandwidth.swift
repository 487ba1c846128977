import CHardware
import LoomKernels
import LoomRuns
import LoomTraining

/// What is done to memory while its bandwidth is measured. Figures count the bytes that the loop itself reads and
/// writes, as the STREAM benchmark does (J. D. McCalpin, "Memory Bandwidth and Machine Balance in Current High
/// Performance Computers", IEEE TCCA Newsletter, 1995).
public enum MemoryTraffic: String, Sendable, CaseIterable, Codable {
    /// y ← x by the C library's memmove, 8 bytes an element: 4 read, 4 written. For large blocks it writes past the
    /// caches, so that nothing is read in order to be overwritten.
    case copy
    /// w ← w − ηg by the kernel that updates parameters, 12 bytes an element: 8 read, 4 written.
    case update

    /// Bytes read and written for one float32 element.
    public var bytesPerElement: Int { self == .copy ? 8 : 12 }
}

/// Two arrays of float32, cut into one contiguous part for each worker, first written by it.
final class BandwidthArrays: Sendable {
    /// One of each array for every worker.
    let parts: [(source: AlignedBuffer<Float>, destination: AlignedBuffer<Float>)]
    private let elements: Int

    /// Arrays of `bytes` each, on the NUMA node of each worker in `nodes` (the system's numbers); nil: on those that the
    /// system chooses.
    init(bytes: Int, team: WorkerTeam, nodes: [Int]? = nil) {
        let perWorker = max(1, bytes / team.workers / MemoryLayout<Float>.stride)
        let parts = (0..<team.workers).map { _ in
            (AlignedBuffer<Float>(uninitializedCount: perWorker), AlignedBuffer<Float>(uninitializedCount: perWorker))
        }
        self.parts = parts.map { (source: $0.0, destination: $0.1) }
        elements = perWorker * team.workers
        for (part, node) in zip(self.parts, nodes ?? []) {
            let bytes = UInt64(perWorker * MemoryLayout<Float>.stride)
            _ = loom_bind_memory(part.source.pointer, bytes, Int32(node))
            _ = loom_bind_memory(part.destination.pointer, bytes, Int32(node))
        }
        _ = team.seconds { [parts = self.parts] worker in
            parts[worker].source.elements.initialize(repeating: 0.5)
            parts[worker].destination.elements.initialize(repeating: 0.5)
        }
    }

    /// All workers together, in GB/s (10⁹ bytes a second).
    func probe(_ traffic: MemoryTraffic, team: WorkerTeam) -> Probe {
        Probe(
            seconds: { repetitions in
                team.seconds { worker in
                    for _ in 0..<repetitions { self.perform(traffic, worker: worker) }
                }
            },
            figure: { [elements] in Double(elements * traffic.bytesPerElement) / $0 / 1e9 })
    }

    private func perform(_ traffic: MemoryTraffic, worker: Int) {
        let (source, destination) = parts[worker]
        switch traffic {
        case .copy:
            destination.pointer.update(from: source.pointer, count: source.count)
        case .update:
            let weights = MatrixView(
                pointer: destination.pointer, rows: 1, columns: destination.count, stride: destination.count)
            var settings = UpdateSettings()
            settings.learningRate = 1e-6
            Float.update(
                .sgd, settings, weights: weights, gradients: source.pointer, addends: Addends(), firstState: nil,
                secondState: nil)
        }
    }
}

extension MachineSetup {
    /// Bytes of an array that no cache can hold a relevant part of: four times the sum of all last-level caches, as
    /// STREAM's run rules ask for; but no more than a sixteenth of the memory that is free.
    func bandwidthArrayBytes(availableBytes: Int?) -> Int {
        let lastLevel = topology.l3Groups.compactMap(\.cacheBytes).reduce(0, +)
        let wanted = max(64 << 20, 4 * max(lastLevel, workers * cacheBytes))
        return min(wanted, max(1 << 20, (availableBytes ?? .max) / 16))
    }
}
