import LoomKernels

/// What a worker counts of the decisions of samples. Whole numbers: their sums do not depend on who counts what.
struct ClassCounts: BitwiseCopyable, @unchecked Sendable {
    // Sendable: each worker has counts of its own.
    fileprivate let counts: UnsafeMutablePointer<Int>
    fileprivate let classes: Int
    fileprivate let hasMatrix: Bool

    /// Counts a sample that has one class of several.
    func add(_ actual: Int, predictedAs predicted: Int) {
        if hasMatrix { counts[(3 + actual) * classes + predicted] += 1 }
        add(actual, isActual: true, isPredicted: predicted == actual)
        if predicted != actual { add(predicted, isActual: false, isPredicted: true) }
    }

    /// Counts a decision about `output`.
    func add(_ output: Int, isActual: Bool, isPredicted: Bool) {
        if isActual && isPredicted { counts[output] += 1 }
        if isPredicted { counts[classes + output] += 1 }
        if isActual { counts[2 * classes + output] += 1 }
    }
}

/// The counts of all workers.
final class ClassCountsMemory: Sendable {
    private let classes: Int
    private let hasMatrix: Bool
    private let workers: Int
    private let counts: AlignedBuffer<Int>

    /// - Parameter areExclusive: Whether a sample has one of the classes, or a decision for each.
    init(classes: Int, areExclusive: Bool, workers: Int) {
        self.classes = classes
        self.workers = workers
        hasMatrix = areExclusive && classes <= ClassificationMeasures.mostConfusionClasses
        counts = AlignedBuffer(count: workers * Self.size(classes, hasMatrix), repeating: 0)
    }

    /// True positives, predicted and actual samples of each class, then the confusion matrix; whole cache lines.
    private static func size(_ classes: Int, _ hasMatrix: Bool) -> Int {
        Padding.stride(columns: classes * (3 + (hasMatrix ? classes : 0)), of: Int.self)
    }

    func handle(worker: Int) -> ClassCounts {
        ClassCounts(
            counts: counts.pointer + worker * Self.size(classes, hasMatrix), classes: classes, hasMatrix: hasMatrix)
    }

    var measures: ClassificationMeasures {
        let size = Self.size(classes, hasMatrix)
        func sums(_ range: Range<Int>) -> [Int] {
            range.map { index in (0..<workers).reduce(0) { $0 + counts.pointer[$1 * size + index] } }
        }
        let matrix = hasMatrix ? (0..<classes).map { sums((3 + $0) * classes..<(4 + $0) * classes) } : nil
        return ClassificationMeasures(
            truePositives: sums(0..<classes), predicted: sums(classes..<2 * classes),
            support: sums(2 * classes..<3 * classes), confusionMatrix: matrix)
    }
}
