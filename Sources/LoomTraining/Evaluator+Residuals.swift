import LoomData
import LoomKernels
import LoomModel

extension Evaluator {
    /// The residuals of the first `most` outputs on `samples`, whose targets are numbers; of an output without a finite prediction
    /// there are none.
    ///
    /// The network runs over the samples twice, once for their extent and once to count: nothing is kept of each.
    /// - Throws: `ModelError` when loss and output do not go together.
    package func residuals(_ samples: SampleFeed<Scalar>, loss: LossDescription, most: Int) throws -> [Residuals?] {
        try residuals(samples, loss: loss, most: most, mostPortions: 1024)
    }

    func residuals(
        _ samples: SampleFeed<Scalar>, loss: LossDescription, most: Int, mostPortions: Int
    ) throws -> [Residuals?] {
        _ = try Loss<Scalar>(loss, output: network.description.output)
        let targets = min(most, network.outputs)
        let portions = min(chunkCount(samples.sampleCount), mostPortions)
        let first = ResidualSumsMemory(targets: targets, portions: portions)
        forEachPair(of: samples, targets: targets, portions: portions) { sample, target, place in
            first.add(sample, target: target, portion: place.portion)
        }
        let sums = (0..<targets).map(first.total)
        let second = ResidualCountsMemory(sums, samples: samples.sampleCount, workers: team.workers)
        forEachPair(of: samples, targets: targets, portions: portions) { sample, target, place in
            second.add(sample, target: target, worker: place.worker)
        }
        return (0..<targets).map { target in
            sums[target].samples > 0 ? second.residuals(target: target, largest: first.largest(target: target)) : nil
        }
    }

    /// Every sample with the target and the prediction of each of the first `targets` outputs.
    private func forEachPair(
        of samples: SampleFeed<Scalar>, targets: Int, portions: Int,
        _ body: @escaping @Sendable (Residuals.Sample, _ target: Int, ChunkPlace) -> Void
    ) {
        forEachChunk(of: samples, portions: portions, until: StopRequest()) { place, rows, network, batch in
            network.predict(rows: 0..<rows.count)
            let predictions = network.prediction
            for row in 0..<rows.count {
                for target in 0..<targets {
                    body(
                        .init(
                            rows.lowerBound + row, target: Double(batch.values[row, target]),
                            prediction: Double(predictions[row, target])), target, place)
                }
            }
        }
    }
}
