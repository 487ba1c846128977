import LoomKernels

/// Normal clouds, one or more for each class.
struct BlobsTask: GeneratedTask {
    private let inputs: RandomRows
    /// Classes × clusters × features.
    let centers: [Float]
    private let deviation: Float
    let clusters: Int
    private let choice: ClassChoice
    private let cluster: RandomRows

    init(_ description: SyntheticDescription) {
        inputs = description.inputRows
        let random = CounterRandom(seed: description.seed, purpose: .teacher)
        let (low, high) = (description.centerBox[0], description.centerBox[1])
        clusters = description.task == .mixture ? description.clusters : 1
        centers = (0..<(description.classes ?? 1) * clusters * description.inputs).map {
            Float(low + (high - low) * random.uniform(at: UInt64($0)))
        }
        deviation = Float(description.clusterStd)
        choice = ClassChoice(description)
        cluster = RandomRows(
            seed: description.seed, purpose: .syntheticChoice, subStream: SyntheticDescription.SubStream.cluster)
    }

    var scratchColumns: Int { clusters > 1 ? Padding.stride(columns: 1, of: Float.self) : 0 }

    func make(_ rows: TaskRows) {
        inputs.makeNormals(rows.indices, into: rows.inputs)
        choice.choose(rows)
        let stride = scratchColumns
        if clusters > 1 {
            cluster.makeUniforms(
                rows.indices, into: MatrixView(pointer: rows.scratch, rows: rows.count, columns: 1, stride: stride))
        }
        let features = rows.inputs.columns
        centers.withUnsafeBufferPointer { centers in
            for row in 0..<rows.count {
                var place = choice.label(rows, row) * clusters
                if clusters > 1 { place += min(clusters - 1, Int(rows.scratch[row * stride] * Float(clusters))) }
                let values = rows.input(row)
                let center = centers.baseAddress! + place * features
                for feature in 0..<features { values[feature] = center[feature] + deviation * values[feature] }
            }
        }
    }
}

/// Curves in two dimensions, one for each class: arms of a spiral, or circles around 0.
struct CurvesTask: GeneratedTask {
    private enum Curve {
        case arms(turns: Double)
        case circles
    }

    private let inputs: RandomRows
    private let curve: Curve
    private let classes: Int
    private let choice: ClassChoice
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        inputs = description.inputRows
        curve = description.task == .rings ? .circles : .arms(turns: description.turns)
        classes = description.classes ?? 1
        choice = ClassChoice(description)
        noise = TaskNoise(description, columns: description.inputs)
    }

    var scratchColumns: Int { noise.scratchColumns }

    func make(_ rows: TaskRows) {
        choice.choose(rows)
        // The place on the curve takes the place of the first feature until the point is known.
        inputs.makeUniforms(rows.indices, into: rows.inputs.columns(0..<1))
        for row in 0..<rows.count {
            let point = rows.input(row)
            let (place, label) = (Double(point[0]), choice.label(rows, row))
            let (radius, angle) =
                switch curve {
                case .arms(let turns): (place, turns * place + Double(label) / Double(classes))
                case .circles: (Double(label + 1) / Double(classes), place)
                }
            let (sine, cosine) = ElementaryFunctions.sineAndCosine(turns: angle)
            point[0] = Float(radius * cosine)
            point[1] = Float(radius * sine)
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

/// Inputs −1 or 1, class 1 where an odd number of the first ones is 1.
struct ParityTask: GeneratedTask {
    private let inputs: RandomRows
    private let bits: Int
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        inputs = description.inputRows
        bits = description.bits
        noise = TaskNoise(description, columns: description.inputs)
    }

    var scratchColumns: Int { noise.scratchColumns }

    func make(_ rows: TaskRows) {
        inputs.makeUniforms(rows.indices, into: rows.inputs)
        let features = rows.inputs.columns
        for row in 0..<rows.count {
            let values = rows.input(row)
            for feature in 0..<features { values[feature] = values[feature] < 0.5 ? -1 : 1 }
            var isOdd = false
            for bit in 0..<bits where values[bit] > 0 { isOdd.toggle() }
            rows.target(row)[0] = isOdd ? 1 : 0
        }
        noise.add(of: rows.indices, to: rows.inputs, scratch: rows.scratch)
    }
}

/// One input uniform in (0, 4); class 0 from 1 to below 3.
struct IntervalsTask: GeneratedTask {
    private let inputs: RandomRows

    init(_ description: SyntheticDescription) { inputs = description.inputRows }

    var scratchColumns: Int { 0 }

    func make(_ rows: TaskRows) {
        inputs.makeUniforms(rows.indices, into: rows.inputs)
        for row in 0..<rows.count {
            let x = 4 * rows.input(row)[0]
            rows.input(row)[0] = x
            rows.target(row)[0] = x >= 1 && x < 3 ? 0 : 1
        }
    }
}

/// Two inputs uniform in (−¼, 1); class 1 in the triangle below x₀ + x₁ = 1.
struct TriangleTask: GeneratedTask {
    private let inputs: RandomRows

    init(_ description: SyntheticDescription) { inputs = description.inputRows }

    var scratchColumns: Int { 0 }

    func make(_ rows: TaskRows) {
        inputs.makeUniforms(rows.indices, into: rows.inputs)
        for row in 0..<rows.count {
            let point = rows.input(row)
            for axis in 0..<2 { point[axis] = 1.25 * point[axis] - 0.25 }
            rows.target(row)[0] = point[0] >= 0 && point[1] >= 0 && point[0] + point[1] < 1 ? 1 : 0
        }
    }
}
