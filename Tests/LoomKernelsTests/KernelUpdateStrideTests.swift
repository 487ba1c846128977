import CKernels
import LoomKernels
import Testing

/// Updates by a gradient whose rows have another stride than those of the weights.
@Suite struct KernelUpdateStrideTests {
    /// Rows of `matrix`, `stride` elements apart, with poison between them.
    private static func spread<Scalar: KernelScalar>(
        _ matrix: PaddedMatrix<Scalar>, stride: Int
    ) -> AlignedBuffer<Scalar> {
        let result = AlignedBuffer<Scalar>(count: max(1, matrix.rows) * stride, repeating: .nan)
        let padded = min(stride, matrix.stride)
        for row in 0..<matrix.rows {
            // The padding of the gradient is read with that of the weights.
            (result.pointer + row * stride).update(from: matrix.row(row), count: padded)
        }
        return result
    }

    /// But for the padding, whose numbers mean nothing.
    private static func hasSameBits<Scalar: KernelScalar>(
        _ a: PaddedMatrix<Scalar>, _ b: PaddedMatrix<Scalar>, columns: Int
    ) -> Bool {
        let lanes = 64 / MemoryLayout<Scalar>.stride, padded = (columns + lanes - 1) / lanes * lanes
        return (0..<a.rows).allSatisfy { row in
            (0..<a.columns).allSatisfy { (columns..<padded).contains($0) || a[row, $0] == b[row, $0] }
        }
    }

    static func check<Scalar: KernelScalar>(
        _: Scalar.Type, _ variant: KernelVariant, _ rule: UpdateRule, rows: Int, columns: Int
    ) {
        let lanes = 64 / MemoryLayout<Scalar>.stride
        var generator = KernelTestGenerator(seed: 41)
        func matrix(columns: Int, _ range: ClosedRange<Double>) -> PaddedMatrix<Scalar> {
            PaddedMatrix(rows: rows, columns: columns, poison: [0]) { _, _ in generator.uniform(range) }
        }
        // Parameters without gaps, and columns of a wider matrix.
        for wider in [0, 2 * lanes] {
            let parameters = [-1.0...1.0, -1...1, 0...1].map { matrix(columns: columns + wider, $0) }
            let gradients = matrix(columns: columns, -1...1)
            let stride = parameters[0].stride
            let expected = parameters.map { $0.copy() }
            let ordinary = spread(gradients, stride: stride)
            func update(_ parts: [PaddedMatrix<Scalar>], _ gradient: UnsafePointer<Scalar>, _ gradientStride: Int) {
                var settings = UpdateSettings(gradientScale: 0.5, l2Twice: 0.02, weightDecay: 0.1)
                settings.gradientStride = gradientStride
                Scalar.update(
                    variant, rule, settings, rows: rows, columns: columns, stride: stride, weights: parts[0].pointer,
                    gradients: gradient, first: parts[1].pointer, second: parts[2].pointer)
            }
            update(expected, ordinary.pointer, 0)
            for gradientStride in [gradients.stride, gradients.stride + lanes, stride, stride + 3 * lanes] {
                let found = parameters.map { $0.copy() }
                let own = spread(gradients, stride: gradientStride)
                update(found, own.pointer, gradientStride)
                let label = "\(variant), \(Scalar.self), \(rule), \(rows) × \(columns) of \(stride), \(gradientStride)"
                for (index, name) in ["weights", "first state", "second state"].enumerated() {
                    let isSame = hasSameBits(found[index], expected[index], columns: columns)
                    #expect(isSame, "\(label): \(name)")
                }
            }
        }
    }

    @Test("Strides of gradients", arguments: KernelVariant.all, UpdateRule.allCases)
    func strides(_ variant: KernelVariant, _ rule: UpdateRule) {
        for columns in testedColumns where columns < 200 {
            for rows in [1, 2, 7] {
                Self.check(Float.self, variant, rule, rows: rows, columns: columns)
                Self.check(Double.self, variant, rule, rows: rows, columns: columns)
            }
        }
    }

    /// Other addends lie as the first one does; a copy of the weights lies as these do.
    @Test("Several matrices and a copy", arguments: KernelVariant.all, UpdateRule.allCases)
    func addendsAndMirrors(_ variant: KernelVariant, _ rule: UpdateRule) {
        let (rows, columns, stride, gradientStride) = (5, 19, 48, 32)
        var generator = KernelTestGenerator(seed: 42)
        func matrix(rows: Int, columns: Int, _ range: ClosedRange<Double>) -> PaddedMatrix<Float> {
            PaddedMatrix(rows: rows, columns: columns, poison: [0]) { _, _ in generator.uniform(range) }
        }
        let gradients = (0..<3).map { _ in matrix(rows: rows, columns: columns, -1...1) }
        let parameters = [-1.0...1.0, -1...1, 0...1].map { matrix(rows: 2 * rows, columns: stride, $0) }
        let results = [stride, gradientStride].map { gradientStride in
            let memory = AlignedBuffer<Float>(count: 3 * rows * gradientStride, repeating: .nan)
            for (index, gradient) in gradients.enumerated() {
                let spread = Self.spread(gradient, stride: gradientStride)
                (memory.pointer + index * rows * gradientStride).update(from: spread.pointer, count: spread.count)
            }
            var settings = UpdateSettings(gradientScale: 0.5, l2Twice: 0.02)
            settings.gradientStride = gradientStride == stride ? 0 : gradientStride
            settings.addends = [0, 1, 1].enumerated().map {
                loom_addend(offset: $0 * rows * gradientStride, merges: $1)
            }
            settings.mirrors = [rows * stride]
            let found = parameters.map { $0.copy() }
            Float.update(
                variant, rule, settings, rows: rows, columns: columns, stride: stride, weights: found[0].pointer,
                gradients: memory.pointer, first: found[1].pointer, second: found[2].pointer)
            return found
        }
        for index in 0..<3 {
            let isSame = Self.hasSameBits(results[1][index], results[0][index], columns: columns)
            #expect(isSame, "\(variant), \(rule), \(index)")
        }
        let isCopied = (0..<rows).allSatisfy { row in
            (0..<columns).allSatisfy { results[1][0][row, $0] == results[1][0][rows + row, $0] }
        }
        #expect(isCopied, "\(variant), \(rule): the copy")
    }
}
