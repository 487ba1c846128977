import Benchmark
import GradloomInternals
import Workloads

let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput], warmupIterations: 2, maxDuration: .seconds(2))
    let machine = try! MachineSetup(workers: nil, policy: .auto)

    for workload in Workload.all + Workload.graphs {
        Benchmark("step, float32, \(workload.name)", configuration: .init(scalingFactor: .kilo)) { benchmark in
            let trainer = try! workload.trainer(Float.self, machine: machine)
            _ = trainer.run(steps: 10)
            benchmark.startMeasurement()
            _ = trainer.run(steps: benchmark.scaledIterations.count)
            benchmark.stopMeasurement()
        }
    }
    Benchmark("epoch with shuffling, float32, mnist", configuration: .init(scalingFactor: .one)) { benchmark in
        let trainer = try! Workload.named("mnist")!.trainer(Float.self, machine: machine)
        _ = trainer.run(steps: 10)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            _ = trainer.run(steps: trainer.epochs.stepsPerEpoch)
        }
        benchmark.stopMeasurement()
    }
}
