import LoomKernels

/// Numbers of samples × columns in files, read row by row.
package protocol RowArray: Sendable {
    /// What messages call it.
    var name: String { get }
    /// The extents of its dimensions; all but the first make the columns.
    var shape: [Int] { get }
    /// What its elements are.
    var element: ElementType { get }
    /// Bytes that are kept in memory to find or to hold the elements.
    var indexBytes: Int { get }

    /// Writes row `rows[rows.startIndex + i]` to row i of `destination`. From any thread.
    func read(rows: ArraySlice<UInt64>, into destination: MatrixView<Double>) throws(DataError)
    /// Compares the content with checksums, where there are any.
    func verify() throws(DataError)
    /// The array's parts where they lie in files; nil where they have to be converted.
    var mappedParts: [MappedRows.Part]? { get }
}

extension RowArray {
    /// The number of rows: the first dimension.
    package var rows: Int { shape[0] }
    /// The number of columns: the product of the other dimensions, or 1.
    package var columns: Int { shape.dropFirst().reduce(1, *) }
    /// Nothing but a map of the file.
    package var indexBytes: Int { 0 }
    /// There are none.
    package func verify() throws(DataError) {}
    /// It has to be converted.
    package var mappedParts: [MappedRows.Part]? { nil }
}

/// Elements of one type in row-major order in a file that is mapped, or in memory.
package struct NumberArray: RowArray {
    /// The path, and what inside the file is meant where there is more than one array.
    package var name: String { file.path }
    /// The extents of its dimensions.
    package let shape: [Int]
    /// What its elements are.
    package let element: ElementType
    /// The file that the elements are in.
    let file: InputFile
    /// What is not mapped.
    package var indexBytes: Int { file.memoryBytes }
    /// Where the elements start.
    private let offset: Int
    private let isBigEndian: Bool
    private let columnCount: Int
    /// The CRC-32 of the file where it is known.
    private let checksum: UInt32?

    /// The array of `shape`, whose product of extents with the element's size is known to be no more than what `file` has from
    /// `offset` on.
    init(
        _ file: InputFile, offset: Int, shape: [Int], element: ElementType, isBigEndian: Bool = false,
        checksum: UInt32? = nil
    ) {
        (self.file, self.offset, self.shape) = (file, offset, shape)
        (self.element, self.isBigEndian, self.checksum) = (element, isBigEndian, checksum)
        columnCount = shape.dropFirst().reduce(1, *)
    }

    /// Compares the file with its CRC-32 where it is known.
    package func verify() throws(DataError) {
        guard let checksum else { return }
        var sum: UInt32 = 0
        file.forEachPiece { sum = Checksum.crc32(sum, of: $0) }
        guard sum == checksum else {
            throw DataError(
                .badData, source: name, problem: "the array was changed or damaged: its CRC-32 is not the archive's",
                remedy: "copy or save the file again")
        }
    }

    /// The array where it lies in a file; nil where it has to be converted.
    package var mappedParts: [MappedRows.Part]? {
        guard !isBigEndian, file.memoryBytes == 0, [.float32, .float64, .uint8].contains(element) else { return nil }
        return [MappedRows.Part(file: file, rows: shape[0], offset: offset)]
    }

    /// The product of all extents but the first; nil where that is no number.
    static func columnCount(_ shape: [Int]) -> Int? {
        byteCount([Int](shape.dropFirst()), .uint8)
    }

    /// The number of bytes of all elements; nil where that is no number.
    static func byteCount(_ shape: [Int], _ element: ElementType) -> Int? {
        var bytes = element.byteCount
        for extent in shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            bytes = product
        }
        return bytes
    }

    /// Writes row `rows[rows.startIndex + i]` of the file to row i of `destination`.
    package func read(rows: ArraySlice<UInt64>, into destination: MatrixView<Double>) {
        if isBigEndian {
            return readBigEndian(rows, into: destination)
        }
        switch element {
        case .float32: copy(rows, to: destination, as: Float.self) { Double($0) }
        case .float64: copy(rows, to: destination, as: Double.self) { $0 }
        case .int8: copy(rows, to: destination, as: Int8.self) { Double($0) }
        case .int16: copy(rows, to: destination, as: Int16.self) { Double($0) }
        case .int32: copy(rows, to: destination, as: Int32.self) { Double($0) }
        case .int64: copy(rows, to: destination, as: Int64.self) { Double($0) }
        case .uint8: copy(rows, to: destination, as: UInt8.self) { Double($0) }
        case .uint16: copy(rows, to: destination, as: UInt16.self) { Double($0) }
        case .uint32: copy(rows, to: destination, as: UInt32.self) { Double($0) }
        case .uint64: copy(rows, to: destination, as: UInt64.self) { Double($0) }
        case .bool: copy(rows, to: destination, as: UInt8.self) { $0 == 0 ? 0 : 1 }
        }
    }

    private func readBigEndian(_ rows: ArraySlice<UInt64>, into destination: MatrixView<Double>) {
        switch element {
        case .float32:
            copy(rows, to: destination, as: UInt32.self) { Double(Float(bitPattern: UInt32(bigEndian: $0))) }
        case .float64: copy(rows, to: destination, as: UInt64.self) { Double(bitPattern: UInt64(bigEndian: $0)) }
        case .int8: copy(rows, to: destination, as: Int8.self) { Double($0) }
        case .int16: copy(rows, to: destination, as: Int16.self) { Double(Int16(bigEndian: $0)) }
        case .int32: copy(rows, to: destination, as: Int32.self) { Double(Int32(bigEndian: $0)) }
        case .int64: copy(rows, to: destination, as: Int64.self) { Double(Int64(bigEndian: $0)) }
        case .uint8: copy(rows, to: destination, as: UInt8.self) { Double($0) }
        case .uint16: copy(rows, to: destination, as: UInt16.self) { Double(UInt16(bigEndian: $0)) }
        case .uint32: copy(rows, to: destination, as: UInt32.self) { Double(UInt32(bigEndian: $0)) }
        case .uint64: copy(rows, to: destination, as: UInt64.self) { Double(UInt64(bigEndian: $0)) }
        case .bool: copy(rows, to: destination, as: UInt8.self) { $0 == 0 ? 0 : 1 }
        }
    }

    @inline(__always)
    private func copy<Element: BitwiseCopyable>(
        _ rows: ArraySlice<UInt64>, to destination: MatrixView<Double>, as _: Element.Type,
        converted: (Element) -> Double
    ) {
        file.withBytes { bytes in
            for (position, row) in rows.enumerated() {
                let start = offset + Int(row) * columnCount * MemoryLayout<Element>.size
                let to = destination.pointer + position * destination.stride
                for column in 0..<columnCount {
                    // Only npy files of version 1 and later numpys align their elements.
                    to[column] = converted(
                        bytes.loadUnaligned(
                            fromByteOffset: start + column * MemoryLayout<Element>.size, as: Element.self))
                }
            }
        }
        guard let first = rows.min(), let last = rows.max() else { return }
        let rowBytes = columnCount * MemoryLayout<Element>.size
        file.release(offset + Int(first) * rowBytes..<offset + (Int(last) + 1) * rowBytes)
    }
}

