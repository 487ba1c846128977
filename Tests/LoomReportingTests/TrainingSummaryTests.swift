import LoomRuns
import Testing

@testable import LoomReporting

@Suite struct TrainingSummaryTests {
    private let summary = TrainingSummary(
        name: "quickstart", epochs: 3, steps: 11_484, loss: 0.1834, accuracy: 0.9412,
        validationLoss: 0.2104, validationAccuracy: 0.9287,
        constantLoss: 2.3026, constantValidationLoss: 2.3031, samplesPerSecond: 1_234_000, gflops: 213.4,
        ceilingGflops: 440, ceilingInstructions: "AVX-512", precision: "float32", placement: [0, 2],
        plannedMemoryBytes: 300 << 20,
        peakResidentBytes: 310 << 20, otherWorkFraction: 0.01,
        time: TrainingTime(
            seconds: 20, loadingSeconds: 9, trainingSeconds: 10, validationSeconds: 0.5, checkpointSeconds: 0.1),
        stepShares: [
            TimeShare(name: "products", fraction: 0.75), TimeShare(name: "waiting", fraction: 0.1),
            TimeShare(name: "loss_function", fraction: 0.15),
        ], largestOverhead: TimeShare(name: "loading", fraction: 0.45),
        checkpointIntervalSeconds: 12.5, longestAtRiskSeconds: 12.9, runDirectory: "runs/quickstart-20261121T094905Z")

    @Test func showsEverything() {
        #expect(
            trainingSummary(summary) == """
                quickstart: 3 epochs, 11,484 steps in 20.0 s

                                 training  validation
                  ─────────────  ────────  ──────────
                  loss             0.1834      0.2104
                  best constant     2.303       2.303
                  accuracy         94.1 %      92.9 %

                  samples/s    1.23 M
                  GFLOP/s      213, 48.5 % of the arithmetic peak (440, AVX-512 float32, 2 workers)
                  steps        75.0 % products, 10.0 % waiting, 15.0 % loss function
                  time         45.0 % loading, 50.0 % training, 2.5 % validation, 0.5 % checkpoints, 2.0 % other
                  overhead     45.0 % of the time (the largest: loading)
                  workers      2, pinned to CPUs 0, 2
                  memory       300 MiB planned, 310 MiB at the peak
                  checkpoints  every 12.5 s; a crash would have lost at most 12.9 s
                  run          runs/quickstart-20261121T094905Z

                Next:
                  measure it again   gradloom evaluate runs/quickstart-20261121T094905Z
                  predict your rows  gradloom predict runs/quickstart-20261121T094905Z --input x.csv --output y.csv
                  see this machine   gradloom topology

                """)
    }

    @Test func leavesOutWhatThereIsNot() {
        var summary = summary
        summary.accuracy = nil
        summary.validationAccuracy = nil
        summary.validationLoss = nil
        (summary.constantLoss, summary.constantValidationLoss, summary.checkpointIntervalSeconds) = (nil, nil, nil)
        summary.ceilingGflops = 0
        summary.placement = [nil, nil]
        summary.peakResidentBytes = nil
        summary.stepShares = []
        summary.largestOverhead = nil
        summary.runDirectory = "my runs/it's"
        summary.notes = ["CPU 3 refused the pin: Operation not permitted"]
        let text = trainingSummary(summary)
        #expect(!text.contains("accuracy  ") && !text.contains("  steps  ") && !text.contains("overhead"))
        #expect(text.contains("0.1834           –\n"))
        #expect(text.contains("GFLOP/s    213\n"))
        #expect(text.contains("workers    2, not pinned\n"))
        #expect(text.contains("memory     300 MiB planned\n"))
        #expect(text.contains("note: CPU 3 refused the pin: Operation not permitted\n"))
        #expect(text.contains(#"gradloom evaluate 'my runs/it'\''s'"#))
    }

    @Test(arguments: [
        ([], ""), ([3], "3"), ([0, 1], "0, 1"), ([0, 1, 2, 3], "0–3"), ([0, 2, 4], "0, 2, 4"),
        ([0, 1, 2, 8, 9, 10, 5], "0–2, 8–10, 5"),
    ])
    func shortensRuns(numbers: [Int], text: String) {
        #expect(listed(numbers) == text)
    }

    @Test func saysWhichWorkersArePinned() {
        var summary = summary
        summary.placement = [0, nil, 1]
        #expect(trainingSummary(summary).contains("workers      3, 2 of them pinned to CPUs 0, 1\n"))
        summary.placement = [5]
        #expect(trainingSummary(summary).contains("workers      1, pinned to CPU 5\n"))
        summary.precision = "float64"
        #expect(trainingSummary(summary).contains("of the arithmetic peak (440, AVX-512 float64, 1 worker)\n"))
    }
}
