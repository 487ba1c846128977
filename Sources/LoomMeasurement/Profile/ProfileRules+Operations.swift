extension ProfileRule {
    /// What the operations are: what they take, and what limits them.
    static let ofOperations: [ProfileRule] = [
        ProfileRule(name: "gathering") { facts in
            let share = facts.shares["gather"] ?? 0
            guard facts.shuffles, share > 2 * Threshold.share else { return nil }
            return Finding(
                text: "copying the samples of a batch together takes \(percent(share)) of the time", share: share,
                remedy: unshuffled)
        },
        ProfileRule(name: "gather_memory_bound") { facts in
            guard let (share, fraction) = facts.memoryBound(["gather"]), share > Threshold.share else { return nil }
            return Finding(
                text: "copying samples together is limited by memory: \(percent(fraction)) of its bandwidth, in "
                    + "\(percent(share)) of the time", share: share,
                remedy: facts.shuffles ? unshuffled : facts.isDouble ? halfTheBytes : "fewer inputs for a sample")
        },
        ProfileRule(name: "update") { facts in
            let present = updateKinds.filter { facts.shares[$0] ?? 0 > 0 }
            let share = present.reduce(0) { $0 + (facts.shares[$1] ?? 0) }
            guard share > 2 * Threshold.share else { return nil }
            return Finding(
                text:
                    "updating the parameters (\(present.joined(separator: ", "))) takes \(percent(share)) of the time, "
                    + "once a batch whatever its size", share: share, remedy: fewerUpdates(facts), saved: share / 2)
        },
        ProfileRule(name: "update_memory_bound") { facts in
            guard let (share, fraction) = facts.memoryBound(updateKinds), share > Threshold.share else { return nil }
            return Finding(
                text: "updating the parameters is limited by memory: \(percent(fraction)) of its bandwidth, in "
                    + "\(percent(share)) of the time; more workers will not help", share: share,
                remedy: facts.isDouble ? halfTheBytes : fewerUpdates(facts), saved: share / 2)
        },
        ProfileRule(name: "products_memory_bound") { facts in
            guard let (share, fraction) = facts.memoryBound(productKinds), share > Threshold.share else { return nil }
            // With twice the batch the weights are read half as often.
            return Finding(
                text: "matrix products are limited by memory: \(percent(fraction)) of its bandwidth, in "
                    + "\(percent(share)) of the time", share: share,
                remedy: facts.isDouble
                    ? halfTheBytes
                    : facts.largerBatchSetting.map { "weights that serve more samples: " + $0 } ?? "narrower layers",
                saved: share / 2)
        },
        ProfileRule(name: "products_below_peak") { facts in
            // Alone they would take so much of the time. They are what they are: this is the part of their shape.
            let products = facts.productShare
            let share = products * facts.productCeilingFraction
            let lost = share * (1 - facts.shapePeakFraction / Threshold.productPeakFraction)
            guard lost > Threshold.share else { return nil }
            let remedy =
                facts.usesOpenBLAS
                ? "--set parallel.gemm=builtin"
                : facts.isDouble && facts.productSeconds >= Threshold.shortProductSeconds
                    ? "--set training.precision=float32"
                    : (facts.largerBatchSetting.map { $0 + ", or " } ?? "") + "wider layers"
            let reached = "\(percent(facts.shapePeakFraction)) of the arithmetic peak"
            return Finding(
                text: facts.areProductsMeasuredAlone
                    ? "the shapes of the matrix products are slow: alone they reach \(reached)"
                    : "matrix products reach \(reached), in \(percent(products)) of the time",
                share: lost, remedy: remedy)
        },
        ProfileRule(name: "products_below_ceiling") { facts in
            let share = facts.productShare
            let lost = share * (1 - facts.productCeilingFraction / Threshold.productCeilingFraction)
            guard lost > Threshold.share, facts.otherWorkFraction <= Threshold.share else { return nil }
            let isShort = facts.productSeconds < Threshold.shortProductSeconds
            let reached =
                "reach \(percent(facts.productCeilingFraction)) of what they reach alone, in \(percent(share)) "
                + "of the time"
            return Finding(
                text: isShort
                    ? "matrix products of \(nanoseconds(facts.productSeconds * 1e9)) are short beside their calls: they "
                        + reached : "matrix products " + reached,
                share: lost,
                remedy: isShort
                    ? (facts.largerBatchSetting.map { $0 + ", or " } ?? "") + "wider layers"
                    : facts.fitsCache
                        ? "gradloom doctor looks for what disturbs them: neighbours, clocks, cores far from each other"
                        : "a step that stays in the second-level cache: "
                            + (facts.batchSetting(max(1, facts.batchRows / 2)) ?? ""))
        },
    ]

    private static let unshuffled = "--set data.shuffle=false where the data are in random order already"
    private static let halfTheBytes = "--set training.precision=float32: half the bytes"

    private static func fewerUpdates(_ facts: ProfileFacts) -> String {
        facts.largerBatchSetting.map { "half as many updates: " + $0 } ?? "fewer parameters: narrower layers"
    }

    fileprivate static let productKinds = ["forward", "backward", "gradient", "fused_update"]
    /// Sums, penalties and norms belong to the update: they come once a batch, whatever its size.
    private static let updateKinds = ["update", "sum", "copy", "add_penalty", "squares", "penalty"]
}

extension ProfileFacts {
    /// The share of all workers' time that products have.
    fileprivate var productShare: Double { ProfileRule.productKinds.reduce(0) { $0 + (shares[$1] ?? 0) } }

    /// The share of all workers' time in which some of `kinds` are limited by memory, and what they reach of its bandwidth.
    fileprivate func memoryBound(_ kinds: [String]) -> (share: Double, fraction: Double)? {
        let share = kinds.reduce(0) { $0 + (memoryShares[$1] ?? 0) }
        guard share > 0 else { return nil }
        return (
            share, kinds.reduce(0) { $0 + (memoryShares[$1] ?? 0) * (memoryFractions[$1] ?? 0) } / share
        )
    }
}
