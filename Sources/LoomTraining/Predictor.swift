import LoomData
import LoomKernels
import LoomModel

/// A network's predictions for one sample at a time, on the calling thread: nothing is allocated and nobody is waited for.
///
/// Not to be used by two threads at once: each has one of its own, which takes the memory of one sample. The bits are those of
/// an `Evaluator`.
public final class Predictor<Scalar: LoomScalar> {
    /// The number of features of a sample.
    public let inputs: Int
    /// The number of outputs of a prediction.
    public let outputs: Int
    private let workspace: Workspace<Scalar>
    private let sample: AlignedBuffer<Scalar>
    private let products: NetworkProductsMemory<Scalar>
    private let standardization: Standardization?

    /// A predictor of `network` with `parameters`, which it reads anew at every call.
    /// - Parameters:
    ///   - standardization: What is done to every feature first; nil: nothing.
    ///   - gemmBackend: Who multiplies matrices.
    package init(
        network: Network<Scalar>, parameters: ParameterBuffer<Scalar>, standardization: Standardization?,
        gemmBackend: GemmBackend
    ) {
        inputs = network.inputs
        outputs = network.outputs
        self.standardization = standardization
        workspace = Workspace(
            network: network, parameters: parameters, capacity: 1, training: false, gemmBackend: gemmBackend)
        sample = AlignedBuffer(count: Padding.stride(columns: network.inputs, of: Scalar.self), repeating: 0)
        products = NetworkProductsMemory(workspace.handle, rows: 1, training: false, data: Self.row(sample, inputs))
    }

    private static func row(_ sample: AlignedBuffer<Scalar>, _ inputs: Int) -> MatrixView<Scalar> {
        MatrixView(pointer: sample.pointer, rows: 1, columns: inputs, stride: sample.count)
    }

    /// Writes the prediction for `sample`, which has `inputs` features, to `prediction`, which has `outputs` places.
    public func predict(_ sample: UnsafeBufferPointer<Scalar>, into prediction: UnsafeMutableBufferPointer<Scalar>) {
        precondition(sample.count == inputs && prediction.count == outputs, "one sample, and its prediction")
        let row = Self.row(self.sample, inputs)
        row.pointer.update(from: sample.baseAddress!, count: inputs)
        if let standardization {
            _ = ScalarStorage.standardize(
                row, to: row, means: standardization.means, deviations: standardization.deviations)
        }
        withExtendedLifetime((workspace, products)) {
            let network = workspace.handle
            // As a worker does: the bits are the same.
            flushingSubnormals {
                network.forward(rows: 0..<1, data: row, products: products.products)
                network.predict(rows: 0..<1)
            }
            prediction.baseAddress!.update(from: network.prediction.pointer, count: outputs)
        }
    }

    /// The prediction for `sample`: its `outputs`.
    /// - Throws: `ModelError`: the sample has another number of features than those of the training.
    public func predict(_ sample: [Scalar]) throws(ModelError) -> [Scalar] {
        guard sample.count == inputs else {
            throw ModelError("the sample has \(sample.count) features, but the network has \(inputs) inputs")
        }
        return [Scalar](unsafeUninitializedCapacity: outputs) { prediction, count in
            sample.withUnsafeBufferPointer {
                predict($0, into: UnsafeMutableBufferPointer(rebasing: prediction[..<outputs]))
            }
            count = outputs
        }
    }
}
