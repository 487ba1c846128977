import Foundation

/// Where values stand along an axis, in pixels.
package struct ChartScale: Sendable, Equatable {
    /// How distances grow with values.
    package enum Kind: Sendable {
        /// Equal differences are equally far apart.
        case linear
        /// Equal ratios are equally far apart; values must be above 0.
        case logarithmic
    }

    /// How distances grow with values.
    package let kind: Kind
    /// The smallest and the largest value of the axis.
    package let domain: ClosedRange<Double>

    /// A scale of the values in `domain`, which is widened where it is a single value; values that no scale has, not finite or
    /// with logarithms not above 0, are replaced by ordinary ones.
    package init(_ kind: Kind, domain: ClosedRange<Double>) {
        self.kind = kind
        var (low, high) = (domain.lowerBound, domain.upperBound)
        if !low.isFinite || !high.isFinite { (low, high) = (1, 2) }
        switch kind {
        case .linear:
            if high - low <= abs(high) * 1e-12 { high = low + max(abs(low), 1) }
        case .logarithmic:
            if high <= 0 { high = 1 }
            if low <= 0 { low = high / 1e3 }
            if high / low < 1 + 1e-9 { (low, high) = (low / 2, high * 2) }
        }
        self.domain = low...high
    }

    /// A linear scale from 0, or from the smallest of `values` where one is negative, to the first tick behind the largest.
    package static func fromZero(_ values: [Double], about count: Int = 5) -> ChartScale {
        let finite = values.filter(\.isFinite)
        let low = min(0, finite.min() ?? 0)
        let high = max(0, finite.max() ?? 1)
        let step = linearStep(span: max(high - low, .leastNormalMagnitude), about: count)
        let end = step.value((high / step.value(1) - 1e-9).rounded(.up))
        return ChartScale(.linear, domain: low...max(end, low))
    }

    /// The part of the axis before `value`: 0 at its beginning, 1 at its end; beyond them outside the domain.
    package func fraction(_ value: Double) -> Double {
        switch kind {
        case .linear: (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
        case .logarithmic:
            log(max(value, .leastNormalMagnitude) / domain.lowerBound) / log(domain.upperBound / domain.lowerBound)
        }
    }

    /// Round values within the domain, ascending: about `count` where the scale is linear. Where it is logarithmic, the powers of
    /// ten, with twice and five times these where there would be fewer than three; never more than `count` decades.
    package func ticks(about count: Int = 5) -> [Double] {
        switch kind {
        case .linear:
            let step = Self.linearStep(span: domain.upperBound - domain.lowerBound, about: count)
            let first = (domain.lowerBound / step.value(1) - 1e-9).rounded(.up)
            let last = (domain.upperBound / step.value(1) + 1e-9).rounded(.down)
            guard last - first < 1000 else { return [] }
            return stride(from: first, through: last, by: 1).map(step.value)
        case .logarithmic:
            let decades = Int(log10(domain.lowerBound).rounded(.down))...Int(log10(domain.upperBound).rounded(.up))
            let all = decades.filter { domain.contains(Self.power(of: $0)) }
            if all.count < 3 {
                return decades.flatMap { decade in [1, 2, 5].map { $0 * Self.power(of: decade) } }.filter(
                    domain.contains)
            }
            let every = (all.count + count - 1) / max(1, count)
            return all.filter { ($0 - all[0]).isMultiple(of: every) }.map(Self.power)
        }
    }

    /// 1, 2 or 5 times a power of ten, of which multiples are exact as far as their decimals are.
    private struct Step {
        let mantissa: Double
        let exponent: Int

        func value(_ multiple: Double) -> Double {
            exponent >= 0
                ? multiple * mantissa * ChartScale.power(of: exponent)
                : multiple * mantissa / ChartScale.power(of: -exponent)
        }
    }

    private static func linearStep(span: Double, about count: Int) -> Step {
        let rough = span / Double(max(1, count))
        let exponent = max(-300, Int(log10(rough).rounded(.down)))
        let mantissa = rough / pow(10, Double(exponent))
        // The geometric means of neighbours are where one is as far from the wish as the other.
        if mantissa < 2.0.squareRoot() { return Step(mantissa: 1, exponent: exponent) }
        if mantissa < 10.0.squareRoot() { return Step(mantissa: 2, exponent: exponent) }
        if mantissa < 50.0.squareRoot() { return Step(mantissa: 5, exponent: exponent) }
        return Step(mantissa: 1, exponent: exponent + 1)
    }

    private static func power(of exponent: Int) -> Double { Double("1e\(exponent)") ?? pow(10, Double(exponent)) }
}
