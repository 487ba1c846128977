import LoomKernels
import LoomModel

extension NetworkHandle {
    /// Forward with products that are planned for this call only.
    package func forward(rows: Range<Int>, data: MatrixView<Scalar>, callShapes: [CallShape]? = nil) {
        let memory = NetworkProductsMemory(
            self, rows: rows.count, training: false, callShapes: callShapes, data: data)
        withExtendedLifetime(memory) { forward(rows: rows, data: data, products: memory.products) }
    }

    /// Backward with products that are planned for this call only; `data` as in `forward`.
    package func backward(rows: Range<Int>, data: MatrixView<Scalar>, callShapes: [CallShape]? = nil) {
        let memory = NetworkProductsMemory(self, rows: rows.count, callShapes: callShapes, data: data)
        withExtendedLifetime(memory) { backward(rows: rows, products: memory.products) }
    }
}
