import LoomConfiguration
import LoomData
import LoomKernels
import LoomTraining

/// The samples of a training's source where they are while it runs, standardised by those that train.
struct SamplesInPlace<Scalar: LoomScalar> {
    /// The shift and scale of all inputs; nil: none.
    let standardization: Standardization?
    private let opened: OpenedData
    private let source: any DataSource
    private let trainingRows: RowSelection
    private let progress: LoadProgress?
    private let place: OpenedData.Place
    /// The samples that train, where they had to be read to be standardised.
    private let resident: Dataset<Scalar>?
    /// The inputs of all samples of the source, where they are on the disk: both parts read them there, and share the memory.
    private let inputsOnDisk: MappedRows?

    /// The samples of `source`, which is that of `opened`; those that train are `training`.
    init(
        _ opened: OpenedData, _ source: any DataSource, training: RowSelection, progress: LoadProgress?
    ) throws {
        (self.opened, self.source, trainingRows, self.progress) = (opened, source, training, progress)
        place = opened.place(Scalar.self)
        var resident: Dataset<Scalar>?
        if !opened.description.standardize {
            standardization = nil
        } else if let synthetic = source as? SyntheticSource {
            standardization = try synthetic.standardization(of: training)
        } else if place == .disk || source is any MappedSource {
            // Read twice rather than kept in float64.
            standardization = try Standardization(of: source, rows: training)
        } else {
            let samples = try Dataset<Scalar>.standardizing(
                source, rows: training, conversion: opened.conversion, progress: progress)
            (resident, standardization) = (samples.dataset, samples.standardization)
        }
        self.resident = resident
        inputsOnDisk = try Self.inputs(source, place, standardization, progress)
    }

    /// The samples that train.
    var training: SampleFeed<Scalar> {
        get throws { try resident.map { .resident($0) } ?? part(trainingRows) }
    }

    /// The samples `rows` of the source.
    func part(_ rows: RowSelection) throws -> SampleFeed<Scalar> {
        try feed(source, rows, opened.conversion, inputsOnDisk: inputsOnDisk)
    }

    /// All samples of another source, standardised as those that train.
    func other(_ source: any DataSource, _ conversion: TargetConversion) throws -> SampleFeed<Scalar> {
        try feed(
            source, .all, conversion, inputsOnDisk: Self.inputs(source, place, standardization, progress))
    }

    private static func inputs(
        _ source: any DataSource, _ place: OpenedData.Place, _ standardization: Standardization?,
        _ progress: LoadProgress?
    ) throws -> MappedRows? {
        switch place {
        case .mapped: (source as? any MappedSource)?.mappedInputs()
        case .disk:
            try SpilledInputs(source, standardization: standardization, as: Scalar.self, progress: progress).rows
        case .memory, .generated: nil
        }
    }

    private func feed(
        _ source: any DataSource, _ rows: RowSelection, _ conversion: TargetConversion, inputsOnDisk: MappedRows?
    ) throws -> SampleFeed<Scalar> {
        if place == .generated, let synthetic = source as? SyntheticSource, let range = rows.range(of: source.count) {
            return .generated(
                try GeneratedSamples(
                    synthetic, range: range, conversion: conversion, standardization: standardization))
        }
        if let inputs = inputsOnDisk {
            return .mapped(
                try MappedSamples(
                    source, inputs: inputs, rows: rows, conversion: conversion, standardization: standardization,
                    inputsAreStandardized: place == .disk, mostBytes: opened.mostMappedBytes))
        }
        return .resident(
            try Dataset(
                source, rows: rows, conversion: conversion, standardization: standardization, progress: progress))
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
