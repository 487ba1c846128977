import AllocationGate
import COpenBLAS
import Foundation
import GradloomInternals
import Workloads

// Code that runs inside a training step allocates nothing. Ends with 1 where something does.

/// One promise: the allocations of `repetitions` calls, after a first call that may allocate what it keeps. The least of
/// five tries: now and then Dispatch starts a thread meanwhile, or ends one; code that allocates does so always.
func measured(_ repetitions: Int, _ body: () -> Void) -> Int {
    body()
    return (0..<5).map { _ in AllocationGate.countMallocs { for _ in 0..<repetitions { body() } } }.min()!
}

func gemm<Scalar: LoomScalar>(
    _: Scalar.Type, backend: GemmBackend, samples: Int, inputs: Int, units: Int
) -> Int {
    func matrix(_ rows: Int, _ columns: Int) -> (buffer: AlignedBuffer<Scalar>, view: MatrixView<Scalar>) {
        let stride = Padding.stride(columns: columns, of: Scalar.self)
        let buffer = AlignedBuffer<Scalar>(count: rows * stride, repeating: 0)
        return (buffer, MatrixView(pointer: buffer.pointer, rows: rows, columns: columns, stride: stride))
    }
    let input = matrix(samples, inputs)
    let weights = matrix(units, inputs)
    let output = matrix(samples, units)
    let memory = GemmMemory<Scalar>(backend: backend, workers: 1)
    let gemm = memory.gemms[0]
    let prepared: PreparedGemm<Scalar> = backend.prepare(
        GemmShape(
            .forward, rows: samples, columns: units, inner: inputs, left: .init(stride: input.view.stride),
            right: .init(stride: weights.view.stride, isTransposed: true), resultStride: output.view.stride,
            precision: Scalar.precision))
    let allocations = measured(100) {
        prepared.run(input.view, weights.view, into: output.view, scratch: gemm.scratch)
        gemm.forward(input.view, weights: GemmOperand(weights.view), into: output.view)
        gemm.backward(output.view, weights: GemmOperand(weights.view), into: input.view)
        gemm.gradient(output.view, input.view, into: weights.view)
    }
    withExtendedLifetime((memory, input, weights, output)) {}
    return allocations
}

func progressBetweenRedraws() -> Int {
    let line = ProgressLine(
        quiet: false, terminal: Terminal(canRewriteLines: true, showsColors: true, showsUnicode: true),
        columns: { 80 }, seconds: { 1 }, write: { _ in })
    var progress = TrainingProgress(epoch: 1, epochs: 2, step: 0, steps: 1000, loss: 0.5)
    return measured(1000) {
        progress.step += 1
        line.update(progress)
    }
}

func readingCounters() -> Int {
    let counters = ThreadCounters()
    let start = counters.read()
    var faults: UInt64 = 0
    let allocations = measured(1000) { faults += counters.read().since(start).minorFaults }
    withExtendedLifetime(faults) {}
    return allocations
}

/// Allocations of 1,000 more steps in one region: what a region itself allocates is in both numbers and cancels. The
/// least of five tries, as above.
func steps(
    _ workload: String, workers: Int, generating task: SyntheticDescription.Task? = nil,
    bfloat16: BFloat16Products? = nil
) throws -> Int {
    let machine = try MachineSetup(workers: workers, policy: .none)
    let known = Workload.named(workload)!
    let trainer =
        try task.map { try known.trainer($0, machine: machine, isGenerated: true) }
        ?? known.trainer(Float.self, machine: machine) { $0.bfloat16 = bfloat16 }
    _ = trainer.run(steps: 100)
    return (0..<5).map { _ in
        let few = AllocationGate.countMallocs { _ = trainer.run(steps: 1000) }
        let many = AllocationGate.countMallocs { _ = trainer.run(steps: 2000) }
        return max(0, many - few)
    }.min()!
}

// Workers share out the samples: a product uses the thread that calls it.
openblas_set_num_threads(1)

func stopOnError<Result>(_ body: () throws -> Result) -> Result {
    do {
        return try body()
    } catch {
        FileHandle.standardError.write(Data("error: \(error)\n".utf8))
        exit(1)
    }
}

stopOnError { try AllocationGate.prove() }

let products = GemmBackend.allCases.flatMap { backend in
    [
        ("float32, 64 × 32 × 10", gemm(Float.self, backend: backend, samples: 64, inputs: 32, units: 10)),
        ("float32, 256 × 784 × 512", gemm(Float.self, backend: backend, samples: 256, inputs: 784, units: 512)),
        ("float64, 128 × 256 × 64", gemm(Double.self, backend: backend, samples: 128, inputs: 256, units: 64)),
    ].map { ("matrix products, \(backend.rawValue), \($0.0)", $0.1) }
}
let gates =
    products + [
        ("1,000 steps of chains, 2 workers", stopOnError { try steps("chains", workers: 2) }),
        ("1,000 steps of tiny, 1 worker", stopOnError { try steps("tiny", workers: 1) }),
        ("1,000 steps of tiny, 2 workers", stopOnError { try steps("tiny", workers: 2) }),
        ("1,000 steps of mnist, 2 workers", stopOnError { try steps("mnist", workers: 2) }),
        (
            "1,000 steps of mnist on samples made meanwhile, 2 workers",
            stopOnError { try steps("mnist", workers: 2, generating: .teacher) }
        ),
        (
            "1,000 steps of mnist in mixed precision, 2 workers",
            stopOnError {
                try steps("mnist", workers: 2, bfloat16: BFloat16Products.accelerated ?? BFloat16Products(.dot))
            }
        ),
        ("1,000 readings of a thread's counters", readingCounters()),
        ("progress line between redraws", progressBetweenRedraws()),
    ]
var table = TextTable(columns: [
    .init("code that promises no allocation"), .init("allocations", alignment: .right),
])
for (name, allocations) in gates { table.append([name, "\(allocations)"]) }
print(table.rendered(), terminator: "")
exit(gates.allSatisfy { $0.1 == 0 } ? 0 : 1)
