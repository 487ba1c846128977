import Foundation
import LoomConfiguration
import LoomModel
import LoomPlan
import LoomTraining
import TestSupport
import Testing

/// What holds for every training, tried on trainings that are made up; what fails is made as simple as it can be.
@Suite struct TrainingPropertyTests {
    /// As many as take `make test` some seconds.
    private static let usualCount = 30
    /// GRADLOOM_PROPERTY_SEED tries one case, or as many as GRADLOOM_PROPERTY_COUNT says, from that seed on. `make soak`
    /// begins somewhere else every time.
    private static let seeds: Range<UInt64> = {
        let environment = ProcessInfo.processInfo.environment
        let given = environment["GRADLOOM_PROPERTY_SEED"].flatMap { UInt64($0) }
        let usual = given != nil ? 1 : Effort.isSoak ? 4000 : usualCount
        let count = environment["GRADLOOM_PROPERTY_COUNT"].flatMap { UInt64($0) } ?? UInt64(usual)
        let first = given ?? (Effort.isSoak ? UInt64.random(in: 1...1 << 32) : 1)
        return first..<first + count
    }()

    @Test func everyTrainingHasThem() {
        print("properties of trainings: \(Self.seeds.count) cases from seed \(Self.seeds.lowerBound) on")
        for seed in Self.seeds {
            let training = TrainingCase(seed: seed)
            do {
                guard let failure = try TrainingProperty.failure(of: training) else { continue }
                // A case that cannot be tried at all is no simpler form of this one.
                let smallest = training.shrunk {
                    (try? TrainingProperty.failure(of: $0, [failure.property])) != nil
                }
                Issue.record("\(Self.report(failure.property, seed: seed, failure.problem, smallest))")
            } catch {
                Issue.record("\(error) in the case of seed \(seed):\n\(training)")
            }
            // One is enough to look at.
            return
        }
    }

    private static func report(
        _ property: TrainingProperty, seed: UInt64, _ failure: String, _ smallest: TrainingCase
    ) -> String {
        """
        the property '\(property)' does not hold for the case of seed \(seed):
        \(failure)
        The simplest one found:
        \((try? TrainingProperty.failure(of: smallest, [property])?.problem) ?? failure)
        \(smallest)
        Again: GRADLOOM_PROPERTY_SEED=\(seed) swift test -Xcc -O2 --filter TrainingPropertyTests
        """
    }

    // MARK: The cases

    /// Everything that trainings are made of turns up, and every case is a configuration.
    @Test func casesReachEverything() throws {
        let cases = (1...300).map { TrainingCase(seed: UInt64($0)) }
        func values<Value: Hashable>(_ value: (TrainingCase) -> [Value]) -> Set<Value> { Set(cases.flatMap(value)) }
        #expect(values { [$0.optimizer.kind] }.count == OptimizerDescription.Kind.allCases.count)
        #expect(values { [$0.optimizer.schedule.kind] }.count == LearningRateSchedule.Kind.allCases.count)
        #expect(values { ["\($0.output) \($0.loss.kind)"] }.count == RandomProblem.trainableOutputs.count)
        #expect(values { $0.layers.map(\.activation) }.isSuperset(of: RandomProblem.trainableActivations))
        #expect(values { $0.ways.map(\.route) }.count == ParallelSettings.Route.allCases.count)
        #expect(values { $0.ways.map(\.workers) }.count == 7)
        #expect(values { [$0.layers.count] }.count == 5)
        #expect(values { [$0.precision] }.count == 2 && values { [$0.gemm] }.count == 2)
        #expect(values { [$0.samples % $0.batch == 0] }.count == 2 && values { [$0.dropsLast] }.count == 2)
        #expect(cases.contains { $0.savedStep == 0 } && cases.contains { $0.savedStep == $0.steps })
        #expect(cases.contains { $0.layers.contains { $0.inputs.count > 1 } })
        // Also among the few that are tried by default, as what they are carried out by.
        let routes = try cases.prefix(Self.usualCount).flatMap { training in try training.ways.map(training.route) }
        for route in GradientRoute.allCases { #expect(routes.count { $0 == route } >= 4, "\(route)") }
        for training in cases.prefix(100) {
            let configuration = try training.configuration(training.ways[0])
            #expect(configuration.loss == training.loss && configuration.training.batch == training.batch)
            #expect(configuration.optimizer.kind == training.optimizer.kind)
            #expect(configuration.optimizer.schedule.kind == training.optimizer.schedule.kind)
            #expect(configuration.network.layers.count == training.layers.count)
            #expect(configuration.parallel.workers == training.ways[0].workers)
        }
    }

    /// From a large case to the only one that is left.
    @Test func shrinkingEndsAtTheSimplestCase() throws {
        func fails(_ training: TrainingCase) -> Bool {
            training.optimizer.kind != .sgd && training.batch % 2 == 1 && training.batch > 2
                && training.layers[training.layers.count - 1].units > 3 && training.ways.contains { $0.workers > 2 }
        }
        let large = (1...1000).map { TrainingCase(seed: $0) }.filter(fails)
        #expect(large.count > 10)
        for training in large.prefix(10) {
            let smallest = training.shrunk(while: fails)
            #expect(
                smallest.layers.count == 1 && smallest.layers[0].units == 4 && smallest.layers[0].inputs == ["input"])
            #expect(smallest.optimizer.kind == .momentum && smallest.batch == 3 && smallest.samples == 3)
            #expect(smallest.ways == [TrainingCase.Way(workers: 3, team: .forkJoin)])
            #expect(smallest.steps == 1 && smallest.features == 1 && smallest.savedStep == 0)
            #expect(smallest.output == .identity && smallest.loss == LossDescription(kind: .squaredSum))
            #expect(smallest.optimizer.clipNorm == nil && smallest.optimizer.schedule == LearningRateSchedule())
            #expect(smallest.description.split(separator: "\n").count == 13)
        }
    }
}
