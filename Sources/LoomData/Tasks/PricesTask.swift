import LoomKernels

/// The prices of five days, in parts of a usual one, and that of the next day. Each change is a part of the last one and
/// something new.
struct PricesTask: GeneratedTask {
    /// The prices that are known.
    static let days = 5
    /// The part of a change that the next one repeats.
    static let persistence = 0.6

    private let random: RandomRows
    private let noise: Double

    init(_ description: SyntheticDescription) {
        random = description.inputRows
        noise = description.noise
    }

    // The first price, the first change, and what is new of all further changes.
    private var stride: Int { Padding.stride(columns: Self.days + 1, of: Float.self) }

    var scratchColumns: Int { stride }

    func make(_ rows: TaskRows) {
        let numbers = MatrixView(pointer: rows.scratch, rows: rows.count, columns: Self.days + 1, stride: stride)
        random.makeNormals(rows.indices, into: numbers)
        // The deviation at which changes neither grow nor shrink.
        let first = noise / (1 - Self.persistence * Self.persistence).squareRoot()
        for row in 0..<rows.count {
            let prices = rows.input(row)
            var price = 1 + 0.2 * Double(numbers[row, 0])
            var change = first * Double(numbers[row, 1])
            prices[0] = Float(price)
            for day in 1..<Self.days {
                price += change
                prices[day] = Float(price)
                change = Self.persistence * change + noise * Double(numbers[row, day + 1])
            }
            rows.target(row)[0] = Float(price + change)
        }
    }
}
