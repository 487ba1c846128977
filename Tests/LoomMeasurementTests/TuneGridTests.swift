import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomModel
import LoomRuns
import LoomTraining
import Testing

@testable import LoomMeasurement

@Suite struct TuneGridTests {
    @Test func workersAreNeverMoreThanTheAllowance() {
        #expect(TuneGrid.workerCounts(largest: 1, own: 1) == [1])
        #expect(TuneGrid.workerCounts(largest: 2, own: 2) == [1, 2])
        #expect(TuneGrid.workerCounts(largest: 6, own: 3) == [1, 2, 3, 4, 5, 6])
        #expect(TuneGrid.workerCounts(largest: 40, own: 20) == [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 40])
        #expect(TuneGrid.workerCounts(largest: 4, own: 9) == [1, 2, 3, 4])
        #expect(TuneGrid.workerCounts(largest: 254, own: 128).allSatisfy { $0 <= 254 })
    }

    private func grid(
        _ overrides: String..., workers: Int = 2, samples: Int = 1024, allowsOtherBits: Bool = false,
        extent: TuneGrid.Extent = .all
    ) throws -> TuneGrid {
        let yaml = """
            data: {synthetic: {task: teacher, samples: 1024, inputs: 24, classes: 5}}
            network: {layers: [{units: 48, activation: relu}, {units: 5}], output: softmax}
            training: {batch: 128}
            parallel: {gemm: builtin, placement: none}
            """
        let configuration = try Configuration(yaml: yaml, file: "a.yaml", overrides: overrides)
        return try TuneGrid(
            configuration, machine: MachineSetup(workers: workers, policy: .none),
            network: Network<Float>(configuration.network.description(inputs: 24)), samples: samples,
            allowsOtherBits: allowsOtherBits, extent: extent)
    }

    /// Other shards cut a smaller last batch elsewhere.
    @Test func theLastBatchHasItsBits() throws {
        let whole = try grid().entries.map(\.program.shardRows)
        let smallerLast = try grid(samples: 1000).entries.map(\.program.shardRows)
        #expect(Set(whole).count > Set(smallerLast).count)
    }

    /// Shards of mixed precision are whole blocks, and no candidate asks for others: a tuned configuration would be refused.
    @Test func mixedPrecisionHasWholeBlocks() throws {
        let shards = try grid("training.precision=mixed_bfloat16").entries
        #expect(shards.allSatisfy { ($0.candidate.shardRows ?? 32) % 32 == 0 && $0.program.shardRows % 32 == 0 })
        #expect(Set(shards.map(\.program.shardRows)).count > 1)
        #expect(Set(shards.map(\.program.route)).isDisjoint(with: [.allReduce, .reduceScatterAllGather]))
        #expect(try grid().entries.contains { $0.program.shardRows == 16 })
    }

    @Test func everyProgramIsThereOnce() throws {
        let grid = try grid("parallel.workers=2")
        #expect(grid.entries[0].candidate == .init(workers: 2, placement: .none))
        #expect(Set(grid.entries.map(\.candidate.workers)) == [1, 2])
        for (index, entry) in grid.entries.enumerated() {
            #expect(entry.program.workers == entry.candidate.workers && entry.keepsBits)
            let twins = grid.entries[..<index].filter {
                $0.program == entry.program
                    && $0.placement.assignments.map(\.cpu) == entry.placement.assignments.map(\.cpu)
            }
            #expect(twins.isEmpty)
        }
        // All routes of two workers, asked for or chosen.
        #expect(Set(grid.entries.filter { $0.candidate.workers == 2 }.map(\.program.route)).count == 4)
        #expect(Set(grid.entries.map(\.program.shardRows)).count > 2)
    }

