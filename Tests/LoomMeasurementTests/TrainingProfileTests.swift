import LoomConfiguration
import LoomRuns
import LoomTraining
import Testing

@testable import LoomMeasurement

/// The profile of a normal training.
@Suite struct TrainingProfileTests {
    private static func row(_ number: Int) -> RegionSeries.Row {
        RegionSeries.Row(
            steps: number, samples: 10 * number, seconds: Double(number) / 100,
            totals: ClockTotals(ticks: [[UInt64(number), 1]], steps: [number]))
    }

    @Test func rowsAreBounded() {
        var series = RegionSeries()
        for number in 1...64 { series.add(Self.row(number)) }
        #expect(series.rows.map(\.steps) == Array(1...64))
        // From now on a row is two regions: 1 + 2, 3 + 4 … 63 + 64, and what follows.
        series.add(Self.row(100))
        #expect(series.rows.count == 33 && series.rows[0].steps == 3 && series.rows[31].steps == 127)
        #expect(series.rows[32].steps == 100)
        series.add(Self.row(10))
        series.add(Self.row(1))
        #expect(series.rows.count == 34 && series.rows[32].steps == 110 && series.rows[33].steps == 1)
        #expect(series.rows[32].totals == ClockTotals(ticks: [[110, 2]], steps: [110]))
        #expect(abs(series.rows[32].samplesPerSecond - 1000) < 1e-9)
        #expect(abs(series.rows[32].stepSeconds - 0.01) < 1e-12)
        for _ in 0..<10_000 { series.add(Self.row(1)) }
        #expect(series.rows.count <= 64)
        let steps = series.rows.map(\.steps).reduce(0, +)
        #expect(steps == 2080 + 111 + 10_000)
        series.add(Self.row(0))
        #expect(series.rows.allSatisfy { $0.seconds > 0 })
    }

    @Test func regionsAndTheirFigures() throws {
        let configuration = try Configuration(
            yaml: """
                data: {synthetic: {task: teacher, samples: 2000, inputs: 24, classes: 5}}
                network: {layers: [{units: 48, activation: relu}, {units: 5}], output: softmax}
                training: {batch: 128, epochs: 9}
                """, file: "teacher.yaml")
        let experiment = try Experiment<Float>(configuration, machine: MachineSetup(workers: 2, policy: .none))
        let profile = TrainingProfile(experiment)
        #expect(profile.result(ceilingGflops: 100, cache: nil) == nil)
        let trainer = experiment.trainer
        var reports: [StepReport] = []
        for _ in 0..<3 {
            reports.append(trainer.run(steps: 20, clock: profile.clock))
            profile.add(reports[reports.count - 1])
        }
        let result = try #require(profile.result(ceilingGflops: 100, cache: nil))
        let count = result.counts[0]
        #expect(result.counts.count == 1 && result.ceilingGflops == 100 && result.ceilingWorkers == 2)
        let speeds = reports.map { Double($0.samples) / $0.seconds }
        #expect(count.samplesPerSecond == speeds)
        #expect(count.speed.median == count.samplesPerSecond.sorted()[1])
        let stepSeconds = reports.map { $0.seconds / 20 }
        #expect(count.stepSeconds == stepSeconds)
        #expect(count.overheadFraction == nil && count.batchRows == 128 && count.counters.count == 2)
        #expect(count.profile.entries.allSatisfy { $0.secondsByRegion.count == 3 })
        // Batches of the whole training times the mean step, over the time: the last batch of an epoch is smaller.
        var sum = StepReport()
        for report in reports { sum.add(report) }
        let step = count.profile.secondsByWorker.reduce(0, +) / 2
        let accounted = step * Double(sum.samples) / 128 / sum.seconds
        #expect(abs(count.accountedFraction - accounted) < 1e-12)
        #expect(ProfileScaling(result).rows.map(\.efficiency) == [1])
    }
}
