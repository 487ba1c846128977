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

/// The impedance (√(x₀² + q²)) or the phase (arctan(q / x₀)) of a circuit, with q = x₁ x₂ − 1 / (x₁ x₃) (Friedman 1991).
struct FriedmanCircuitTask: GeneratedTask {
    private let inputs: RandomRows
    private let isPhase: Bool
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        inputs = description.inputRows
        isPhase = description.task == .friedman3
        noise = TaskNoise(description, columns: 1)
    }

    private var stride: Int { Padding.stride(columns: 1, of: Float.self) }

    var scratchColumns: Int { max(stride, noise.scratchColumns) }

    func make(_ rows: TaskRows) {
        inputs.makeUniforms(rows.indices, into: rows.inputs)
        let values = MatrixView(pointer: rows.scratch, rows: rows.count, columns: 1, stride: stride)
        for row in 0..<rows.count {
            let x = rows.input(row)
            x[0] *= 100
            x[1] = Float(40 * Double.pi) + Float(520 * Double.pi) * x[1]
            x[3] = 1 + 10 * x[3]
            let (frequency, resistance) = (Double(x[1]), Double(x[0]))
            let reactance = frequency * Double(x[2]) - 1 / (frequency * Double(x[3]))
            values[row, 0] =
                isPhase
                ? Float(reactance / resistance) : Float((resistance * resistance + reactance * reactance).squareRoot())
        }
        if isPhase { Float.activate(.arctan, bias: nil, preActivations: values, outputs: values) }
        for row in 0..<rows.count { rows.target(row)[0] = values[row, 0] }
        noise.add(of: rows.indices, to: rows.targets, scratch: rows.scratch)
    }
}
