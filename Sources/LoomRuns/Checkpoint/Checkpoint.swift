import LoomKernels
import LoomModel
import LoomTraining

/// Parameters, optimizer state and step of a training in a safetensors file: enough to evaluate, predict and go on with
/// the same bits.
///
/// Tensors are called as in the parameter layout (`LAYER.weights`, units × inputs, or `LAYER.weights.INPUT` for each of
/// several inputs; `LAYER.bias`); the optimizer's buffers have the same names behind `optimizer.first.`
/// and `optimizer.second.`.
public enum Checkpoint {
    private static let stepKey = "step"
    private static let numericsKey = "numerics"

    /// The contents of a checkpoint of a training under the identity `numerics`; `metadata` and `extraTensors` are kept with
    /// it.
    public static func contents<Scalar: LoomScalar>(
        parameters: ParameterBuffer<Scalar>, state: OptimizerState<Scalar>?, step: Int, numerics: NumericsIdentity,
        metadata: [String: String] = [:], extraTensors: [Safetensors.Tensor] = []
    ) -> Safetensors {
        let tensors = buffers(parameters, state).flatMap { named($0.buffer, prefix: $0.prefix) }
        return Safetensors(
            tensors: tensors + extraTensors, metadata: complete(metadata, step: step, numerics: numerics))
    }

    /// Writes what `contents` would hold to `path`, straight from the buffers: no copy of them is made.
    /// - Throws: `AtomicFile.WriteError`.
    public static func write<Scalar: LoomScalar>(
        parameters: ParameterBuffer<Scalar>, state: OptimizerState<Scalar>?, step: Int, numerics: NumericsIdentity,
        metadata: [String: String] = [:], extraTensors: [Safetensors.Tensor] = [], to path: String
    ) throws {
        let parts = buffers(parameters, state).flatMap { $0.buffer.parts(prefix: $0.prefix) }
        try Safetensors.write(
            parts + extraTensors.map(Safetensors.Part.init),
            metadata: complete(metadata, step: step, numerics: numerics), withChecksums: true, to: path)
    }

    /// The parameters of `file`, and what belongs to the model beside them, with `metadata`: no optimizer's state.
    static func withoutState(_ file: Safetensors, metadata: [String: String]) -> Safetensors {
        Safetensors(
            tensors: file.tensors.filter { tensor in
                !OptimizerDescription.statePrefixes.contains { tensor.name.hasPrefix($0) }
            },
            metadata: complete(
                metadata, step: file.metadata[stepKey].flatMap(Int.init) ?? 0, numerics: numerics(of: file)))
    }

    private static func complete(
        _ metadata: [String: String], step: Int, numerics: NumericsIdentity
    ) -> [String: String] {
        let own = [stepKey: String(step), numericsKey: numerics.rawValue, "format": "gradloom"]
        return metadata.merging(own) { $1 }
    }

    /// The identity that the training in `file` was under; `fma0` where the file does not say.
    public static func numerics(of file: Safetensors) -> NumericsIdentity {
        file.metadata[numericsKey].map(NumericsIdentity.init) ?? .fma0
    }

    /// Refuses a file without the tensors of `layout`.
    /// - Throws: `SafetensorsError` naming a tensor that is missing or has another shape.
    static func check(_ file: Safetensors, holds layout: ParameterLayout) throws(SafetensorsError) {
        for tensor in layout.tensors { _ = try file.tensor(tensor.name, shape: tensor.shape) }
    }

    /// Replaces `parameters`, and `state` if given, by those of `file`; returns its step.
    /// - Throws: `SafetensorsError` naming a tensor that is missing or has another shape; nothing is replaced then.
    public static func restore<Scalar: LoomScalar>(
        _ file: Safetensors, parameters: ParameterBuffer<Scalar>, state: OptimizerState<Scalar>? = nil
    ) throws(SafetensorsError) -> Int {
        var found: [(buffer: ParameterBuffer<Scalar>, index: Int, values: Safetensors.Values)] = []
        for (prefix, buffer) in buffers(parameters, state) {
            for (index, tensor) in buffer.layout.tensors.enumerated() {
                found.append((buffer, index, try file.tensor(prefix + tensor.name, shape: tensor.shape).values))
            }
        }
        for (buffer, index, values) in found {
            buffer.setValues(index, to: values.converted(to: Scalar.self))
        }
        return file.metadata[stepKey].flatMap(Int.init) ?? 0
    }

    /// The steps that were done when `file` was written.
    /// - Throws: `SafetensorsError`: the file does not say, and is no checkpoint of a training.
    static func step(of file: Safetensors) throws(SafetensorsError) -> Int {
        guard let step = file.metadata[stepKey].flatMap(Int.init), TrainingState.possibleCounts.contains(step) else {
            throw SafetensorsError(path: file.path, tensor: nil, problem: .metadata(key: stepKey))
        }
        return step
    }

    /// What a checkpoint holds, with the prefix of its tensors' names.
    private static func buffers<Scalar: LoomScalar>(
        _ parameters: ParameterBuffer<Scalar>, _ state: OptimizerState<Scalar>?
    ) -> [(prefix: String, buffer: ParameterBuffer<Scalar>)] {
        [("", parameters)]
            + zip(OptimizerDescription.statePrefixes, [state?.first, state?.second]).compactMap { prefix, buffer in
                buffer.map { (prefix, $0) }
            }
    }

    private static func named<Scalar: LoomScalar>(
        _ buffer: ParameterBuffer<Scalar>, prefix: String
    ) -> [Safetensors.Tensor] {
        buffer.layout.tensors.enumerated().map { index, tensor in
            Safetensors.Tensor(
                name: prefix + tensor.name, shape: tensor.shape, values: .init(buffer.values(index)))
        }
    }
}

extension Safetensors.Values {
    /// The numbers in the file format's type for `Scalar`.
    package init<Scalar: LoomScalar>(_ values: [Scalar]) {
        switch Scalar.precision {
        case .float32: self = .float32(values.map { Float($0) })
        case .float64: self = .float64(values.map { Double($0) })
        }
    }
}
