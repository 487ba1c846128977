import LoomData
import LoomKernels

/// The element types that shards are written in, by numpy's names.
enum StoredType: String {
    case float32 = "<f4"
    case float64 = "<f8"
    case uint8 = "|u1"
    case int32 = "<i4"

    var byteCount: Int {
        switch self {
        case .uint8: 1
        case .float32, .int32: 4
        case .float64: 8
        }
    }
}

/// The samples of a source as they are stored.
struct DatasetRows: Sendable {
    /// The samples; those of bytes are not scaled.
    let source: any DataSource
    let inputType: StoredType
    /// What inputs have to be multiplied with.
    let scale: Double
    /// nil: there are no targets.
    let targetType: StoredType?

    init(_ source: any DataSource, isDouble: Bool) {
        let real = isDouble ? StoredType.float64 : .float32
        if let bytes = (source as? any ByteStoring)?.asBytes {
            (self.source, inputType, scale) = (bytes.source, .uint8, bytes.scale)
        } else {
            (self.source, inputType, scale) = (source, real, 1)
        }
        targetType =
            switch source.targetColumns.form {
            case .none: nil
            case .classIndices, .integers, .oneHot, .decisions: .int32
            case .shares, .real: real
            }
    }

    /// So many rows are made at a time that they stay in a core's cache: 512 KiB in float64.
    private var blockRows: Int { max(1, min(1024, (1 << 16) / max(1, source.featureCount))) }

    /// Bytes of all samples; a floating-point number, because there may be more than an integer counts.
    var byteCount: Double {
        let target = (targetType?.byteCount ?? 0) * source.targetColumns.count
        return Double(source.count) * (Double(source.featureCount) * Double(inputType.byteCount) + Double(target))
    }

    /// Hands over the bytes of inputs and targets of `range`, block by block.
    /// - Throws: `DataError` for numbers that are not finite, and what `body` throws.
    func forEachBlock(
        _ range: Range<Int>,
        _ body: (_ rows: Int, _ inputs: UnsafeRawBufferPointer, _ targets: UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let (features, columns) = (source.featureCount, source.targetColumns.count)
        let inputBytes = AlignedBuffer<UInt8>(uninitializedCount: blockRows * features * inputType.byteCount)
        let targetBytes = AlignedBuffer<UInt8>(
            uninitializedCount: blockRows * columns * (targetType?.byteCount ?? 0))
        defer { withExtendedLifetime((inputBytes, targetBytes)) {} }
        try source.forEachBlock(of: range, blockRows: blockRows) { rows, inputs, targets in
            if let fault = Self.store(inputs, as: inputType, at: inputBytes.pointer) {
                throw notFinite(row: rows.lowerBound + fault.row, feature: fault.column)
            }
            if let targetType, let fault = Self.store(targets, as: targetType, at: targetBytes.pointer) {
                throw notFinite(row: rows.lowerBound + fault.row, feature: nil)
            }
            try body(
                rows.count,
                UnsafeRawBufferPointer(start: inputBytes.pointer, count: rows.count * features * inputType.byteCount),
                UnsafeRawBufferPointer(
                    start: targetBytes.pointer, count: rows.count * columns * (targetType?.byteCount ?? 0)))
        }
    }

    /// Converts a block; where a number is that the type does not have, if there is one.
    private static func store(
        _ matrix: MatrixView<Double>, as type: StoredType, at bytes: UnsafeMutablePointer<UInt8>
    ) -> (row: Int, column: Int)? {
        func destination<Element>(_: Element.Type) -> MatrixView<Element> {
            MatrixView(
                pointer: UnsafeMutableRawPointer(bytes).assumingMemoryBound(to: Element.self), rows: matrix.rows,
                columns: matrix.columns, stride: matrix.columns)
        }
        let isWhole =
            switch type {
            case .float32: ScalarStorage.store(matrix, to: destination(Float.self))
            case .float64: ScalarStorage.store(matrix, to: destination(Double.self))
            case .uint8: storeWhole(matrix, to: destination(UInt8.self))
            case .int32: storeWhole(matrix, to: destination(Int32.self))
            }
        guard !isWhole else { return nil }
        for row in 0..<matrix.rows {
            for column in 0..<matrix.columns {
                let value = matrix[row, column]
                let fits =
                    switch type {
                    case .float32: Float(value).isFinite
                    case .float64: value.isFinite
                    case .uint8: UInt8(exactly: value) != nil
                    case .int32: Int32(exactly: value) != nil
                    }
                if !fits { return (row, column) }
            }
        }
        return nil
    }

    private static func storeWhole<Element: FixedWidthInteger & BitwiseCopyable>(
        _ source: MatrixView<Double>, to destination: MatrixView<Element>
    ) -> Bool {
        for row in 0..<source.rows {
            for column in 0..<source.columns {
                guard let value = Element(exactly: source[row, column]) else { return false }
                destination[row, column] = value
            }
        }
        return true
    }

    private func notFinite(row: Int, feature: Int?) -> DataError {
        let place = source.place(row: row) + (feature.map { ", " + source.place(feature: $0) } ?? "")
        let what = feature == nil ? "a target" : "the input"
        return DataError(
            .badData, source: feature == nil ? source.targetName : source.name, place: place,
            problem:
                "\(what) is NaN, infinite, or too large for \((feature == nil ? targetType : inputType)?.rawValue ?? "")",
            remedy: "replace the value or leave the sample out")
    }
}
