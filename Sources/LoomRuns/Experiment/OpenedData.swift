import LoomConfiguration
import LoomData
import LoomHardware
import LoomKernels
import LoomModel
import LoomTraining

/// Samples that a program has, instead of those that a configuration names.
public struct GivenSamples: Sendable {
    /// Those to train on, and where a part of them validates, those to validate on.
    public let training: any DataSource
    /// Those to validate on, if they are others: the configuration's `data.validation` is a source then.
    public let validation: (any DataSource)?

    /// The samples `training`, and `validation`.
    public init(training: any DataSource, validation: (any DataSource)? = nil) {
        (self.training, self.validation) = (training, validation)
    }
}

/// The data of a run before their samples are read: what there is of them, and how it will be used.
struct OpenedData {
    /// What was asked for.
    let description: DataDescription
    /// Where the samples to train on come from, and with a split those to validate on.
    let source: any DataSource
    /// How targets are converted.
    let conversion: TargetConversion
    /// Data of their own to validate on.
    let held: (source: any DataSource, conversion: TargetConversion)?
    /// Where samples can be but in memory; nil: nowhere.
    let otherPlace: Place?
    /// Whether samples are kept in memory only where they cannot be anywhere else.
    let keepsLittle: Bool
    /// Bytes that samples may take in memory.
    let memoryBudgetBytes: Int
    /// What was detected or decided, for the user.
    let notes: [String]

    /// Opens the data that `description` asks for, for `network` (its number of inputs does not matter) and `loss`.
    /// - Parameter given: The samples, where a program has them; nil: those that `description` names.
    /// - Throws: `DataError` naming file, line and column, or the key; `ModelError` for more classes than units.
    init(
        _ description: DataDescription, network: NetworkDescription, loss: LossDescription, keepsLittle: Bool = false,
        from given: GivenSamples? = nil
    ) throws {
        let source = try given?.training ?? description.source.open()
        let needs = TargetNeeds(loss: loss, output: network.output, outputs: network.layers.last?.units ?? 0)
        try Self.check(source.targetColumns.classNames, against: needs, network: network)
        try Self.check(description.labels, against: source)
        let conversion = try TargetConversion(from: source, to: needs, base: description.labels.base)
        var notes = source.notes + [conversion.note].compactMap { $0 }
        if case .source(let other) = description.validation {
            try given?.validation?.check(beside: source)
            let held = try given?.validation ?? other.open(beside: source)
            self.held = (held, try TargetConversion(from: held, to: needs, base: conversion.base))
            notes += held.notes.map { "validation data: \($0)" }
        } else {
            held = nil
        }
        if case .split(let split) = description.validation {
            try split.check(count: source.count)
            notes += try Self.checkGroups(split, description, source)
        }
        self.description = description
        self.keepsLittle = keepsLittle
        self.source = source
        self.conversion = conversion
        memoryBudgetBytes = description.memoryBudgetBytes ?? (MachineMemory.available()?.bytes ?? .max) / 2
        self.notes = notes
        otherPlace = Self.otherPlace([source] + [held?.source].compactMap { $0 }, description)
        try checkMaterialization()
    }

    /// How many samples train and how many validate. By hash, by group and stratified, only about: what each sample is looked
    /// at for is read later.
    var sampleCounts: (training: Int, validation: Int) {
        switch description.validation {
        case .none: return (source.count, 0)
        case .source: return (source.count, held?.source.count ?? 0)
        case .split(let split):
            return (split.trainingCount(of: source.count), split.validationCount(of: source.count))
        }
    }

    /// Which samples train and which validate, of the same source; nil: none of it validate.
    ///
    /// A task's samples are as independent of each other as they can be: the last ones validate, and nobody needs a list.
    func parts() throws(DataError) -> (training: RowSelection, validation: RowSelection?) {
        guard case .split(let description) = description.validation else { return (.all, nil) }
        if let ranges = Self.ranges(of: source, description) {
            return (.range(ranges.training), .range(ranges.validation))
        }
        let split = try Split(
            count: source.count, description, labels: description.isStratified ? labels() : nil,
            groups: description.rule == .group ? groups() : nil, shuffle: self.description.shuffle != .none)
        return (.list(split.training), .list(split.validation))
    }

    /// Both parts where each of them is samples that follow each other; nil: they have to be listed.
    static func ranges(
        of source: any DataSource, _ split: SplitDescription
    ) -> (training: Range<Int>, validation: Range<Int>)? {
        if let ranges = split.ranges(of: source.count) { return ranges }
        guard source is SyntheticSource, split.rule == .random, !split.isStratified, case .fraction = split.part else {
            return nil
        }
        let first = split.trainingCount(of: source.count)
        return (0..<first, first..<source.count)
    }

