import LoomKernels

extension ParameterBuffer {
    /// SHA-256 over the parameters' bytes, tensor by tensor in the order of the layout and row by row as in a checkpoint,
    /// as hexadecimal digits.
    public var hash: String {
        let sum = SHA256()
        for index in layout.tensors.indices {
            for row in rows(index) { sum.add(row) }
        }
        return sum.digits()
    }
}
