import Foundation
import LoomData
import LoomKernels
import LoomModel
import TestSupport
import Testing

@testable import LoomTraining

/// Measures of predictions against scikit-learn's (`Tests/measures`).
@Suite struct MeasuresTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let json: JSONValue
        var testDescription: String { json["name"]!.string! }

        func numbers(_ key: String) -> [Double?] { json[key]!.elements!.map(\.number) }
        func integers(_ key: String) -> [Int] { json[key]!.elements!.map { $0.integer! } }

        static func all(_ kind: String) -> [Case] {
            let path = ProjectFolder.path("Tests/Fixtures/scikit-learn-measures.json")
            // The file is part of the tests: what does not read as expected ends the test run.
            let json = try! JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
            precondition(json["format"]?.string == "measures/1")
            return json[kind]!.elements!.map(Case.init)
        }
    }

    static let tolerance = 1e-12

    /// The largest deviation, relative to numbers beyond 1; infinite where one has no number.
    private func deviation(_ values: [Double?], _ expected: [Double?]) -> Double {
        guard values.count == expected.count else { return .infinity }
        return zip(values, expected).reduce(0) { largest, pair in
            switch pair {
            case (nil, nil): largest
            case (let value?, let other?): max(largest, abs(value - other) / max(abs(other), 1))
            default: .infinity
            }
        }
    }

    @Test func allCasesAreThere() {
        #expect(Case.all("classification").count == 6 && Case.all("binary").count == 11)
        #expect(Case.all("regression").count == 7)
    }

    @Test(arguments: Case.all("classification")) func classesAreScikitLearns(example: Case) {
        let measures = ClassificationMeasures(
            labels: example.integers("labels"), predictions: example.integers("predictions"),
            classes: example.json["classes"]!.integer!)
        #expect(deviation(measures.classes.map(\.precision), example.numbers("precision")) < Self.tolerance)
        #expect(deviation(measures.classes.map(\.recall), example.numbers("recall")) < Self.tolerance)
        #expect(deviation(measures.classes.map(\.f1Score), example.numbers("f1_score")) < Self.tolerance)
        #expect(measures.classes.map(\.support) == example.integers("support"))
        for (mean, key) in [(measures.macroAverage, "macro_avg"), (measures.weightedAverage, "weighted_avg")] {
            let values = [mean.precision, mean.recall, mean.f1Score]
            #expect(deviation(values, example.numbers(key)) < Self.tolerance)
            #expect(mean.support == example.integers("support").reduce(0, +))
        }
        let matrix = example.json["confusion_matrix"]!.elements!.map { $0.elements!.map { $0.integer! } }
        #expect(measures.confusionMatrix == matrix)
    }

    @Test(arguments: Case.all("binary")) func probabilitiesAreScikitLearns(example: Case) {
        let measures = BinaryMeasures(
            probabilities: example.numbers("probabilities").map { $0! },
            targets: example.integers("targets").map { $0 == 1 })
        for (value, key) in [
            (measures.rocAUC, "roc_auc_score"), (measures.averagePrecision, "average_precision_score"),
            (measures.logLoss, "log_loss"), (measures.brierScore, "brier_score_loss"),
            (measures.scores.precision, "precision"), (measures.scores.recall, "recall"),
            (measures.scores.f1Score, "f1_score"),
        ] {
            #expect(deviation([value], [example.json[key]?.number]) < Self.tolerance, "\(key) \(value ?? .nan)")
        }
        // scikit-learn leaves out bins without samples.
        let bins = measures.calibration.filter { $0.count > 0 }
        #expect(deviation(bins.map(\.meanPrediction), example.numbers("mean_predicted_values")) < Self.tolerance)
        #expect(deviation(bins.map(\.positiveShare), example.numbers("fractions_of_positives")) < Self.tolerance)
        #expect(measures.calibration.count == 10)
        #expect(measures.calibration.reduce(0) { $0 + $1.count } == measures.samples)
        #expect(measures.samples == example.integers("targets").count)
    }

    @Test(arguments: Case.all("regression")) func errorsAreScikitLearns(example: Case) {
        let rows = { (key: String) in example.json[key]!.elements!.map { $0.vector! } }
        let measures = RegressionMeasures(predictions: rows("predictions"), targets: rows("targets"))
        let all = measures.targets + [measures.average]
        #expect(deviation(all.map(\.meanAbsoluteError), example.numbers("mean_absolute_error")) < Self.tolerance)
        #expect(deviation(all.map(\.rootMeanSquaredError), example.numbers("root_mean_squared_error")) < Self.tolerance)
        #expect(deviation(all.map(\.r2Score), example.numbers("r2_score")) < Self.tolerance)
    }

    @Test func mistakesAreListedByNumberAndThenByClass() {
        let measures = ClassificationMeasures(
            labels: [0, 0, 1, 2, 2, 2, 1], predictions: [1, 0, 2, 0, 0, 2, 0], classes: 3)
        let pairs = measures.mostConfused(atMost: 3)
        #expect(pairs.map(\.actual) == [2, 0, 1])
        #expect(pairs.map(\.predicted) == [0, 1, 0])
        #expect(pairs.map(\.count) == [2, 1, 1])
        #expect(measures.mostConfused(atMost: 9).count == 4)
    }

    @Test func moreClassesThanAMatrixHoldsHaveScoresAlone() {
        let most = ClassificationMeasures.mostConfusionClasses
        let measures = ClassificationMeasures(labels: [0, most, most], predictions: [0, most, 1], classes: most + 1)
        #expect(measures.confusionMatrix == nil && measures.mostConfused(atMost: 5).isEmpty)
        #expect(measures.classes[most].recall == 0.5 && measures.classes[1].precision == 0)
        #expect(ClassificationMeasures(labels: [0], predictions: [1], classes: most).confusionMatrix?[0][1] == 1)
    }

    @Test func aPredictionThatIsNoNumberIsSeen() {
        let measures = BinaryMeasures(probabilities: [0.2, .nan, 0.9], targets: [false, true, true])
        #expect(measures.rocAUC == nil && measures.averagePrecision == nil)
        #expect(measures.logLoss.isNaN && measures.brierScore.isNaN)
        #expect(measures.calibration.reduce(0) { $0 + $1.count } == 2)
        let errors = RegressionMeasures(predictions: [[.nan, .nan], [1, 1]], targets: [[2, 1], [1, 1]])
        #expect(errors.targets.allSatisfy { $0.meanAbsoluteError.isNaN && $0.r2Score!.isNaN })
    }

    /// What needs all scores is left out for more than are kept, and nothing else.
    @Test func tooManyScoresAreNotRanked() {
        let scores = ClassificationMeasures(labels: [1], predictions: [1], classes: 2).classes[1]
        func measures(mostScores: Int) -> BinaryMeasures {
            let memory = BinarySumsMemory(outputs: 2, samples: 3, workers: 1, portions: 1, mostScores: mostScores)
            let predictions = AlignedBuffer<Double>([0.1, 0.2, 0.3, 0.9, 0.4, 0.6])
            return withExtendedLifetime((memory, predictions)) {
                let view = MatrixView(pointer: predictions.pointer, rows: 3, columns: 2, stride: 2)
                for output in 0..<2 {
                    memory.handle(worker: 0, portion: 0).add(
                        view, column: output, output: output, firstSample: 0
                    ) { $0 == 1 }
                }
                return memory.measures(output: 1, scores: scores)
            }
        }
        let (kept, tooMany) = (measures(mostScores: 6), measures(mostScores: 5))
        #expect(kept.rocAUC == 1 && kept.averagePrecision == 1)
        #expect(tooMany.rocAUC == nil && tooMany.averagePrecision == nil)
        #expect(tooMany.brierScore == kept.brierScore && tooMany.calibration == kept.calibration)
        #expect(abs(kept.brierScore - (0.04 + 0.01 + 0.36) / 3) < 1e-15)
    }
}