    /// Bytes that are needed only until the samples are read: what finds them, the numbers of those of each part, and the
    /// training part in float64, if it is standardised and rounded afterwards.
    func loadingBytes<Scalar: LoomScalar>(of _: Scalar.Type) -> Int {
        var index = source.indexBytes + (held?.source.indexBytes ?? 0)
        if otherPlace == .generated { return index }
        if description.standardize, place(Scalar.self) == .memory, !(source is any MappedSource),
            Scalar.precision != .float64
        {
            let columns = if case .values(let columns) = conversion.result { columns } else { 0 }
            index += sampleCounts.training * (source.featureCount + columns) * MemoryLayout<Double>.stride
        }
        guard case .split(let split) = description.validation, Self.ranges(of: source, split) == nil else {
            return index
        }
        // The numbers of all samples, and a mark for each; to stratify, their labels and the numbers by class; groups, their
        // numbers in the file and in the order in which they come.
        let bytes = split.rule == .group ? 5 + 16 : split.isStratified ? 13 : 5
        return index + source.count * bytes
    }

    /// The form of the converted targets.
    var targetShape: TargetShape {
        switch conversion.result {
        case .labels: .label
        case .values(let columns): .values(columns: columns)
        }
    }

    /// The class of every sample.
    /// - Throws: `DataError` when the targets are no classes, or a label is none of them.
    func labels() throws(DataError) -> [Int32] {
        guard conversion.classCount != nil else {
            throw DataError(
                .badConfiguration, source: "data.validation.stratified",
                problem: "the targets are not classes, so there is nothing to stratify by",
                remedy: "leave `stratified` out")
        }
        return try conversion.labels(of: source)
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
        throw ModelError(
            "the last layer '\(network.layers.last?.name ?? "")' has \(units) units, but the labels name "
                + "\(classNames.count) classes (\(NameList.text(classNames))); give it \(classNames.count) units")
    }
}

extension DataSourceDescription {
    /// Opens the source.
    /// - Throws: `DataError`.
    public func open() throws(DataError) -> any DataSource {
        switch self {
        case .synthetic(let description): try SyntheticSource(description)
        case .csv(let description): try CSVSource(path: description.path, options: description.options)
        case .npy(let description):
            try NpySource(inputs: description.inputs, targets: description.targets, scale: description.scale)
        case .dataset(let description): try DatasetDirectory(path: description.path).source()
        case .npz(let description):
            try ArraySource(
                npz: description.path, inputs: description.inputs, targets: description.targets,
                scale: description.scale)
        case .idx(let description):
            try ArraySource(
                idxInputs: description.inputs, targets: description.targets, scale: description.scale)
        case .libsvm(let description): try LibSVMSource(path: description.path, features: description.features)
        case .hdf5(let description):
            try ArraySource(
                hdf5: description.path, inputs: description.inputs, targets: description.targets,
                scale: description.scale)
        case .inline(let description):
            try InlineSource(inputs: description.inputs, targets: description.targets, name: "data.inline")
        case .custom(let description): throw description.unavailable
        }
    }

    /// The number of features, from a description, a header or a first line: samples are looked at where nothing else says it.
    /// - Throws: `DataError` for a file that is missing, or whose beginning is not as it should be.
    package func featureCount() throws(DataError) -> Int {
        switch self {
        case .synthetic(let description): description.featureCount
        case .csv(let description):
            try CSVSource.featureCount(path: description.path, options: description.options)
        case .npy(let description): try NpySource.featureCount(description.inputs)
        case .dataset(let description): try DatasetDirectory(path: description.path).manifest.features
        case .npz(let description): try NpzArchive(path: description.path).array(description.inputs).columns
        case .idx(let description): try NumberArray(idx: description.inputs).columns
        case .libsvm(let description):
            if let features = description.features {
                features
            } else {
                try LibSVMSource(path: description.path, features: nil).featureCount
            }
        case .hdf5(let description): try HDF5File(path: description.path).array(description.inputs).columns
        case .inline(let description): description.inputs.first?.count ?? 0
        case .custom(let description): throw description.unavailable
        }
    }
}

extension CustomDescription {
    /// What whoever has no such samples is told.
    fileprivate var unavailable: DataError {
        DataError(
            .badConfiguration, source: "data.custom",
            problem: "the samples '\(name)' are those of a program, which alone can read them",
            remedy: "name a file or a task instead of data.custom, or give the samples with --data")
    }
}

extension LabelForm {
    /// The base that the conversion is told; one-hot columns are recognised by their form.
    var base: LabelBase {
        switch self {
        case .automatic, .oneHot: .automatic
        case .fromZero: .zero
        case .fromOne: .one
        case .fromMinusOne: .minusOne
        }
    }
}
