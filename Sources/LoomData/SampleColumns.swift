import LoomKernels

/// Numbers that are known of samples beside their inputs and targets: how much each counts, and what belongs together.
package enum SampleColumns {
    /// The weights of `source`'s samples in the .npy file `path`, one for each.
    /// - Throws: `DataError` for a file that is no such array, and for what is no weight.
    package static func weights(npy path: String, of source: any DataSource) throws(DataError) -> [Double] {
        let weights = try numbers(npy: path, of: source, what: "weights")
        try check(weights, name: path, place: place)
        return weights
    }

    /// The groups of `source`'s samples in the .npy file `path`: equal numbers for samples that belong together.
    /// - Throws: `DataError` for a file that is no such array.
    package static func groups(npy path: String, of source: any DataSource) throws(DataError) -> [UInt64] {
        let numbers = try numbers(npy: path, of: source, what: "groups")
        if let row = numbers.firstIndex(where: { $0.isNaN }) {
            throw DataError(
                .badData, source: path, place: place(row: row), problem: "the group is NaN",
                remedy: "give a number for every group")
        }
        // 0 and −0 are one group.
        return numbers.map { ($0 + 0).bitPattern }
    }

    private static func place(row: Int) -> String { "row \(row) (counted from 0)" }

    private static func numbers(
        npy path: String, of source: any DataSource, what: String
    ) throws(DataError) -> [Double] {
        let array = try NumberArray(npy: path)
        guard array.columns == 1 else {
            throw DataError(
                .badData, source: path, problem: "shape \(array.shape), expected one number for each sample",
                remedy: "save \(what).reshape(-1)")
        }
        guard array.rows == source.count else {
            throw DataError(
                .badData, source: path,
                problem: "\(array.rows) \(what), but \(source.count) samples in \(source.name)",
                remedy: "give one number for each sample")
        }
        let numbers = AlignedBuffer<Double>(uninitializedCount: array.rows)
        try ConcurrentBlocks.forEach(rowCount: array.rows, by: ConcurrentBlocks.dispatch) {
            _, rows throws(DataError) in
            let view = MatrixView(pointer: numbers.pointer + rows.lowerBound, rows: rows.count, columns: 1, stride: 1)
            array.read(rows: rows.map { UInt64($0) }[...], into: view)
        }
        return numbers.array
    }

    /// Refuses numbers that are no weights: those below 0 or not finite, and nothing but zeros.
    static func check(_ weights: [Double], name: String, place: (Int) -> String) throws(DataError) {
        if let row = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
            throw DataError(
                .badData, source: name, place: place(row),
                problem: "the weight is \(weights[row]), expected a finite number, 0 or more",
                remedy: "correct the weight; 0 leaves the sample out of the loss")
        }
        guard weights.contains(where: { $0 > 0 }) else {
            throw DataError(
                .badData, source: name, problem: "all weights are 0", remedy: "give one sample a weight above 0")
        }
    }
}
