import LoomKernels
import LoomRuns
import LoomTraining

/// What the outputs of a network are called where its predictions are shown.
struct OutputNames {
    /// Class by index, as the training labels wrote it.
    let className: (Int) -> String
    /// Independent decisions and numbers: the target column, where its name is known.
    let targetName: (Int) -> String?

    init<Scalar: LoomScalar>(_ model: SavedModel<Scalar>) {
        className = model.className
        targetName = model.targetName
    }

    init(className: @escaping (Int) -> String, targetName: @escaping (Int) -> String?) {
        self.className = className
        self.targetName = targetName
    }

    /// The name of one of several independent decisions.
    func decision(_ index: Int) -> String { targetName(index) ?? className(index) }
    /// The name of a number.
    func value(_ index: Int) -> String { targetName(index) ?? "y\(index)" }
}

extension PredictionMeasures {
    /// Whether each output is decided for itself.
    var areDecisions: Bool { binary.count > 1 }

    /// What says that there are too many scores to be ranked.
    var unrankedNote: String? {
        let scores = binary.reduce(0) { $0 + $1.samples }
        guard scores > BinaryMeasures.mostScores else { return nil }
        return "ROC AUC and average precision need all scores at once, and are left out for more than "
            + "\(NumberFormat.grouped(BinaryMeasures.mostScores)) of them: here are \(NumberFormat.grouped(scores))"
    }
}

/// The line that `evaluate --json` prints: keys are scikit-learn's words, in snake case.
struct EvaluationEvent: Encodable {
    /// "validation" or "training" for the run's own data, otherwise the file
    let data: String
    let step: Int
    let checkpoint: String?
    let measures: PredictionMeasures
    let names: OutputNames

    /// `measures` of `model`, on the data called `data`.
    init<Scalar: LoomScalar>(_ model: SavedModel<Scalar>, data: String, measures: PredictionMeasures) {
        (self.data, self.measures) = (data, measures)
        (step, checkpoint, names) = (model.step, model.checkpointPath, OutputNames(model))
    }

    /// The run's own data, as the event calls them.
    static func ownData(isValidation: Bool) -> String { isValidation ? "validation" : "training" }

    private enum Key: String, CodingKey {
        case event, data, samples, loss, accuracy, step, checkpoint, classification, binary, regression
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode("evaluation", forKey: .event)
        try container.encode(data, forKey: .data)
        try container.encode(measures.evaluation.samples, forKey: .samples)
        try container.encode(measures.evaluation.loss, forKey: .loss)
        try container.encode(measures.evaluation.accuracy, forKey: .accuracy)
        try container.encode(step, forKey: .step)
        try container.encode(checkpoint, forKey: .checkpoint)
        try container.encode(classification, forKey: .classification)
        try container.encode(binary, forKey: .binary)
        try container.encode(regression, forKey: .regression)
    }

    private var classification: Classification? {
        measures.classification.map { measured in
            let name = measures.areDecisions ? names.decision : names.className
            return Classification(
                classes: measured.classes.enumerated().map { Scores(name: name($0), $1) },
                macroAverage: Scores(name: nil, measured.macroAverage),
                weightedAverage: Scores(name: nil, measured.weightedAverage), confusionMatrix: measured.confusionMatrix)
        }
    }

    private var binary: [Binary] {
        measures.binary.enumerated().map { index, measured in
            Binary(name: measures.areDecisions ? names.decision(index) : names.className(1), measures: measured)
        }
    }

    private var regression: Regression? {
        measures.regression.map { measured in
            Regression(
                targets: measured.targets.enumerated().map { Errors(name: names.value($0), errors: $1) },
                average: Errors(name: nil, errors: measured.average))
        }
    }
}

extension EvaluationEvent {
    fileprivate struct Classification: Encodable {
        let classes: [Scores]
        let macroAverage: Scores
        let weightedAverage: Scores
        let confusionMatrix: [[Int]]?

        private enum Key: String, CodingKey {
            case classes
            case macroAverage = "macro_avg"
            case weightedAverage = "weighted_avg"
            case confusionMatrix = "confusion_matrix"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(classes, forKey: .classes)
            try container.encode(macroAverage, forKey: .macroAverage)
            try container.encode(weightedAverage, forKey: .weightedAverage)
            // Null where there is none, rather than no key.
            try container.encode(confusionMatrix, forKey: .confusionMatrix)
        }
    }

    fileprivate struct Scores: Encodable {
        let name: String?
        let scores: ClassificationMeasures.Scores

        init(name: String?, _ scores: ClassificationMeasures.Scores) {
            (self.name, self.scores) = (name, scores)
        }

        private enum Key: String, CodingKey {
            case `class`, precision, recall, support
            case f1Score = "f1_score"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encodeIfPresent(name, forKey: .class)
            try container.encode(scores.precision, forKey: .precision)
            try container.encode(scores.recall, forKey: .recall)
            try container.encode(scores.f1Score, forKey: .f1Score)
            try container.encode(scores.support, forKey: .support)
        }
    }

    fileprivate struct Binary: Encodable {
        let name: String
        let measures: BinaryMeasures

        private enum Key: String, CodingKey {
            case `class`
            case rocAUC = "roc_auc_score"
            case averagePrecision = "average_precision_score"
            case logLoss = "log_loss"
            case brierScore = "brier_score_loss"
            case calibration = "calibration_curve"
        }

        private enum BinKey: String, CodingKey {
            case count
            case meanPrediction = "mean_predicted_value"
            case positiveShare = "fraction_of_positives"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(name, forKey: .class)
            try container.encode(measures.rocAUC, forKey: .rocAUC)
            try container.encode(measures.averagePrecision, forKey: .averagePrecision)
            try container.encode(measures.logLoss, forKey: .logLoss)
            try container.encode(measures.brierScore, forKey: .brierScore)
            var bins = container.nestedUnkeyedContainer(forKey: .calibration)
            for bin in measures.calibration {
                var entry = bins.nestedContainer(keyedBy: BinKey.self)
                try entry.encode(bin.count, forKey: .count)
                try entry.encode(bin.meanPrediction, forKey: .meanPrediction)
                try entry.encode(bin.positiveShare, forKey: .positiveShare)
            }
        }
    }

    fileprivate struct Regression: Encodable {
        let targets: [Errors]
        let average: Errors

        private enum CodingKeys: String, CodingKey {
            case targets
            case average = "uniform_average"
        }
    }

    fileprivate struct Errors: Encodable {
        let name: String?
        let errors: RegressionMeasures.Errors

        private enum Key: String, CodingKey {
            case target
            case absolute = "mean_absolute_error"
            case squared = "root_mean_squared_error"
            case score = "r2_score"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encodeIfPresent(name, forKey: .target)
            try container.encode(errors.meanAbsoluteError, forKey: .absolute)
            try container.encode(errors.rootMeanSquaredError, forKey: .squared)
            try container.encode(errors.r2Score, forKey: .score)
        }
    }
}
