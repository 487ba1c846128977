import LoomKernels

/// Normal clouds, one for each class.
struct BlobsTask: GeneratedTask {
    private let inputs: RandomRows
    /// Classes × features.
    private let centers: [Float]
    private let deviation: Float
    private let classes: Int

    init(_ description: SyntheticDescription) {
        inputs = description.inputRows
        let random = CounterRandom(seed: description.seed, purpose: .teacher)
        let (low, high) = (description.centerBox[0], description.centerBox[1])
        classes = description.classes ?? 1
        centers = (0..<classes * description.inputs).map {
            Float(low + (high - low) * random.uniform(at: UInt64($0)))
        }
        deviation = Float(description.clusterStd)
    }

    var scratchColumns: Int { 0 }

    func make(_ rows: TaskRows) {
        inputs.makeNormals(rows.indices, into: rows.inputs)
        let features = rows.inputs.columns
        centers.withUnsafeBufferPointer { centers in
            for row in 0..<rows.count {
                let label = SyntheticDescription.turn(rows.indices[row], classes: classes)
                rows.target(row)[0] = Float(label)
                let values = rows.input(row)
                let center = centers.baseAddress! + label * features
                for feature in 0..<features { values[feature] = center[feature] + deviation * values[feature] }
            }
        }
    }
}

/// Spiral arms in two dimensions, one for each class.
struct SpiralsTask: GeneratedTask {
    private let inputs: RandomRows
    private let turns: Double
    private let classes: Int
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        inputs = description.inputRows
        turns = description.turns
        classes = description.classes ?? 1
        noise = TaskNoise(description, columns: description.inputs)
    }

    var scratchColumns: Int { noise.scratchColumns }

    func make(_ rows: TaskRows) {
        // The radius takes the place of the first feature until the point is known.
        inputs.makeUniforms(rows.indices, into: rows.inputs.columns(0..<1))
        for row in 0..<rows.count {
            let label = SyntheticDescription.turn(rows.indices[row], classes: classes)
            let point = rows.input(row)
            let radius = Double(point[0])
            let arm = Double(label) / Double(classes)
            let (sine, cosine) = ElementaryFunctions.sineAndCosine(turns: turns * radius + arm)
            point[0] = Float(radius * cosine)
            point[1] = Float(radius * sine)
            rows.target(row)[0] = Float(label)
        }
        noise.add(of: rows.indices, to: rows.inputs, scratch: rows.scratch)
    }
}

/// Standard normal inputs, class 1 where exactly one of the first two is positive.
struct XorTask: GeneratedTask {
    private let inputs: RandomRows
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        inputs = description.inputRows
        noise = TaskNoise(description, columns: description.inputs)
    }

    var scratchColumns: Int { noise.scratchColumns }

    func make(_ rows: TaskRows) {
        inputs.makeNormals(rows.indices, into: rows.inputs)
        for row in 0..<rows.count {
            let point = rows.input(row)
            rows.target(row)[0] = (point[0] > 0) != (point[1] > 0) ? 1 : 0
        }
        noise.add(of: rows.indices, to: rows.inputs, scratch: rows.scratch)
    }
}
