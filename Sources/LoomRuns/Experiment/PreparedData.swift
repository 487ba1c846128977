import LoomConfiguration
import LoomData
import LoomKernels
import LoomModel
import LoomTraining

/// The data of a run as the trainer uses it: converted to what the loss needs, split and standardised.
public struct PreparedData<Scalar: LoomScalar>: Sendable {
    /// The samples to train on.
    public let training: Dataset<Scalar>
    /// The samples to validate on.
    public let validation: Dataset<Scalar>?
    /// The shift and scale that were applied to all inputs; nil: none.
    public let standardization: Standardization?
    /// How targets were converted; data to evaluate on is converted the same way.
    public let conversion: TargetConversion
    /// The names of the classes, where labels were text.
    public let classNames: [String]?
    /// What was detected or decided, for the user.
    public let notes: [String]

    /// Reads or makes the data that `description` asks for, for `network` (its number of inputs does not
    /// matter) and `loss`.
    /// - Throws: `DataError` naming file, line and column, or the key; `ModelError` for more classes than
    ///   units.
    public init(_ description: DataDescription, network: NetworkDescription, loss: LossDescription) throws {
        try self.init(OpenedData(description, network: network, loss: loss))
    }

    /// Reads or makes the data of `opened`.
    /// - Throws: `DataError` naming file, line and column, or the key.
    init(_ opened: OpenedData) throws {
        let (description, source, conversion) = (opened.description, opened.source, opened.conversion)
        var parts: (training: [UInt32]?, validation: [UInt32]?)
        if case .split(let fraction, let stratified, let seed) = description.validation {
            let split =
                stratified
                ? try Split(
                    stratifiedBy: opened.labels(), fraction: fraction, seed: seed,
                    shuffle: description.shuffle)
                : try Split(count: source.count, fraction: fraction, seed: seed, shuffle: description.shuffle)
            parts = (split.training, split.validation)
        }
        let standardization: Standardization?
        if description.standardize {
            (training, standardization) = try Dataset<Scalar>.standardizing(
                source, rows: parts.training, conversion: conversion)
        } else {
            (training, standardization) = (try Dataset(source, rows: parts.training, conversion: conversion), nil)
        }
        self.standardization = standardization
        if let held = opened.held {
            validation = try Dataset(held.source, conversion: held.conversion, standardization: standardization)
        } else {
            validation = try parts.validation.map {
                try Dataset(source, rows: $0, conversion: conversion, standardization: standardization)
            }
        }
        self.conversion = conversion
        self.classNames = source.targetColumns.classNames
        self.notes = opened.notes
    }
}
