import Foundation
import LoomConfiguration
import LoomKernels

/// All values between two numbers: `1e-3..1e-1:log`, or `16..256` with whole numbers.
package struct SweepRange: Sendable, Equatable {
    /// The ends, as they were written.
    let lowerText, upperText: String
    /// The ends.
    package let lower, upper: Double
    /// Whether equal ratios are equally far apart, rather than equal differences.
    package let isLogarithmic: Bool
    /// Whether the values are whole numbers, because both ends are written so.
    package let isWhole: Bool
    /// The points of a grid.
    package let points: Int

    /// The points of a grid where their number is not given.
    package static let defaultPoints = 5
    /// The whole numbers that a double counts one by one.
    private static let largestWhole = 0x1p53

    /// Reads LOWER..UPPER with `:log`, a number of points, or both behind it; nil: the text is no range, but some other value.
    /// - Throws: `SweepError.values`.
    init?(_ value: String, in text: String) throws(SweepError) {
        func problem(_ sentence: String) -> SweepError { .values(text: text, problem: sentence) }
        guard let dots = value.range(of: "..") else { return nil }
        let first = String(value[..<dots.lowerBound])
        guard let lower = SettingsNumber.real(first) else { return nil }
        let rest = value[dots.upperBound...].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard !rest[0].hasPrefix("."), let upper = SettingsNumber.real(rest[0]) else {
            throw problem(
                "'\(value)' is no range; expected two numbers with two points between them, such as 1e-3..1e-1, and behind "
                    + "them :log, a number of points such as :5, or both")
        }
        var (isLogarithmic, points) = (false, Int?.none)
        for option in rest.dropFirst() {
            if option == "log", !isLogarithmic {
                isLogarithmic = true
            } else if let count: Int = SettingsNumber.whole(option), count >= 2, points == nil {
                points = count
            } else {
                throw problem("':\(option)' behind a range is neither :log nor a number of points from 2 on")
            }
        }
        guard lower < upper else {
            throw problem(
                lower == upper
                    ? "the range has one value; write \(first) alone"
                    : "the range is empty: \(first) is above \(rest[0]); write the smaller number first")
        }
        guard !isLogarithmic || lower > 0 else {
            throw problem("a range with :log needs two numbers above 0, and \(first) has no logarithm")
        }
        isWhole = SettingsNumber.isWhole(first) && SettingsNumber.isWhole(rest[0])
        guard !isWhole || max(abs(lower), abs(upper)) <= Self.largestWhole else {
            throw problem("whole numbers of a range are at most 2⁵³")
        }
        guard (upper - lower).isFinite else { throw problem("the ends of the range are too far apart") }
        (self.lower, self.upper, self.isLogarithmic) = (lower, upper, isLogarithmic)
        (lowerText, upperText) = (first, rest[0])
        self.points = points ?? Self.defaultPoints
    }

    /// The values of a grid, in their order: both ends, and the others equally far apart. Whole numbers that two points are
    /// nearest to are there once.
    var gridValues: [String] {
        var values: [String] = []
        for point in 0..<points {
            let value = text(of: value(at: Double(point) / Double(points - 1)))
            if values.last != value { values.append(value) }
        }
        return values
    }

    /// The value that the random number `uniform`, between 0 and 1, leads to.
    func drawn(_ uniform: Double) -> String {
        guard isWhole else { return text(of: value(at: uniform)) }
        // Each whole number has the interval up to the next one.
        let real =
            isLogarithmic
            ? lower * ElementaryFunctions.exp(uniform * ElementaryFunctions.log((upper + 1) / lower))
            : lower + uniform * (upper - lower + 1)
        return text(of: real.rounded(.down))
    }

    private func value(at fraction: Double) -> Double {
        if fraction <= 0 { return lower }
        if fraction >= 1 { return upper }
        guard isLogarithmic else { return lower + fraction * (upper - lower) }
        return ElementaryFunctions.exp(
            ElementaryFunctions.log(lower)
                + fraction * (ElementaryFunctions.log(upper) - ElementaryFunctions.log(lower)))
    }

    /// A value as a configuration has it: with so few digits that people can read it, and never outside of the range.
    private func text(of value: Double) -> String {
        if isWhole {
            return String(Int(min(upper, max(lower, value.rounded()))))
        }
        guard let rounded = Double(String(format: "%.\(digits - 1)e", value)) else { return lowerText }
        if rounded <= lower { return lowerText }
        return rounded >= upper ? upperText : "\(rounded)"
    }

    /// Significant digits: four, and more where the ends differ in their later digits alone.
    private var digits: Int {
        let ratio = max(abs(lower), abs(upper)) / (upper - lower)
        return min(17, 4 + (ratio > 1 ? Int(log10(ratio).rounded()) : 0))
    }
}
