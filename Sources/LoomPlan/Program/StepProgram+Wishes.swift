extension StepProgram {
    /// What was asked for and cannot be, one sentence each.
    package func unmetWishes(_ request: StepRequest) -> [String] {
        var sentences: [String] = []
        if let groups = request.groups, groups > sum.groups {
            sentences.append(
                "parallel.groups is \(groups), but a batch of \(batchRows) in shards of \(shardRows) has \(sum.groups) at "
                    + "most, and is trained with \(sum.groups)")
        }
        if let wish = request.route, wish != route {
            sentences.append(
                "parallel.route is \(wish.rawValue), but gradients take the route \(route.rawValue): "
                    + reasonAgainst(wish, request))
        }
        return sentences
    }

    private func reasonAgainst(_ route: GradientRoute, _ request: StepRequest) -> String {
        if request.packsFactors, route.copiesParameters {
            return "in mixed precision all workers share one copy of the weights"
        }
        if !request.cutsFreely {
            return "\(request.gemmBackend.rawValue) may give other bits where a product is cut"
        }
        if workers == 1 { return "one worker has nobody to exchange gradients with" }
        if sum.groups == 1 { return "the gradient of such a batch is a single group, which cannot be shared out" }
        return "clipping, a penalty or weight decay needs the whole gradient"
    }
}