/// Arrays one after the other, as one: shards.
package struct ShardedArray: RowArray {
    /// What messages call all of them.
    package let name: String
    /// The extents of all together.
    package let shape: [Int]
    /// The element type of all of them, or that of the first.
    package let element: ElementType
    private let shards: [any RowArray]
    /// The first row of every shard, and the number of all rows.
    private let starts: [Int]

    /// The rows of `shards` in their order. All have the same columns, and there is one at least.
    init(name: String, _ shards: [any RowArray]) throws(DataError) {
        let first = shards[0]
        var starts = [0]
        for shard in shards {
            guard shard.shape.dropFirst() == first.shape.dropFirst(), shard.element == first.element else {
                throw DataError(
                    .badData, source: shard.name,
                    problem: "shape \(shard.shape) of \(shard.element), but the first part, \(first.name), has "
                        + "\(first.shape) of \(first.element)",
                    remedy: "give parts that differ in their number of rows alone")
            }
            let (sum, overflow) = starts[starts.count - 1].addingReportingOverflow(shard.rows)
            guard !overflow else {
                throw DataError(
                    .badData, source: shard.name, problem: "the parts have more rows than can be counted",
                    remedy: "give fewer of them")
            }
            starts.append(sum)
        }
        self.name = name
        self.shards = shards
        self.starts = starts
        shape = [starts[shards.count]] + first.shape.dropFirst()
        element = first.element
    }

    /// Bytes that the shards keep.
    package var indexBytes: Int { shards.reduce(0) { $0 + $1.indexBytes } }

    /// Writes rows, of any shards in any order. Neighbours of one shard are read at once.
    package func read(rows: ArraySlice<UInt64>, into destination: MatrixView<Double>) throws(DataError) {
        var position = rows.startIndex
        while position < rows.endIndex {
            let shard = index(ofRow: Int(rows[position]))
            let range = starts[shard]..<starts[shard + 1]
            var end = position + 1
            while end < rows.endIndex, range.contains(Int(rows[end])) { end += 1 }
            let local = rows[position..<end].map { $0 - UInt64(range.lowerBound) }
            let first = position - rows.startIndex
            try shards[shard].read(rows: local[...], into: destination.rows(first..<first + local.count))
            position = end
        }
    }

    /// The shard that row `row` is in.
    private func index(ofRow row: Int) -> Int {
        var (low, high) = (0, shards.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= row { low = middle } else { high = middle }
        }
        return low
    }

    /// The parts of all shards.
    package var mappedParts: [MappedRows.Part]? {
        let parts = shards.map(\.mappedParts)
        return parts.contains { $0 == nil } ? nil : parts.flatMap { $0! }
    }

    /// Compares the shards with their checksums.
    package func verify() throws(DataError) {
        for shard in shards { try shard.verify() }
    }
}
