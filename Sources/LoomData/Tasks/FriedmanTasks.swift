import LoomKernels

/// 10 sin(π x₀ x₁) + 20 (x₂ − ½)² + 10 x₃ + 5 x₄ of uniform inputs (Friedman 1991, doi:10.1214/aos/1176347963).
struct Friedman1Task: GeneratedTask {
    private let inputs: RandomRows
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        inputs = description.inputRows
        noise = TaskNoise(description, columns: 1)
    }

    var scratchColumns: Int { noise.scratchColumns }

    func make(_ rows: TaskRows) {
        inputs.makeUniforms(rows.indices, into: rows.inputs)
        for row in 0..<rows.count {
            let x = rows.input(row)
            let middle = Double(x[2]) - 0.5
            let wave = ElementaryFunctions.sineAndCosine(turns: Double(x[0]) * Double(x[1]) / 2).sine
            let value = 10 * wave + 20 * middle * middle + 10 * Double(x[3]) + 5 * Double(x[4])
            rows.target(row)[0] = Float(value)
        }
        noise.add(of: rows.indices, to: rows.targets, scratch: rows.scratch)
    }
}
