import LoomData
import LoomKernels
import LoomModel
import LoomPlan
import TestSupport
import Testing

@testable import LoomTraining

/// What is planned is what is reserved.
@Suite struct MemoryPlanTests {
    @Test(arguments: OptimizerDescription.Kind.allCases, [true, false])
    func plansWhatIsReserved(kind: OptimizerDescription.Kind, shuffles: Bool) throws {
        for output in [OutputMap.softmax, .sigmoid, .identity] {
            // With 64 samples, two workers have their own of everything.
            for batchRows in [32, 64] {
                for route in [nil] + GradientRoute.allCases.map({ $0 }) {
                    try check(Float.self, kind, output, route, batchRows: batchRows, shuffles: shuffles)
                    try check(Double.self, kind, output, route, batchRows: batchRows, shuffles: shuffles)
                }
            }
        }
    }

    private func check<Scalar: LoomScalar>(
        _ type: Scalar.Type, _ kind: OptimizerDescription.Kind, _ output: OutputMap, _ route: GradientRoute?,
        batchRows: Int, shuffles: Bool
    ) throws {
        var problem = FastProblem.made(layers: [5, 19, 33, 3], output: output, rows: 70, seed: 1)
        // Derivatives from pre-activations need one more matrix.
        problem.network.layers[1].activation = .arctan
        let schedule = TrainingSchedule(batchRows: batchRows, epochs: 1, shuffles: shuffles)
        let team = TeamPlan(workers: 2, gemmBackend: shuffles ? .builtin : .openBLAS, groups: 4, route: route)
        let trainer = try problem.trainer(type, optimizer: .init(kind: kind), schedule: schedule, team: team)
        if shuffles, let route, kind != .adamw || route != .allReduce { #expect(trainer.program.route == route) }
        let data = try problem.dataset(type)
        let targets: TargetShape
        switch data.targets {
        case .labels: targets = .label
        case .values(let matrix): targets = .values(columns: matrix.columns)
        case nil: return
        }
        let plan = try MemoryPlan(
            network: problem.network, loss: problem.loss, optimizer: OptimizerDescription(kind: kind),
            schedule: schedule, team: team, samples: data.count,
            validationSamples: 7, targets: targets, of: type)
        let reserved = trainer.memoryBytes
        #expect(plan.dataBytes == data.byteCount)
        #expect(plan.validationBytes == data.byteCount / 10)
        #expect(plan.parameterBytes == reserved.parameters && plan.gradientBytes == reserved.gradient)
        #expect(plan.optimizerBytes == reserved.optimizer)
        #expect(plan.activationBytes == reserved.activations)
        #expect(plan.batchBytes == reserved.batch)
        #expect(plan.checkpointBytes == 0)
        // The best parameters, and a copy of all that a checkpoint holds.
        for (keepsBest, copies, buffers) in [(true, false, 1), (false, true, 1), (true, true, 3)] {
            let plan = try MemoryPlan(
                network: problem.network, loss: problem.loss, optimizer: OptimizerDescription(kind: kind),
                schedule: schedule, team: team, samples: data.count, validationSamples: 7, targets: targets,
                keepsBest: keepsBest, copiesState: copies, of: type)
            let state = copies ? [trainer.state.first, trainer.state.second].compactMap { $0?.bytes }.reduce(0, +) : 0
            #expect(plan.checkpointBytes == buffers * trainer.parameters.bytes + state)
        }
        // 7 rows for two workers, of 19, 33 and 3 units in rows of 64 bytes, and what their products need.
        let scratch = GemmMemory<Scalar>(backend: team.gemmBackend, workers: 2).bytes
        #expect(plan.evaluationBytes == scratch + 2 * 7 * (type == Float.self ? 128 + 192 + 64 : 192 + 320 + 64))
    }

    @Test func theTotalCountsWhatIsThereAtATime() {
        var plan = MemoryPlan()
        (plan.programBytes, plan.dataBytes, plan.validationBytes) = (1, 10, 100)
        (plan.parameterBytes, plan.gradientBytes, plan.optimizerBytes) = (1000, 1000, 1000)
        plan.checkpointBytes = 1_000_000
        #expect(plan.totalBytes == 1_003_111)
        plan.checkpointBytes = 0
        (plan.activationBytes, plan.batchBytes, plan.evaluationBytes) = (20_000, 20_000, 20_000)
        #expect(plan.totalBytes == 63_111)
        plan.planningBytes = 70_000
        #expect(plan.totalBytes == 73_111)
        plan.loadingBytes = 500_000
        #expect(plan.totalBytes == 500_111)
    }
}

/// The products that a program names are those of a step.
@Suite struct PlannedProductTests {
    @Test(arguments: [[4, 32, 16, 4], [37, 93, 11], [300, 70, 3], [100, 150, 60]], [1, 2, 3])
    func allOperationsAreCounted(layers: [Int], workers: Int) throws {
        for (batchRows, groups) in [(150, nil), (64, 4), (1000, 2)] as [(Int, Int?)] {
            let problem = FastProblem.made(layers: layers, output: .identity, rows: batchRows, seed: 1)
            let trainer = try problem.trainer(
                Float.self, team: TeamPlan(workers: workers, shardRows: 7, cacheBytes: 1 << 15, groups: groups))
            let products = trainer.plannedProducts
            let operations = products.reduce(0) { $0 + Double($1.callsPerStep) * $1.shape.operations }
            #expect(operations == Double(batchRows) * trainer.network.operationsPerSample)
            let sum = trainer.program.sum
            let chunks = Set((0..<sum.groups).flatMap(sum.chunks).map(\.count))
            for product in products {
                if product.shape.role == .gradient { #expect(chunks.contains(product.shape.inner)) }
                #expect(product.shape.rows <= max(batchRows, 300))
                #expect(product.shape.resultStride >= product.shape.columns)
                #expect(product.shape.resultStride.isMultiple(of: 16))
            }
            #expect(!products.contains { $0.layer == "layer1" && $0.shape.role == .backward })
        }
    }

    @Test func oneWorkerTakesTheWholeBatchInOneCall() throws {
        let problem = FastProblem.made(layers: [5, 19, 3], output: .identity, rows: 64, seed: 1)
        let trainer = try problem.trainer(
            Float.self, team: TeamPlan(workers: 1, sameBitsForAnyWorkers: false))
        let expected = [
            ("layer1", GemmShape.Role.forward, 64, 19, 5), ("layer1", .gradient, 19, 5, 64),
            ("layer2", .forward, 64, 3, 19), ("layer2", .backward, 64, 19, 3), ("layer2", .gradient, 3, 19, 64),
        ]
        let found = trainer.plannedProducts
        #expect(found.count == expected.count && found.allSatisfy { $0.callsPerStep == 1 })
        for (product, (layer, kind, rows, columns, inner)) in zip(found, expected) {
            #expect(product.layer == layer && product.shape.role == kind)
            #expect((product.shape.rows, product.shape.columns, product.shape.inner) == (rows, columns, inner))
        }
    }
}
