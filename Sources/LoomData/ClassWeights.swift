import LoomKernels

/// How much each class counts in the loss.
public enum ClassWeights: Sendable, Equatable {
    /// samples ÷ (classes · samples of the class): every class counts as much as any other, and the mean over all samples is 1
    case balanced
    /// these, in the order of the classes' indices
    case values([Double])
    /// these, by the classes' names
    case named([String: Double])

    /// The key that errors name.
    private static let key = "data.class_weights"

    /// The weight of every class.
    ///
    /// - Parameters:
    ///   - conversion: How targets are converted.
    ///   - names: The classes' names by their indices, where they are known.
    ///   - counts: The samples of every class to train on; asked for only where they are needed.
    /// - Throws: `DataError` for targets that are no classes, for another number of classes, for names that are not theirs,
    ///   and for a class without samples where weights are to be balanced.
    package func weights(
        _ conversion: TargetConversion, names: [String]?, counts: (Int) throws(DataError) -> [Int]
    ) throws(DataError) -> [Double] {
        guard let classes = conversion.classCount else {
            throw Self.error(
                "the targets are not classes, one for each sample, so that there is nothing to weigh",
                "leave the key out; a column of weights can be given with data.csv.weights")
        }
        switch self {
        case .values(let weights):
            guard weights.count == classes else {
                throw Self.error(
                    "\(weights.count) weights, but there are \(classes) classes", "give one weight for each class")
            }
            return weights
        case .named(let weights):
            return try Self.ordered(weights, names ?? (0..<classes).map { conversion.labelText(of: $0) })
        case .balanced:
            let counts = try counts(classes)
            if let empty = counts.firstIndex(of: 0) {
                throw Self.error(
                    "class \(conversion.className(empty, names: names)) has no sample to train on, so that no weight balances it",
                    "give the weights as a list, or leave the class out")
            }
            let samples = counts.reduce(0, +)
            return counts.map { Double(samples) / (Double(classes) * Double($0)) }
        }
    }

    private static func ordered(_ weights: [String: Double], _ names: [String]) throws(DataError) -> [Double] {
        guard weights.values.contains(where: { $0 > 0 }) else {
            throw error("all weights are 0", "give one class a weight above 0")
        }
        if let unknown = weights.keys.sorted().first(where: { !names.contains($0) }) {
            throw error("there is no class '\(unknown)'", "the classes are: \(NameList.text(names))")
        }
        if let missing = names.first(where: { weights[$0] == nil }) {
            throw error("class '\(missing)' has no weight", "give one for each of the classes: \(NameList.text(names))")
        }
        return names.map { weights[$0]! }
    }

    private static func error(_ problem: String, _ remedy: String) -> DataError {
        DataError(.badConfiguration, source: key, problem: problem, remedy: remedy)
    }
}

/// The class of samples whose targets are converted.
package enum SampleClass {
    /// The class that row `row` of `values` stands for: the column of its largest number, or of one column whether it is
    /// nearer to 1 than to 0.
    @inline(__always)
    package static func index<Scalar: BitwiseCopyable & Comparable & ExpressibleByFloatLiteral>(
        _ values: MatrixView<Scalar>, row: Int
    ) -> Int {
        let start = values.pointer + row * values.stride
        guard values.columns > 1 else { return start[0] >= 0.5 ? 1 : 0 }
        var largest = 0
        for column in 1..<values.columns where start[column] > start[largest] { largest = column }
        return largest
    }
}
