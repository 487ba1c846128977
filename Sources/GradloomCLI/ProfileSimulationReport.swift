import Foundation
import LoomHardware
import LoomMeasurement
import LoomReporting
import LoomRuns

/// What `gradloom profile --simulate` prints: one JSON object, or tables.
struct ProfileSimulationReport {
    /// As it was given.
    let topology: String
    let machine: Topology
    let simulation: StepSimulation

    /// Programs of more workers are shown in part.
    private static let mostWorkersShown = 8

    /// The largest number of workers, whose program is shown.
    private var last: StepSimulation.Case { simulation.cases[simulation.cases.count - 1] }

    // MARK: Text

    var text: String {
        [headText, predictionsText, phasesText, programText, validationText, assumptionsText].joined(separator: "\n")
    }

    private var headText: String {
        let parts = [
            NumberFormat.counted(machine.packages.count, "package"),
            NumberFormat.counted(machine.numaNodeCount, "NUMA node"),
            NumberFormat.counted(machine.l3Groups.count, "L3 group"), NumberFormat.counted(machine.cores.count, "core"),
            NumberFormat.counted(machine.hardwareThreads.count, "hardware thread"),
        ]
        return "Predicted for \(topology): \(parts.joined(separator: ", ")).\n"
    }

    private var predictionsText: String {
        var table = TextTable(columns: [
            .init("workers", alignment: .right), .init("route"), .init("step", unit: "µs", alignment: .right),
            .init("samples/s", alignment: .right), .init("speed-up", alignment: .right),
            .init("efficiency", alignment: .right), .init("limited by"),
        ])
        let one = simulation.oneWorker
        for workers in simulation.cases {
            let prediction = workers.prediction
            table.append([
                "\(prediction.workers)", workers.step.program.route.rawValue, Self.microseconds(prediction.stepSeconds),
                NumberFormat.samplesPerSecond(prediction.samplesPerSecond),
                String(format: "%.2f", prediction.samplesPerSecond / one.samplesPerSecond),
                String(format: "%.2f", prediction.efficiency(over: one)), prediction.limit(over: one),
            ])
        }
        return table.rendered()
    }

    private var phasesText: String {
        var table = TextTable(columns: [
            .init("phase"), .init("all wait for"), .init("its work", unit: "µs", alignment: .right),
            .init("mean work", unit: "µs", alignment: .right), .init("memory", unit: "µs", alignment: .right),
            .init("barrier", unit: "µs", alignment: .right),
        ])
        for phase in last.prediction.phases {
            table.append([
                phase.name.rawValue, waitedFor(phase),
                Self.microseconds(phase.longestSeconds), Self.microseconds(phase.meanSeconds),
                Self.microseconds(phase.memorySeconds), Self.microseconds(phase.barrierSeconds),
            ])
        }
        return "A step of \(NumberFormat.counted(last.prediction.workers, "worker")):\n" + table.rendered()
    }

    /// The workers that take longest.
    private func waitedFor(_ phase: StepPrediction.Phase) -> String {
        let worker = phase.slowestWorker
        let others = phase.secondsByWorker.count { $0 >= 0.99 * phase.longestSeconds } - 1
        let place = last.placement.assignments.first { $0.worker == worker }
        return "worker \(worker)" + (place.map { " on CPU \($0.cpu)" } ?? "")
            + (others > 0 ? " and \(others) like it" : "")
    }

    private var programText: String {
        "What they do:\n" + last.step.program.text(last.step.shapes, mostWorkers: Self.mostWorkersShown)
    }

    private var validationText: String {
        var table = TextTable(columns: [
            .init("workers", alignment: .right), .init("predicted", unit: "µs", alignment: .right),
            .init("measured", unit: "µs", alignment: .right), .init("95 % interval", unit: "µs", alignment: .right),
            .init("error", alignment: .right),
        ])
        for row in simulation.validation {
            table.append([
                "\(row.workers)", Self.microseconds(row.predicted), Self.microseconds(row.measured.median),
                "\(Self.microseconds(row.measured.low))–\(Self.microseconds(row.measured.high))",
                (row.error > 0 ? "+" : "") + NumberFormat.percentage(row.error),
            ])
        }
        return "The same for this machine (the rates come from its step of 1 worker):\n" + table.rendered()
    }

    private var assumptionsText: String {
        "Taken for granted:\n" + simulation.assumptions.map { "- \($0)\n" }.joined()
    }

    private static func microseconds(_ seconds: Double) -> String { String(format: "%.2f", seconds * 1e6) }
}

// MARK: JSON

extension ProfileSimulationReport: Encodable {
    private struct PhaseRecord: Encodable {
        let name: String
        let slowestWorker: Int
        let slowestSeconds, meanSeconds, memorySeconds, barrierSeconds: Double
    }

    private struct PredictionRecord: Encodable {
        let workers: Int
        let route: String
        let stepSeconds, samplesPerSecond, speedUp, efficiency: Double
        let limitedBy: String
        let placement: [Int]
        let phases: [PhaseRecord]
    }

    private struct ValidationRecord: Encodable {
        let workers: Int
        let predicted, measured, low, high, error: Double
    }

    private enum CodingKeys: String, CodingKey {
        case event, topology, program, predictions, assumptions, validation
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("simulation", forKey: .event)
        try container.encode(topology, forKey: .topology)
        try container.encode(last.step.program, forKey: .program)
        try container.encode(
            simulation.cases.map { workers in
                let (prediction, one) = (workers.prediction, simulation.oneWorker)
                return PredictionRecord(
                    workers: prediction.workers, route: workers.step.program.route.rawValue,
                    stepSeconds: prediction.stepSeconds, samplesPerSecond: prediction.samplesPerSecond,
                    speedUp: prediction.samplesPerSecond / one.samplesPerSecond,
                    efficiency: prediction.efficiency(over: one), limitedBy: prediction.limit(over: one),
                    placement: workers.placement.assignments.map(\.cpu),
                    phases: prediction.phases.map {
                        PhaseRecord(
                            name: $0.name.rawValue, slowestWorker: $0.slowestWorker, slowestSeconds: $0.longestSeconds,
                            meanSeconds: $0.meanSeconds, memorySeconds: $0.memorySeconds,
                            barrierSeconds: $0.barrierSeconds)
                    })
            }, forKey: .predictions)
        try container.encode(simulation.assumptions, forKey: .assumptions)
        try container.encode(
            simulation.validation.map {
                ValidationRecord(
                    workers: $0.workers, predicted: $0.predicted, measured: $0.measured.median, low: $0.measured.low,
                    high: $0.measured.high, error: $0.error)
            }, forKey: .validation)
    }
}
