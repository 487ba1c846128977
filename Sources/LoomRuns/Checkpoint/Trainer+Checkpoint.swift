import LoomTraining

extension Trainer {
    /// Goes on from a checkpoint: parameters, optimizer state, step, and what the epoch in progress has come to.
    /// - Throws: `SafetensorsError` naming a tensor that is missing or has another shape, or an entry of the metadata;
    ///   nothing has changed then.
    public func restore(_ checkpoint: Safetensors) throws(SafetensorsError) {
        let (its, training) = (try Checkpoint.step(of: checkpoint), try TrainingState(checkpoint))
        _ = try Checkpoint.restore(checkpoint, parameters: parameters, state: state)
        step = its
        epochSums = training?.epochSums ?? LossSums()
        learningRateHalvings = training?.learningRateHalvings ?? 0
    }
}
