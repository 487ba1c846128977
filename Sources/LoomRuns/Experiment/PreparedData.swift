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
        let place = opened.place(Scalar.self)
        if place == .memory {
            try source.verifyContent()
            try opened.held?.source.verifyContent()
        }
        let parts = try opened.parts()
        // Samples that validate have no part in what stands for missing numbers.
        if let csv = source as? CSVSource { source = try csv.replacingMissing(byMeansOf: parts.training) }
        csvColumns = (source as? CSVSource)?.columns
        let resident: Dataset<Scalar>?
        let standardization: Standardization?
        if opened.description.standardize, let synthetic = source as? SyntheticSource {
            standardization = try synthetic.standardization(of: parts.training)
            resident = nil
        } else if opened.description.standardize, source is any MappedSource {
            // Read twice rather than kept in float64.
            standardization = try Standardization(of: source, rows: parts.training)
            resident = nil
        } else if opened.description.standardize {
            (resident, standardization) = try Dataset<Scalar>.standardizing(
                source, rows: parts.training, conversion: conversion, progress: progress)
        } else {
            (resident, standardization) = (nil, nil)
        }
        func feed(
            _ source: any DataSource, _ rows: RowSelection, _ conversion: TargetConversion
        ) throws -> SampleFeed<Scalar> {
            if place == .generated, let synthetic = source as? SyntheticSource, let range = rows.range(of: source.count)
            {
                return .generated(
                    try GeneratedSamples(
                        synthetic, range: range, conversion: conversion, standardization: standardization))
            }
            if place == .mapped, let inputs = (source as? any MappedSource)?.mappedInputs() {
                return .mapped(
                    try MappedSamples(
                        source, inputs: inputs, rows: rows, conversion: conversion, standardization: standardization,
                        mostBytes: opened.mostMappedBytes))
            }
            return .resident(
                try Dataset(
                    source, rows: rows, conversion: conversion, standardization: standardization, progress: progress))
        }
        self.standardization = standardization
        let unweighted = try resident.map { .resident($0) } ?? feed(source, parts.training, conversion)
        let weighting = try Weighting(opened, training: unweighted)
        training = try weighting.applied(to: unweighted, parts.training)
        if let held = opened.held {
            let heldSource = (held.source as? CSVSource)?.replacingMissing(by: csvColumns) ?? held.source
            // Weights of their own, where a column has them.
            validation = try feed(heldSource, .all, held.conversion).weighted(
                classes: weighting.classes, samples: (heldSource as? CSVSource)?.sampleWeights())
        } else {
            validation = try parts.validation.map {
                try weighting.applied(to: feed(source, $0, conversion), $0)
            }
        }
        self.conversion = conversion
        classWeights = weighting.classes
        self.classNames = source.targetColumns.classNames
        self.targetNames = source.targetColumns.names
        self.notes = opened.notes + weighting.notes + opened.materializationNotes(Scalar.self)
    }
}

extension SyntheticSource {
    /// Numbers that a standardisation is computed from, at most: 256 MiB in float64.
    private static let mostNumbers = 1 << 25
    /// Samples that it is computed from, at most: means are known to 0.4 % of a deviation.
    private static let mostSamples = 1 << 16

    /// Means and deviations of some of the samples `rows`, evenly over all of them: the same ones whether samples are kept or
    /// made while training.
    func standardization(of rows: RowSelection) throws(DataError) -> Standardization {
        let most = min(Self.mostSamples, max(1024, Self.mostNumbers / featureCount))
        let looked: RowSelection = rows.range(of: count).map { .every($0, count: min(most, $0.count)) } ?? rows
        return Standardization(of: try Dataset<Double>(self, rows: looked, conversion: nil))
    }
}
