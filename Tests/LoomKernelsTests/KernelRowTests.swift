import CKernels
import Testing

/// Column sums, sums of squares and the gathering of rows.
@Suite struct KernelRowTests {
    static func checkSums<Scalar: KernelScalar>(_: Scalar.Type, _ variant: KernelVariant, columns: Int) {
        let matrix = KernelMatrixTests.matrix(Scalar.self, columns: columns, seed: 31)
        let guardValue: Scalar = 12345
        for rows in 0...testedRows {
            let label = "\(variant), \(Scalar.self), \(rows) × \(columns)"
            var sums = [Scalar](repeating: guardValue, count: columns + 16)
            variant.kernels(Scalar.self).column_sums(rows, columns, matrix.stride, matrix.pointer, &sums)
            let isGuardIntact = sums[columns...].allSatisfy { $0 == guardValue }
            #expect(isGuardIntact, "\(label): wrote past the sums")
            let squares = variant.kernels(Scalar.self).sum_of_squares(rows, columns, matrix.stride, matrix.pointer)
            guard rows % 8 <= 1 else { continue }
            var expected = [Double](repeating: 0, count: columns), expectedSquares = 0.0
            for row in 0..<rows {
                for column in 0..<columns {
                    let value = matrix[row, column]
                    expected[column] += value
                    expectedSquares += value * value
                }
            }
            let error = largestKernelError(sums[..<columns].map(\.asDouble), expected)
            #expect(error <= 20 * Scalar.tolerance, "\(label): \(error)")
            // In double precision, also of float32.
            #expect(abs(squares - expectedSquares) <= 1e-12 * (1 + expectedSquares), "\(label): squares")
        }
    }

    @Test("Sums of every shape", arguments: KernelVariant.all, testedColumns)
    func sums(_ variant: KernelVariant, _ columns: Int) {
        Self.checkSums(Float.self, variant, columns: columns)
        Self.checkSums(Double.self, variant, columns: columns)
    }

    /// Sums are added to what is there, and matrices to each other in their order.
    @Test("Sums that are added", arguments: KernelVariant.all, testedColumns)
    func addedSums(_ variant: KernelVariant, _ columns: Int) {
        let matrix = KernelMatrixTests.matrix(Float.self, columns: columns, seed: 32)
        let before = (0..<columns + 16).map { Float($0) - 7.5 }
        var sums = [Float](repeating: 0, count: columns + 16), added = before
        variant.kernels(Float.self).column_sums(testedRows, columns, matrix.stride, matrix.pointer, &sums)
        variant.kernels(Float.self).add_column_sums(testedRows, columns, matrix.stride, matrix.pointer, &added)
        for column in 0..<columns + 16 {
            let expected = column < columns ? before[column] + sums[column] : before[column]
            #expect(added[column] == expected, "\(variant), column \(column) of \(columns)")
        }
    }

    @Test("A column's sum does not depend on its place", arguments: KernelVariant.all)
    func columnPlaces(_ variant: KernelVariant) {
        let lanes = 16, blocks = 10
        let matrix = PaddedMatrix<Float>(rows: 37, columns: lanes * blocks) { row, column in
            let mixed = UInt64(row * 16 + column % 16) &* 0x9e37_79b9_7f4a_7c15
            return Double(mixed >> 40) / 1000
        }
        var sums = [Float](repeating: 0, count: lanes * blocks)
        variant.kernels(Float.self).column_sums(37, lanes * blocks, matrix.stride, matrix.pointer, &sums)
        for column in lanes..<lanes * blocks {
            #expect(sums[column] == sums[column % lanes], "\(variant), column \(column)")
        }
    }

    static func checkGathering<Scalar: KernelScalar>(_: Scalar.Type, _ variant: KernelVariant, columns: Int) {
        // Neither the stride nor the address of the source is aligned, and its last row ends where its memory ends.
        let sourceRows = 50, sourceStride = columns + 3
        let source = (0..<(sourceRows - 1) * sourceStride + columns).map { Scalar(rounding: Double($0 + 1)) }
        var generator = KernelTestGenerator(seed: 3)
        // More rows than are prefetched before the first one, too.
        for count in [0, 1, 7, testedRows, 300] {
            var indices = (0..<count).map { _ in generator.next() % UInt64(sourceRows) }
            if count > 0 { indices[count - 1] = UInt64(sourceRows - 1) }
            let destination = PaddedMatrix<Scalar>(rows: max(count, 1), columns: columns)
            variant.kernels(Scalar.self).gather_rows(
                count, columns, source, sourceStride, indices, destination.pointer, destination.stride)
            for row in 0..<count {
                let isRight = (0..<destination.stride).allSatisfy { column in
                    let value = destination.row(row)[column]
                    return column < columns
                        ? value == source[Int(indices[row]) * sourceStride + column] : value == 0
                }
                #expect(isRight, "\(variant), \(Scalar.self), row \(row), \(columns) columns")
            }
        }
    }

    @Test("Gathered rows, their padding zero", arguments: KernelVariant.all, testedColumns)
    func gathering(_ variant: KernelVariant, _ columns: Int) {
        Self.checkGathering(Float.self, variant, columns: columns)
        Self.checkGathering(Double.self, variant, columns: columns)
    }
}
