import LoomRuns

/// What a person wants to know after a training.
package struct TrainingSummary: Sendable, Equatable {
    /// The configuration's name.
    package var name: String
    /// The epochs done.
    package var epochs: Int
    /// The steps done.
    package var steps: Int
    /// The mean loss of the last epoch's steps as configured, penalty included.
    package var loss: Double
    /// The accuracy over the last epoch's training samples, 0…1; nil where the task has none.
    package var accuracy: Double?
    /// The loss on the validation data; nil without validation.
    package var validationLoss: Double?
    /// The accuracy on the validation data, 0…1; nil where there is none.
    package var validationAccuracy: Double?
    /// The loss of the best constant prediction on the training and the validation data; nil where there is none.
    package var constantLoss, constantValidationLoss: Double?
    /// Training samples per second of training steps, after warm-up.
    package var samplesPerSecond: Double
    /// The speed of the matrix products, all workers together, in GFLOP/s.
    package var gflops: Double
    /// The arithmetic peak of all workers together, in GFLOP/s.
    package var ceilingGflops: Double
    /// The instructions that it is the peak of: "AVX-512".
    package var ceilingInstructions: String
    /// The precision of the parameters: "float32" or "float64".
    package var precision: String
    /// The hardware thread that each worker is pinned to, by the operating system's number; nil: not pinned.
    package var placement: [Int?]
    /// The memory that was planned, in bytes.
    package var plannedMemoryBytes: Int
    /// The most memory that the process has had at a time, in bytes; nil where the system does not tell.
    package var peakResidentBytes: Int?
    /// The part of the time of the workers' cores that others had meanwhile, 0…1; nil where the system does not tell.
    package var otherWorkFraction: Double?
    /// Where the time of the whole training went.
    package var time: TrainingTime
    /// What the workers' time in training steps was spent on; nothing where no step was measured.
    package var stepShares: [TimeShare]
    /// What took most of the whole time beside the matrix products of training steps.
    package var largestOverhead: TimeShare?
    /// Seconds between two checkpoints, where they follow from what a checkpoint costs; nil otherwise.
    package var checkpointIntervalSeconds: Double?
    /// The longest time of which steps had to be done again after a crash; nil: there are no checkpoints.
    package var longestAtRiskSeconds: Double?
    /// The run's directory.
    package var runDirectory: String
    /// One line for each thing that the user should know: a refused pin, kernels that are too old for the processor.
    package var notes: [String]

    /// A summary.
    package init(
        name: String, epochs: Int, steps: Int, loss: Double, accuracy: Double?,
        validationLoss: Double?, validationAccuracy: Double?, constantLoss: Double?, constantValidationLoss: Double?,
        samplesPerSecond: Double, gflops: Double,
        ceilingGflops: Double, ceilingInstructions: String, precision: String, placement: [Int?],
        plannedMemoryBytes: Int,
        peakResidentBytes: Int?, otherWorkFraction: Double?, time: TrainingTime, stepShares: [TimeShare],
        largestOverhead: TimeShare?, checkpointIntervalSeconds: Double?, longestAtRiskSeconds: Double?,
        runDirectory: String, notes: [String] = []
    ) {
        self.name = name
        self.epochs = epochs
        self.steps = steps
        self.loss = loss
        self.accuracy = accuracy
        self.validationLoss = validationLoss
        self.validationAccuracy = validationAccuracy
        self.constantLoss = constantLoss
        self.constantValidationLoss = constantValidationLoss
        self.samplesPerSecond = samplesPerSecond
        self.gflops = gflops
        self.ceilingGflops = ceilingGflops
        self.ceilingInstructions = ceilingInstructions
        self.precision = precision
        self.placement = placement
        self.plannedMemoryBytes = plannedMemoryBytes
        self.peakResidentBytes = peakResidentBytes
        self.otherWorkFraction = otherWorkFraction
        self.time = time
        self.stepShares = stepShares
        self.largestOverhead = largestOverhead
        self.checkpointIntervalSeconds = checkpointIntervalSeconds
        self.longestAtRiskSeconds = longestAtRiskSeconds
        self.runDirectory = runDirectory
        self.notes = notes
    }

    /// `gflops` as a share of `ceilingGflops`, 0…1; NaN where the ceiling is unknown.
    package var ceilingFraction: Double { ceilingGflops > 0 ? gflops / ceilingGflops : .nan }
}

