import LoomConfiguration
import LoomData
import LoomKernels
import LoomTraining

extension DataDescription {
    /// How much each sample of `source`, which is its source, counts in the loss, from a file or a column; nil: once.
    /// - Throws: `DataError` for what is no weight.
    func sampleWeights(of source: any DataSource) throws(DataError) -> [Double]? {
        if let weightsPath { return try SampleColumns.weights(npy: weightsPath, of: source) }
        return try source.sampleWeights()
    }
}

// How much samples count, and what belongs together.
extension OpenedData {
    /// What belongs together.
    /// - Throws: `DataError` for what is no group.
    func groups() throws(DataError) -> [UInt64] {
        if let path = description.groupsPath { return try SampleColumns.groups(npy: path, of: source) }
        guard let groups = try (source as? CSVSource)?.sampleGroups() else {
            preconditionFailure("a split by groups has groups")
        }
        return groups
    }

    /// Refuses a split by groups that nothing says; says where groups have no use.
    static func checkGroups(
        _ split: SplitDescription, _ description: DataDescription, _ source: any DataSource
    ) throws(DataError) -> [String] {
        var hasGroups = description.groupsPath != nil
        if case .csv(let csv) = description.source, csv.options.groups != nil { hasGroups = true }
        if hasGroups, split.rule != .group {
            return ["groups are not looked at: data.validation.by is \(split.rule.rawValue)"]
        }
        guard split.rule == .group, !hasGroups else { return [] }
        throw DataError(
            .badConfiguration, source: "data.validation.by",
            problem: "nothing says which samples of \(source.name) belong together",
            remedy: "name the column with data.csv.groups, or give an .npy file with data.groups")
    }
}

extension PreparedData {
    /// How much the parts' samples count, and what the user is told of it.
    struct Weighting {
        /// How much each class counts; nil: as often as it occurs.
        let classes: [Double]?
        /// How much each sample of the source counts; nil: once.
        let samples: [Double]?
        /// Sentences for the user.
        let notes: [String]

        /// What `opened` says of the samples `training`.
        init(_ opened: OpenedData, training: SampleFeed<Scalar>) throws(DataError) {
            let names = opened.source.targetColumns.classNames
            let conversion = opened.conversion
            classes = try opened.description.classWeights.map { weights throws(DataError) in
                try weights.weights(conversion, names: names) { count throws(DataError) in
                    try training.targets(atMost: Self.mostLookedAt).classCounts(count)
                }
            }
            samples = try opened.description.sampleWeights(of: opened.source)
            var notes: [String] = []
            if let classes {
                let shown = classes.prefix(10).enumerated().map { index, weight in
                    "\(conversion.className(index, names: names)) \(NumberFormat.number(weight))"
                }
                notes.append(
                    "classes count in the loss: \(shown.joined(separator: ", "))\(classes.count > 10 ? ", …" : "")")
            }
            if let samples, let least = samples.min(), let most = samples.max() {
                notes.append(
                    "samples count in the loss as their weights say, from \(NumberFormat.number(least)) to "
                        + NumberFormat.number(most))
            }
            self.notes = notes
        }

        /// Samples that are made to count classes, where none are kept: shares are known to 0.2 %.
        private static var mostLookedAt: Int { 1 << 16 }

        /// `feed`, which has the samples `rows` of the source, with the weights.
        func applied(to feed: SampleFeed<Scalar>, _ rows: RowSelection) throws(DataError) -> SampleFeed<Scalar> {
            try feed.weighted(classes: classes, samples: samples.map { rows.values($0) })
        }
    }
}
