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

    private static func add<Scalar>(_ feed: SampleFeed<Scalar>, to sum: SHA256) {
        // Samples that are not kept are made: as many as are looked at.
        guard let data = try? feed.evenlySpaced(atMost: mostSamples) else { return }
        let looked = min(data.count, mostSamples)
        for index in 0..<looked {
            let row = RowSelection.place(index, of: looked, in: data.count)
            add(data.inputs, row: row, to: sum)
            switch data.targets {
            case .labels(let labels, _): sum.add([labels.pointer[row]])
            case .values(let values): add(values, row: row, to: sum)
            case nil: break
            }
            if let weights = data.weights { sum.add([weights.pointer[row]]) }
        }
    }

    private static func add<Scalar>(_ matrix: MatrixView<Scalar>, row: Int, to sum: SHA256) {
        sum.add(
            UnsafeRawBufferPointer(
                UnsafeBufferPointer(start: matrix.rows(row..<row + 1).pointer, count: matrix.columns)))
    }
}
