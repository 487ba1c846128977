import LoomTraining

extension Trainer {
    /// Goes on from a checkpoint: parameters, optimizer state and step.
    /// - Throws: `SafetensorsError` naming a tensor that is missing or has another shape; nothing has changed then.
    public func restore(_ checkpoint: Safetensors) throws(SafetensorsError) {
        step = try Checkpoint.restore(checkpoint, parameters: parameters, state: state)
    }
}
