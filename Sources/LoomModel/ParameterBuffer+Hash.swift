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

    /// Takes over the values of `other`, which has the same layout.
    package func copy(_ other: ParameterBuffer) {
        precondition(layout == other.layout, "the layouts are equal")
        elements.pointer.update(from: other.elements.pointer, count: elements.columns)
    }
}
