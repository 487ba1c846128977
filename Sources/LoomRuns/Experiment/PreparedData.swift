import LoomConfiguration
import LoomData
import LoomKernels
import LoomModel
import LoomTraining

/// The data of a run as the trainer uses it: converted to what the loss needs, split and standardised.
public struct PreparedData<Scalar: LoomScalar>: Sendable {
    /// The samples to train on.
    public let training: SampleFeed<Scalar>
    /// The samples to validate on.
    public let validation: SampleFeed<Scalar>?
    /// The shift and scale that were applied to all inputs; nil: none.
    public let standardization: Standardization?
    /// How the feature columns of a CSV file became features; nil: each is one number.
    public let csvColumns: [CSVColumn]?
    /// How targets were converted; data to evaluate on is converted the same way.
    public let conversion: TargetConversion
    /// How much each class counts in the loss; nil: as much as it has samples.
    public let classWeights: [Double]?
    /// The names of the classes, where labels were text.
    public let classNames: [String]?
    /// The names of the target columns, where they are known.
    public let targetNames: [String]?
    /// What was detected or decided, for the user.
    public let notes: [String]

    /// Reads or makes the data that `description` asks for, for `network` (its number of inputs does not
    /// matter) and `loss`.
    /// - Throws: `DataError` naming file, line and column, or the key; `ModelError` for more classes than
    ///   units.
    public init(_ description: DataDescription, network: NetworkDescription, loss: LossDescription) throws {
        try self.init(OpenedData(description, network: network, loss: loss))
    }

    /// Reads or makes the data of `opened`; samples that are made while training are only described.
    /// - Parameter progress: Counts the samples as they are read or made.
    /// - Throws: `DataError` naming file, line and column, or the key.
    init(_ opened: OpenedData, progress: LoadProgress? = nil) throws {
        let conversion = opened.conversion
        var source = opened.source
        if [.memory, .disk].contains(opened.place(Scalar.self)) {
            try source.verifyContent()
            try opened.held?.source.verifyContent()
        }
        let parts = try opened.parts()
        // Samples that validate have no part in what stands for missing numbers.
        if let csv = source as? CSVSource { source = try csv.replacingMissing(byMeansOf: parts.training) }
        csvColumns = (source as? CSVSource)?.columns
        let samples = try SamplesInPlace<Scalar>(opened, source, training: parts.training, progress: progress)
        standardization = samples.standardization
        let unweighted = try samples.training
        let weighting = try Weighting(opened, training: unweighted)
        training = try weighting.applied(to: unweighted, parts.training)
        if let held = opened.held {
            let heldSource = (held.source as? CSVSource)?.replacingMissing(by: csvColumns) ?? held.source
            // Weights of their own, where a column has them.
            validation = try samples.other(heldSource, held.conversion).weighted(
                classes: weighting.classes, samples: heldSource.sampleWeights())
        } else {
            validation = try parts.validation.map { try weighting.applied(to: samples.part($0), $0) }
        }
        self.conversion = conversion
        classWeights = weighting.classes
        self.classNames = source.targetColumns.classNames
        self.targetNames = source.targetColumns.names
        self.notes = opened.notes + weighting.notes + opened.materializationNotes(Scalar.self)
    }
}
