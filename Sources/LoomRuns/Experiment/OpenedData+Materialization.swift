import LoomConfiguration
import LoomData
import LoomHardware
import LoomKernels
import LoomTraining

// Where the samples are while training runs.
extension OpenedData {
    /// Where samples are while training runs.
    enum Place {
        /// In memory.
        case memory
        /// Nowhere: workers make them.
        case generated
        /// In files that are mapped.
        case mapped
        /// In a file that is written first.
        case disk
    }

    /// Where samples of all `sources` can be but in memory; nil: nowhere. Both parts are kept, or none.
    static func otherPlace(_ sources: [any DataSource], _ description: DataDescription) -> Place? {
        if sources.allSatisfy({ $0 is SyntheticSource }) {
            // Samples that nobody keeps have no list, and no weights of their own.
            if case .split(let split) = description.validation, ranges(of: sources[0], split) == nil { return nil }
            return description.weightsPath == nil ? .generated : nil
        }
        return sources.allSatisfy { ($0 as? any MappedSource)?.mappedInputs() != nil } ? .mapped : nil
    }

    /// Refuses what cannot be done without keeping the samples.
    func checkMaterialization() throws(DataError) {
        guard description.materialization == .never, otherPlace == nil else { return }
        if source is SyntheticSource {
            let isWeighted = description.weightsPath != nil
            throw DataError(
                .badConfiguration, source: "data.materialize",
                problem: isWeighted
                    ? "samples with weights from a file are kept"
                    : "this split needs a list of all samples, so that they are kept",
                remedy: isWeighted
                    ? "leave data.weights out"
                    : "split by a fraction alone: a task's samples are independent, and as frequent in every part")
        }
        throw DataError(
            .badConfiguration, source: "data.materialize",
            problem: "the samples of \(source.name) cannot be read batch by batch",
            remedy:
                "let data.materialize be disk, or bring them into a directory with gradloom convert, and name that with "
                + "data.dataset")
    }

    /// Where the samples are.
    func place<Scalar: LoomScalar>(_: Scalar.Type) -> Place {
        if keepsLittle, let otherPlace { return otherPlace }
        switch description.materialization {
        case .never: return otherPlace ?? .memory
        case .memory: return .memory
        // Files that are mapped are on the disk as they are.
        case .disk: return otherPlace == .mapped ? .mapped : .disk
        case .automatic:
            return residentBytes(of: Scalar.self) > Double(memoryBudgetBytes) ? otherPlace ?? .disk : .memory
        }
    }

    /// Bytes of all samples in memory. A floating-point number: there may be more than an integer counts.
    private func residentBytes<Scalar: LoomScalar>(of _: Scalar.Type) -> Double {
        let columns = if case .values(let columns) = conversion.result { columns } else { 1 }
        let samples = Double(sampleCounts.training) + Double(sampleCounts.validation)
        return samples * Double(source.featureCount + columns) * Double(MemoryLayout<Scalar>.stride)
    }

    /// Bytes of files that may be in this process's memory at a time, where samples are read from there: half of the budget,
    /// and 8 MiB at least, which a few batches need.
    var mostMappedBytes: Int { max(8 << 20, memoryBudgetBytes / 2) }

    /// What says where the samples are, if that is not where they usually are.
    func materializationNotes<Scalar: LoomScalar>(_: Scalar.Type) -> [String] {
        let place = place(Scalar.self)
        guard place != .memory else { return [] }
        var notes: [String] = []
        if description.materialization == .automatic {
            let bytes = residentBytes(of: Scalar.self)
            let size = bytes < 0x1p62 ? MemorySize.words(Int(bytes)) : "more bytes than can be counted"
            let ways: [Place: String] = [
                .generated: "made when they are needed", .mapped: "read from the files batch by batch",
                .disk: "written to a file in \(SpilledInputs.directory) first, and read from there",
            ]
            notes.append(
                "samples are \(ways[place] ?? ""): "
                    + "all of them are \(size), more than the memory budget of \(MemorySize.words(memoryBudgetBytes))")
        }
        let rowBytes = source.featureCount * MemoryLayout<Scalar>.stride
        if place != .generated, description.shuffle == .blocks,
            case let least = SampleOrder.windowMemory(features: source.featureCount, rowBytes: rowBytes),
            mostMappedBytes < least, Double(mostMappedBytes) < residentBytes(of: Scalar.self)
        {
            notes.append(
                "blocks that are mixed with each other do not fit into the memory budget, which costs speed: they need "
                    + "data.memory_budget=\((2 * least >> 20) + 1)MiB")
        }
        if place != .generated, description.shuffle == .full {
            notes.append(
                "each sample is read from another place of the files; data.shuffle=blocks reads them in pieces, which is "
                    + "faster where the files are larger than memory")
        }
        return notes
    }

    /// What of the samples is kept, and the scratch memory of a batch's row.
    func kept<Scalar: LoomScalar>(_: Scalar.Type) -> (kept: KeptSamples, scratchColumns: Int) {
        switch place(Scalar.self) {
        case .memory: return (.all, 0)
        case .mapped, .disk: return (.targets, 0)
        case .generated:
            let scratchColumns = (source as? SyntheticSource).map {
                GeneratedSamples.scratchColumns(of: $0, standardizes: description.standardize, for: Scalar.self)
            }
            return (.nothing, scratchColumns ?? 0)
        }
    }
}