    /// What a candidate says of its bits is what training it shows.
    @Test func whatKeepsTheBitsTrainsTheSame() throws {
        let yaml = """
            data: {synthetic: {task: teacher, samples: 300, inputs: 24, classes: 5}}
            network: {layers: [{units: 48, activation: relu}, {units: 5}], output: softmax}
            training: {batch: 128}
            parallel: {gemm: builtin, placement: none, workers: 2}
            """
        let configuration = try Configuration(yaml: yaml, file: "a.yaml")
        let machine = try MachineSetup(workers: 2, policy: .none)
        let data = try PreparedData<Float>(
            configuration.data, network: configuration.network.description(inputs: 0), loss: configuration.loss
        ).training
        func hash(_ candidate: TuneCandidate) throws -> String {
            let applied = configuration.applying(candidate)
            let placed = try machine.placing(workers: candidate.workers, policy: candidate.placement)
            let trainer: Trainer<Float> = try applied.trainer(
                data: data, schedule: applied.trainingSchedule, team: applied.teamPlan(on: placed))
            _ = trainer.run(steps: trainer.totalSteps)
            return trainer.parameters.hash
        }
        let grid = try TuneGrid(
            configuration, machine: machine, network: Network<Float>(configuration.network.description(inputs: 24)),
            samples: 300, allowsOtherBits: true, extent: .all)
        let own = try hash(grid.entries[0].candidate)
        #expect(grid.entries.contains { !$0.keepsBits } && grid.entries.dropFirst().contains { $0.keepsBits })
        for entry in grid.entries where entry.keepsBits { #expect(try hash(entry.candidate) == own) }
        let others = try grid.entries.filter { !$0.keepsBits }.map { try hash($0.candidate) }
        #expect(others.contains { $0 != own })
    }

    @Test func otherBitsAreOnlyTriedWhenAllowed() throws {
        let kept = try grid()
        #expect(kept.otherBits > 0 && kept.entries.allSatisfy(\.keepsBits))
        #expect(kept.entries.allSatisfy { $0.candidate.groups == nil })
        let all = try grid(allowsOtherBits: true)
        #expect(all.otherBits == 0 && all.entries.count > kept.entries.count)
        #expect(all.entries.contains { $0.candidate.groups == 1 })
    }

    @Test func lessTimeTriesLess() throws {
        let counts = try TuneGrid.Extent.allCases.map { try grid(extent: $0).entries.count }
        #expect(counts == counts.sorted(by: >) && Set(counts).count == counts.count)
        #expect(try grid(extent: .workers).entries.map(\.candidate.workers) == [2, 1])
        #expect(TuneGrid.Extent.all.leftOut == nil && TuneGrid.Extent.workers.leftOut != nil)
    }

    @Test func aListOfCPUsIsObeyed() throws {
        let grid = try grid("parallel.placement='0'", workers: 1)
        #expect(grid.entries.allSatisfy { $0.candidate.placement == .cpus([0]) && $0.candidate.workers == 1 })
    }

    @Test func placesThatLookAlikeAreOne() throws {
        let topology = try Topology(synthetic: "pack:2 l3:2 core:2 pu:2")
        func signature(_ cpus: [Int]) throws -> PlacementSignature {
            try PlacementSignature(
                Placement.plan(
                    topology: topology, allowedCPUs: topology.hardwareThreads.map(\.osIndex), workers: cpus.count,
                    policy: .cpus(cpus)), on: topology)
        }
        let cpus = topology.cores.map { $0.threads.map(\.osIndex) }
        // Two cores of an L3 group, whichever: cores 0, 1 and 6, 7.
        #expect(try signature([cpus[0][0], cpus[1][0]]) == signature([cpus[6][0], cpus[7][1]]))
        // Two hardware threads of one core; cores of two L3 groups; cores of two packages.
        let different = try [
            signature([cpus[0][0], cpus[0][1]]), signature([cpus[0][0], cpus[1][0]]),
            signature([cpus[0][0], cpus[2][0]]), signature([cpus[0][0], cpus[4][0]]), signature([cpus[0][0]]),
        ]
        for (index, one) in different.enumerated() { #expect(!different[..<index].contains(one)) }
    }
}
