import Foundation

/// Student's t distribution, for the few degrees of freedom that fits of scaling have.
enum StudentT {
    /// P(−t ≤ T ≤ t) for t ≥ 0 with `degrees` ≥ 1 degrees of freedom: Abramowitz and Stegun, "Handbook of Mathematical
    /// Functions", 26.7.3 and 26.7.4.
    static func centralProbability(_ t: Double, degrees: Int) -> Double {
        let angle = atan(t / Double(degrees).squareRoot())
        let (sine, cosine) = (sin(angle), cos(angle))
        var term = degrees.isMultiple(of: 2) ? 1 : cosine
        var sum = degrees == 1 ? 0 : term
        var k = degrees.isMultiple(of: 2) ? 2 : 3
        while k <= degrees - 2 {
            term *= Double(k - 1) / Double(k) * cosine * cosine
            sum += term
            k += 2
        }
        return degrees.isMultiple(of: 2) ? sine * sum : 2 / Double.pi * (angle + sine * sum)
    }

    /// The t with P(−t ≤ T ≤ t) = `confidence`, 0 < `confidence` < 1.
    static func quantile(confidence: Double, degrees: Int) -> Double {
        var low = 0.0
        var high = 1.0
        while centralProbability(high, degrees: degrees) < confidence && high < 1e12 { high *= 2 }
        // Halved until the ends are neighbours in all digits that anybody prints.
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if centralProbability(middle, degrees: degrees) < confidence { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}
