import LoomReference

/// How far a number may be from the wanted one: |got − want| ≤ absolute + relative · |want|.
public struct Tolerance: Sendable, Equatable, CustomStringConvertible {
    /// The part that does not depend on the wanted number.
    public var absolute: Double
    /// The part that grows with the wanted number.
    public var relative: Double

    /// A tolerance.
    public init(absolute: Double, relative: Double) {
        self.absolute = absolute
        self.relative = relative
    }

    /// Whether `got` is near enough to `want`; nothing is near to a NaN.
    public func accepts(_ got: Double, _ want: Double) -> Bool {
        got == want || abs(got - want) <= absolute + relative * abs(want)
    }

    /// The formula.
    public var description: String { "\(absolute) + \(relative)·|want|" }
}

/// One number, or shape, that is not what was wanted.
public struct Mismatch: Sendable, Equatable, CustomStringConvertible {
    /// What was compared, for example "F3.14".
    public let id: String
    /// The quantity and where in it, for example "dW[0][2, 1]".
    public let place: String
    /// What came out, and what should have.
    public let got, want: String

    /// One line with everything.
    public var description: String { "\(id) \(place): got \(got), want \(want)" }
}

/// Compares numbers, vectors and matrices with what is wanted, and collects every one that is too far off.
///
///     var comparison = Comparison("F3.14", tolerance: SeedFixtures.tolerance)
///     comparison.compare("db", got, want)
///     #expect(comparison.passes, "\(comparison)")
public struct Comparison: Sendable, CustomStringConvertible {
    /// What is compared, for example a fixture's id.
    public let id: String
    /// How far a number may be off.
    public let tolerance: Tolerance
    /// What is not as wanted.
    public private(set) var mismatches: [Mismatch] = []
    /// The numbers compared.
    public private(set) var comparedCount = 0

    /// A comparison with no numbers yet.
    public init(_ id: String, tolerance: Tolerance) {
        self.id = id
        self.tolerance = tolerance
    }

    /// Whether something was compared and everything was as wanted.
    public var passes: Bool { comparedCount > 0 && mismatches.isEmpty }

    /// Whether everything had the wanted shape, but some number was another one: what a wrong formula must give.
    public var differsInValue: Bool {
        !mismatches.isEmpty && !mismatches.contains { $0.want.hasPrefix(Self.shapePrefix) }
    }

    /// Compares one number.
    public mutating func compare(_ place: String, _ got: Double, _ want: Double) {
        comparedCount += 1
        guard !tolerance.accepts(got, want) else { return }
        mismatches.append(Mismatch(id: id, place: place, got: "\(got)", want: "\(want)"))
    }

    /// Compares a vector.
    public mutating func compare(_ quantity: String, _ got: [Double], _ want: [Double]) {
        guard agree(quantity, got.count, want.count) else { return }
        for index in want.indices {
            compare("\(quantity)[\(index)]", got[index], want[index])
        }
    }

    /// Compares a matrix, row by row.
    public mutating func compare(_ quantity: String, _ got: [[Double]], _ want: [[Double]]) {
        guard agree(quantity, got.count, want.count) else { return }
        for row in want.indices {
            compare("\(quantity)[\(row)]", got[row], want[row])
        }
    }

    /// Compares a list of matrices.
    public mutating func compare(_ quantity: String, _ got: [[[Double]]], _ want: [[[Double]]]) {
        guard agree(quantity, got.count, want.count) else { return }
        for index in want.indices {
            compare("\(quantity)[\(index)]", got[index], want[index])
        }
    }

    /// Compares what one side may lack: both must lack it, or neither.
    public mutating func compare(_ quantity: String, _ got: [Double]?, _ want: [Double]?) {
        switch (got, want) {
        case (nil, nil): return
        case (let got?, let want?): compare(quantity, got, want)
        case (let got, let want):
            let shapes = [got, want].map { values in
                Self.shapePrefix + (values.map { "\($0.count) numbers" } ?? "nothing")
            }
            mismatches.append(Mismatch(id: id, place: quantity, got: shapes[0], want: shapes[1]))
        }
    }

    /// Compares weights and biases, or their gradients, layer by layer.
    public mutating func compare(_ quantity: String, _ got: [ReferenceLayer], _ want: [ReferenceLayer]) {
        guard agree(quantity, got.count, want.count) else { return }
        for index in want.indices {
            compare("\(quantity)[\(index)].weights", got[index].connections, want[index].connections)
            compare("\(quantity)[\(index)].bias", got[index].bias, want[index].bias)
        }
    }

    private static let shapePrefix = "shape: "

    private mutating func agree(_ quantity: String, _ got: Int, _ want: Int) -> Bool {
        if got == want { return true }
        mismatches.append(
            Mismatch(
                id: id, place: quantity, got: Self.shapePrefix + "\(got) elements",
                want: Self.shapePrefix + "\(want) elements"))
        return false
    }

    /// The counts and the first mismatches.
    public var description: String {
        let shown = mismatches.prefix(8).map { "\n  \($0)" }.joined()
        return "\(id): \(mismatches.count) mismatches in \(comparedCount) numbers"
            + " (tolerance \(tolerance))\(shown)\(mismatches.count > 8 ? "\n  …" : "")"
    }
}
