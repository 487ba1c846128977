/// How many batch rows one product of a connection covers. It is part of the result's bits: a BLAS may add in another
/// order for another shape.
package struct CallShape: BitwiseCopyable, Sendable, Equatable {
    /// Rows of one forward product; `.max`: as many as there are.
    package var rowsPerForwardCall: Int
    /// Rows of one backward product; `.max`: as many as there are.
    package var rowsPerBackwardCall: Int

    /// Products of the given numbers of rows.
    package init(rowsPerForwardCall: Int = .max, rowsPerBackwardCall: Int = .max) {
        self.rowsPerForwardCall = rowsPerForwardCall
        self.rowsPerBackwardCall = rowsPerBackwardCall
    }
}
