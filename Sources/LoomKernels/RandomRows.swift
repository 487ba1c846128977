import CKernels

/// Rows of random numbers in float32, many at a time: any row can be made anywhere, at any time, with the same bits on every
/// machine.
///
/// A number depends on seed, purpose, sub-stream, the row's index, its place in the row and the number of columns, and on
/// nothing else. The words behind the numbers are those of Philox4x32 with 7 rounds (Salmon, Moraes, Dror and Shaw 2011,
/// doi:10.1145/2063384.2063405).
package struct RandomRows: Sendable {
    private let seed: UInt64
    private let purpose: CounterRandom.Purpose
    private let subStream: UInt32

    /// The rows of `purpose` for `seed`; `subStream` tells apart several of them.
    package init(seed: UInt64, purpose: CounterRandom.Purpose, subStream: UInt32 = 0) {
        (self.seed, self.purpose, self.subStream) = (seed, purpose, subStream)
    }

    /// Row i of `rows` = the standard normal numbers of row `indices[i]`: up to 6.7 in magnitude, by Box and Muller 1958,
    /// doi:10.1214/aoms/1177706645, from 31 and 32 random bits for each pair.
    @inline(__always)
    package func makeNormals(_ indices: UnsafePointer<UInt64>, into rows: MatrixView<Float>) {
        Float.kernels.pointee.normal_rows(
            seed, purpose.rawValue, subStream, rows.rows, rows.columns, indices, rows.pointer, rows.stride)
    }

    /// Row i of `rows` = the numbers of row `indices[i]`, uniform in (0, 1), of 24 random bits each.
    @inline(__always)
    package func makeUniforms(_ indices: UnsafePointer<UInt64>, into rows: MatrixView<Float>) {
        Float.kernels.pointee.uniform_rows(
            seed, purpose.rawValue, subStream, rows.rows, rows.columns, indices, rows.pointer, rows.stride)
    }
}

/// The weights of a layer that labels generated samples: inputs × units in float32, rows padded to whole vectors with zeros.
package final class DenseWeights: Sendable {
    /// The inputs.
    package let inputs: Int
    /// The units.
    package let units: Int
    private let elements: AlignedBuffer<Float>
    /// The distance of two rows, in weights and in outputs.
    package let stride: Int

    /// The weights of `inputs` × `units`, row by row, rounded to float32.
    package init(_ weights: [Double], inputs: Int, units: Int) {
        precondition(weights.count == inputs * units, "a weight for each input and unit")
        self.inputs = inputs
        self.units = units
        stride = Padding.stride(columns: units, of: Float.self)
        elements = AlignedBuffer(count: inputs * stride, repeating: 0)
        for input in 0..<inputs {
            for unit in 0..<units { elements.pointer[input * stride + unit] = Float(weights[input * units + unit]) }
        }
    }

    /// outputs = samples · weights; the first `inputs` columns of `samples` count. The outputs' rows are aligned to 64 bytes and
    /// have this object's stride.
    @inline(__always)
    package func multiply(_ samples: MatrixView<Float>, into outputs: MatrixView<Float>) {
        assert(samples.columns >= inputs && outputs.columns == units && outputs.stride == stride, "shapes of the layer")
        Float.kernels.pointee.dense_rows(
            samples.rows, inputs, units, samples.pointer, samples.stride, elements.pointer, stride, outputs.pointer,
            outputs.stride)
    }
}
