import LoomConfiguration
import LoomHardware
import LoomPlan

/// One way to carry out a training's steps: what `gradloom tune` chooses among.
public struct TuneCandidate: Sendable, Equatable {
    /// The number of workers.
    public var workers: Int
    /// Where they run.
    public var placement: PlacementPolicy
    /// Samples of a shard; nil: chosen from the batch.
    public var shardRows: Int?
    /// How the gradient travels; nil: chosen from shapes.
    public var route: GradientRoute?
    /// Groups of samples whose gradients are added as a tree, part of a result's bits; nil: chosen from shapes.
    public var groups: Int?

    /// A way to carry out steps.
    public init(
        workers: Int, placement: PlacementPolicy, shardRows: Int? = nil, route: GradientRoute? = nil, groups: Int? = nil
    ) {
        self.workers = workers
        self.placement = placement
        self.shardRows = shardRows
        self.route = route
        self.groups = groups
    }

    /// In how many of its keys it differs from `other`, the number of workers apart.
    func changes(from other: TuneCandidate) -> Int {
        [
            placement != other.placement, shardRows != other.shardRows, route != other.route, groups != other.groups,
        ].count { $0 }
    }
}

extension Configuration {
    /// What it asks for, with `workers` of them.
    package func candidate(workers: Int) -> TuneCandidate {
        TuneCandidate(
            workers: workers, placement: parallel.placement, shardRows: parallel.shardRows,
            route: parallel.gradientRoute, groups: parallel.groups)
    }

    /// The same training carried out as `candidate` says.
    package func applying(_ candidate: TuneCandidate) -> Configuration {
        var result = self
        result.parallel.workers = candidate.workers
        result.parallel.placement = candidate.placement
        result.parallel.shardRows = candidate.shardRows
        result.parallel.route = candidate.route.flatMap { .init(rawValue: $0.rawValue) } ?? .automatic
        result.parallel.groups = candidate.groups
        return result
    }
}
