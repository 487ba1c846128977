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
        let source = try description.source.open()
        let needs = TargetNeeds(loss: loss, output: network.output, outputs: network.layers.last?.units ?? 0)
        try Self.check(source.targetColumns.classNames, against: needs, network: network)
        try Self.check(description.labels, against: source)
        let conversion = try TargetConversion(from: source, to: needs, base: description.labels.base)
        var notes = source.notes + [conversion.note].compactMap { $0 }
        switch description.validation {
        case .none:
            training = try Dataset(source, conversion: conversion)
            validation = nil
        case .split(let fraction, let stratified, let seed):
            let split =
                stratified
                ? try Split(
                    stratifiedBy: Self.labels(of: source, conversion), fraction: fraction, seed: seed,
                    shuffle: description.shuffle)
                : try Split(count: source.count, fraction: fraction, seed: seed, shuffle: description.shuffle)
            training = try Dataset(source, rows: split.training, conversion: conversion)
            validation = try Dataset(source, rows: split.validation, conversion: conversion)
        case .source(let other):
            let held = try other.open(beside: source)
            training = try Dataset(source, conversion: conversion)
            validation = try Dataset(
                held, conversion: TargetConversion(from: held, to: needs, base: conversion.base))
            notes += held.notes.map { "validation data: \($0)" }
        }
        if description.standardize {
            let standardization = Standardization(of: training)
            try standardization.apply(to: training)
            if let validation { try standardization.apply(to: validation) }
            self.standardization = standardization
        } else {
            standardization = nil
        }
        self.conversion = conversion
        self.classNames = source.targetColumns.classNames
        self.notes = notes
    }

    /// Refuses targets that are declared one-hot and are not.
    private static func check(_ declared: LabelForm, against source: any DataSource) throws(DataError) {
        guard declared == .oneHot else { return }
        if case .oneHot = source.targetColumns.form { return }
        throw DataError(
            .badData, source: source.targetName,
            problem: "data.labels.base is one_hot, but the targets are \(source.targetColumns.form.phrase)",
            remedy: "give one column for each class with a single 1 per row, or set it to auto")
    }

    /// Refuses more classes in text than the network has units for: the labels' indices would say little to a
    /// reader.
    private static func check(
        _ classNames: [String]?, against needs: TargetNeeds, network: NetworkDescription
    ) throws {
        guard let classNames, case .classes(let units) = needs, classNames.count > units else { return }
        let names = classNames.prefix(20).joined(separator: ", ") + (classNames.count > 20 ? ", …" : "")
        throw ModelError(
            "the last layer '\(network.layers.last?.name ?? "")' has \(units) units, but the labels name "
                + "\(classNames.count) classes (\(names)); give it \(classNames.count) units")
    }

    private static func labels(of source: any DataSource, _ conversion: TargetConversion) throws -> [Int32] {
        let all = try Dataset<Float>(source, conversion: conversion)
        guard case .labels(let labels, _) = all.targets else {
            throw DataError(
                .badConfiguration, source: "data.validation.stratified",
                problem: "the targets are not classes, so there is nothing to stratify by",
                remedy: "leave `stratified` out")
        }
        return Array(labels.elements)
    }
}

extension DataSourceDescription {
    /// Opens the source.
    /// - Throws: `DataError`.
    public func open() throws(DataError) -> any DataSource {
        switch self {
        case .synthetic(let description): try SyntheticSource(description)
        case .csv(let description): try CSVSource(path: description.path, options: description.options)
        case .npy(let description): try NpySource(inputs: description.inputs, targets: description.targets)
        case .inline(let description):
            try InlineSource(inputs: description.inputs, targets: description.targets, name: "data.inline")
        }
    }
}

extension LabelForm {
    /// The base that the conversion is told; one-hot columns are recognised by their form.
    var base: LabelBase {
        switch self {
        case .automatic, .oneHot: .automatic
        case .fromZero: .zero
        case .fromOne: .one
        }
    }
}
