import LoomData
import LoomKernels
import LoomModel
import LoomTraining

/// What the prepared data of a training are known by: their counts and the bits of their samples.
enum DataFingerprint {
    /// Samples of a part that are looked at, evenly over all of them: all of small data, and 0.1 s of large data.
    private static let mostSamples = 1 << 14

    /// "1617 + 180 samples of 64 features, 1f2e…": equal for equal data, whatever files they came from.
    static func text<Scalar>(_ data: PreparedData<Scalar>) -> String {
        let sum = SHA256()
        add(data.training, to: sum)
        if let validation = data.validation { add(validation, to: sum) }
        let counts = "\(data.training.sampleCount)" + (data.validation.map { " + \($0.sampleCount)" } ?? "")
        return "\(counts) samples of \(data.training.featureCount) features, \(sum.digits().prefix(16))"
    }

    /// Samples that are not kept are made or read in parts of so many bytes.
    private static let partBytes = 4 << 20

    private static func add<Scalar>(_ feed: SampleFeed<Scalar>, to sum: SHA256) {
        let looked = min(feed.sampleCount, mostSamples)
        if let data = feed.dataset {
            for index in 0..<looked { add(data, row: RowSelection.place(index, of: looked, in: data.count), to: sum) }
            return
        }
        let partRows = max(1, partBytes / (MemoryLayout<Scalar>.stride * feed.featureCount))
        for start in stride(from: 0, to: looked, by: partRows) {
            let part = start..<min(start + partRows, looked)
            guard let data = try? feed.evenlySpaced(atMost: looked, part: part) else { return }
            for row in 0..<data.count { add(data, row: row, to: sum) }
        }
    }

    private static func add<Scalar>(_ data: Dataset<Scalar>, row: Int, to sum: SHA256) {
        add(data.inputs, row: row, to: sum)
        switch data.targets {
        case .labels(let labels, _): sum.add([labels.pointer[row]])
        case .values(let values): add(values, row: row, to: sum)
        case nil: break
        }
        if let weights = data.weights { sum.add([weights.pointer[row]]) }
    }

    private static func add<Scalar>(_ matrix: MatrixView<Scalar>, row: Int, to sum: SHA256) {
        sum.add(
            UnsafeRawBufferPointer(
                UnsafeBufferPointer(start: matrix.rows(row..<row + 1).pointer, count: matrix.columns)))
    }
}