/// The summary as printed after a training, with the next commands to try.
package func trainingSummary(_ summary: TrainingSummary) -> String {
    var quality = TextTable(columns: [
        .init(""), .init("training", alignment: .right), .init("validation", alignment: .right),
    ])
    func cell(_ value: Double?, _ format: (Double) -> String) -> String {
        value.map(format) ?? NumberFormat.missing
    }
    let number = { NumberFormat.number($0) }
    let percentage = { NumberFormat.percentage($0) }
    quality.append(["loss", number(summary.loss), cell(summary.validationLoss, number)])
    if summary.constantLoss != nil {
        quality.append([
            "best constant", cell(summary.constantLoss, number), cell(summary.constantValidationLoss, number),
        ])
    }
    if summary.accuracy != nil || summary.validationAccuracy != nil {
        quality.append([
            "accuracy", cell(summary.accuracy, percentage), cell(summary.validationAccuracy, percentage),
        ])
    }

    var speed = TextTable(columns: [.init(""), .init("")])
    speed.append(["samples/s", NumberFormat.samplesPerSecond(summary.samplesPerSecond)])
    let share =
        summary.ceilingGflops > 0
        ? ", \(NumberFormat.percentage(summary.ceilingFraction)) of the arithmetic peak "
            + "(\(NumberFormat.gigaflops(summary.ceilingGflops)), \(summary.ceilingInstructions) \(summary.precision), "
            + "\(NumberFormat.counted(summary.placement.count, "worker")))" : ""
    speed.append(["GFLOP/s", NumberFormat.gigaflops(summary.gflops) + share])
    func list(_ shares: [TimeShare]) -> String {
        shares.map { "\(percentage($0.fraction)) \($0.title)" }.joined(separator: ", ")
    }
    if !summary.stepShares.isEmpty { speed.append(["steps", list(summary.stepShares)]) }
    speed.append(["time", list(summary.time.parts)])
    if let overhead = summary.largestOverhead {
        speed.append(["overhead", "\(percentage(overhead.fraction)) of the time (the largest: \(overhead.title))"])
    }
    speed.append(["workers", workers(summary.placement)])
    let peak = summary.peakResidentBytes.map { ", \(NumberFormat.bytes($0)) at the peak" } ?? ""
    speed.append(["memory", "\(NumberFormat.bytes(summary.plannedMemoryBytes)) planned\(peak)"])
    if let interval = summary.checkpointIntervalSeconds, let seconds = summary.longestAtRiskSeconds {
        speed.append([
            "checkpoints",
            "every \(NumberFormat.duration(seconds: interval)); a crash would have lost at most "
                + NumberFormat.duration(seconds: seconds),
        ])
    }
    speed.append(["run", summary.runDirectory])

    let run = shellQuoted(summary.runDirectory)
    var commands = TextTable(columns: [.init(""), .init("")])
    commands.append(["measure it again", "gradloom evaluate \(run)"])
    commands.append(["predict your rows", "gradloom predict \(run) --input x.csv --output y.csv"])
    commands.append(["see this machine", "gradloom topology"])

    let title =
        "\(summary.name): \(NumberFormat.counted(summary.epochs, "epoch")), \(NumberFormat.counted(summary.steps, "step")) in "
        + NumberFormat.duration(seconds: summary.time.seconds)
    return title + "\n\n" + quality.rendered(indent: 2) + "\n" + speed.rendered(indent: 2) + "\n"
        + summary.notes.map { "  note: \($0)\n" }.joined() + (summary.notes.isEmpty ? "" : "\n")
        + "Next:\n" + commands.rendered(indent: 2)
}

/// "2, pinned to CPU 0, 2": how many workers there are, and where.
private func workers(_ placement: [Int?]) -> String {
    let pinned = placement.compactMap { $0 }
    let count = "\(placement.count)"
    if pinned.isEmpty { return count + ", not pinned" }
    let place = (pinned.count == 1 ? "CPU " : "CPUs ") + listed(pinned)
    return pinned.count == placement.count
        ? "\(count), pinned to \(place)" : "\(count), \(pinned.count) of them pinned to \(place)"
}

/// "0–7, 16, 18": numbers in their order, with runs of at least three neighbours shortened.
func listed(_ numbers: [Int]) -> String {
    var parts: [String] = []
    var index = 0
    while index < numbers.count {
        var end = index
        while end + 1 < numbers.count && numbers[end + 1] == numbers[end] + 1 { end += 1 }
        if end - index >= 2 {
            parts.append("\(numbers[index])–\(numbers[end])")
            index = end + 1
        } else {
            parts.append("\(numbers[index])")
            index += 1
        }
    }
    return parts.joined(separator: ", ")
}

/// The text as one word of a POSIX shell.
func shellQuoted(_ text: String) -> String {
    let plain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+:,@%".contains($0)) }
    return plain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
}
