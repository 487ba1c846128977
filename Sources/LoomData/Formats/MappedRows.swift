import LoomKernels
import Synchronization

/// Rows of numbers in files that are mapped: they are read where the files lie, by any thread, and nothing is allocated.
package final class MappedRows: Sendable {
    /// The number of rows.
    package let count: Int
    /// The numbers of a row.
    package let columns: Int
    /// The elements' type: float32, float64 or uint8.
    package let element: ElementType
    /// What every number is multiplied with.
    private let scale: Double
    private let parts: [Part]
    /// Where each part's rows begin, and their end: addresses that stay.
    private let starts: AlignedBuffer<Int>
    private let bases: AlignedBuffer<UInt>
    /// The lowest of these addresses.
    private let lowest: UInt
    /// Whether the distances between them are whole elements, as they are but for files that somebody else wrote.
    private let areAligned: Bool
    /// What a byte stands for, rounded once, as when it is read by way of float64.
    private let bytes: AlignedBuffer<Float>
    private let touchedBytes = Atomic(0)

    /// A file's rows, one after the other.
    package struct Part: Sendable {
        let file: InputFile
        let rows: Int
        /// Where the first element is in the file.
        let offset: Int
    }

    /// - Parameters:
    ///   - parts: One at least; all of them have `columns` elements of the type `element` in a row.
    ///   - scale: What every number is multiplied with.
    init(_ parts: [Part], columns: Int, element: ElementType, scale: Double) {
        self.parts = parts
        (self.columns, self.element, self.scale) = (columns, element, scale)
        var sums = [0]
        for part in parts { sums.append(sums[sums.count - 1] + part.rows) }
        count = sums[parts.count]
        starts = AlignedBuffer(sums)
        bases = AlignedBuffer(
            parts.map { $0.file.withBytes { UInt(bitPattern: $0.baseAddress! + 0) } + UInt($0.offset) })
        let lowest = bases.elements.min()!
        self.lowest = lowest
        areAligned = bases.elements.allSatisfy { ($0 - lowest) % UInt(element.byteCount) == 0 }
        bytes = AlignedBuffer((0..<256).map { Float(Double($0) * scale) })
    }

    /// The rows in the file at `path`, which has nothing else.
    /// - Throws: `DataError` for a file that cannot be read.
    package convenience init(file path: String, rows: Int, columns: Int, element: ElementType) throws(DataError) {
        let stored = try InputFile.stored(path)
        let file = InputFile(path: path, data: stored, range: 0..<stored.bytes.count)
        precondition(file.byteCount == rows * columns * element.byteCount, "all rows, and nothing else")
        self.init([Part(file: file, rows: rows, offset: 0)], columns: columns, element: element, scale: 1)
    }

    /// The bytes of a row.
    package var rowBytes: Int { columns * element.byteCount }

    /// Where row `row` lies.
    @inline(__always)
    private func address(_ row: Int) -> UnsafeRawPointer {
        var (low, high) = (0, parts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts.pointer[middle] <= row { low = middle } else { high = middle }
        }
        return UnsafeRawPointer(bitPattern: bases.pointer[low])! + (row - starts.pointer[low]) * rowBytes
    }

    // MARK: Reading

    /// Row i of `destination` = row `rows[i]`, shifted and scaled where a standardisation is given, rounded once. What lies
    /// between a row's last element and the next multiple of 64 bytes may be written. The numbers in `rows` are overwritten.
    package func gather<Scalar: BitwiseCopyable & BinaryFloatingPoint>(
        _ rows: UnsafeMutablePointer<UInt64>, into destination: MatrixView<Scalar>,
        standardizedBy standardization: Standardization?
    ) {
        if Scalar.self == Float.self, standardization == nil, element == .float32, scale == 1, areAligned {
            gather(rows, into: destination, as: Float.self)
        } else if Scalar.self == Double.self, standardization == nil, element == .float64, scale == 1, areAligned {
            gather(rows, into: destination, as: Double.self)
        } else if Scalar.self == Float.self, standardization == nil, element == .uint8 {
            for row in 0..<destination.rows {
                let from = address(Int(truncatingIfNeeded: rows[row])).assumingMemoryBound(to: UInt8.self)
                let to = UnsafeMutableRawPointer(destination.pointer + row * destination.stride)
                    .assumingMemoryBound(to: Float.self)
                for column in 0..<columns { to[column] = bytes.pointer[Int(from[column])] }
            }
        } else {
            gatherByFloat64(rows, into: destination, standardizedBy: standardization)
        }
    }

    /// Copies rows as they are.
    private func gather<Element: LoomScalar, Scalar>(
        _ rows: UnsafeMutablePointer<UInt64>, into destination: MatrixView<Scalar>, as _: Element.Type
    ) {
        // Every row by the distance of its first element from that of the file that lies lowest.
        let size = MemoryLayout<Element>.size
        for index in 0..<destination.rows {
            let address = UInt(bitPattern: address(Int(truncatingIfNeeded: rows[index])))
            rows[index] = UInt64((address - lowest) / UInt(size))
        }
        let base = UnsafePointer<Element>(bitPattern: lowest)!
        let pointer = UnsafeMutableRawPointer(destination.pointer).assumingMemoryBound(to: Element.self)
        Element.gatherRows(
            from: base, starts: rows,
            into: MatrixView(
                pointer: pointer, rows: destination.rows, columns: destination.columns, stride: destination.stride))
    }

    private func gatherByFloat64<Scalar: BitwiseCopyable & BinaryFloatingPoint>(
        _ rows: UnsafePointer<UInt64>, into destination: MatrixView<Scalar>,
        standardizedBy standardization: Standardization?
    ) {
        // Where the type is known, the loops are compiled for it.
        if let single = destination as? MatrixView<Float> {
            convert(rows, into: single, standardization) { Float($0) }
        } else if let double = destination as? MatrixView<Double> {
            convert(rows, into: double, standardization) { $0 }
        } else {
            preconditionFailure("float32 or float64")
        }
    }

    @inline(__always)
    private func convert<Scalar: BitwiseCopyable>(
        _ rows: UnsafePointer<UInt64>, into destination: MatrixView<Scalar>, _ standardization: Standardization?,
        rounded: (Double) -> Scalar
    ) {
        for row in 0..<destination.rows {
            let from = address(Int(truncatingIfNeeded: rows[row]))
            let to = destination.pointer + row * destination.stride
            for column in 0..<columns {
                var value: Double
                switch element {
                case .float32: value = Double(from.loadUnaligned(fromByteOffset: 4 * column, as: Float.self))
                case .float64: value = from.loadUnaligned(fromByteOffset: 8 * column, as: Double.self)
                default: value = Double(from.loadUnaligned(fromByteOffset: column, as: UInt8.self))
                }
                if scale != 1 { value *= scale }
                if let standardization {
                    value = (value - standardization.means[column]) / standardization.deviations[column]
                }
                to[column] = rounded(value)
            }
        }
    }

    // MARK: Memory

    /// The pages of a file that come into memory together, where they are in the system's cache.
    private static let pagesTogetherBytes = 1 << 16

    /// Counts rows that will be read, anywhere in the files, and gives all pages back before they may become more than `mostBytes`.
    package func willTouch(rows: Int, mostBytes: Int) {
        let sum = touchedBytes.add(rows * (rowBytes + Self.pagesTogetherBytes), ordering: .relaxed).newValue
        guard sum >= mostBytes else { return }
        // Whoever sets it back gives the pages back.
        guard touchedBytes.compareExchange(expected: sum, desired: 0, ordering: .relaxed).exchanged else { return }
        release()
    }

    /// Takes all pages out of this process's memory: they stay in the system's cache as long as it has room.
    package func release() {
        for part in parts { part.file.release(0..<part.file.byteCount) }
    }

    /// Asks the system to read rows that will be needed soon.
    package func willNeed(_ range: Range<Int>) {
        for (index, part) in parts.enumerated() {
            let first = starts.pointer[index]
            let rows = range.clamped(to: first..<first + part.rows)
            guard !rows.isEmpty else { continue }
            part.file.willNeed(
                part.offset + (rows.lowerBound - first) * rowBytes..<part.offset + (rows.upperBound - first) * rowBytes)
        }
    }
}

/// A source whose inputs may be read where they lie in files.
package protocol MappedSource: DataSource {
    /// The inputs of all samples; nil where they cannot be read so.
    func mappedInputs() -> MappedRows?
}
