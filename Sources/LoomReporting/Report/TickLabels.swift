import Foundation
import LoomRuns

/// Numbers beside an axis.
package enum TickLabels {
    private static let prefixes: [(factor: Double, symbol: String)] = [
        (1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"), (1, ""),
    ]

    /// The label of each of `ticks`, all with one prefix and as many decimals: the prefix is that of the largest from 10,000 on,
    /// and the decimals are those that tell neighbours apart.
    package static func linear(_ ticks: [Double]) -> [String] {
        let largest = ticks.map(abs).max() ?? 0
        let prefix = largest < 10_000 ? prefixes[4] : prefixes.first { largest >= $0.factor } ?? prefixes[4]
        let step = (zip(ticks, ticks.dropFirst()).map { abs($1 - $0) }.min() ?? largest) / prefix.factor
        let decimals = (0...9).first { decimals in
            let scaled = step * pow(10, Double(decimals))
            return scaled > 0.5 && abs(scaled - scaled.rounded()) < 1e-6 * scaled
        }
        return ticks.map { tick in
            guard tick != 0 else { return "0" }
            let value = tick / prefix.factor
            guard decimals != 0 || abs(value) < 1000 else { return NumberFormat.grouped(Int(value.rounded())) }
            return String(format: "%.\(decimals ?? 9)f", value) + prefix.symbol
        }
    }

    /// The label of each of `ticks` by itself, with the digits that it has: "0.05", "2", "1,000", "5 M", "1e-06".
    package static func logarithmic(_ ticks: [Double]) -> [String] {
        ticks.map { tick in
            if tick < 10_000 {
                return tick < 1000 ? String(format: "%g", tick) : NumberFormat.grouped(Int(tick.rounded()))
            }
            let prefix = prefixes.first { tick >= $0.factor } ?? prefixes[4]
            return String(format: "%g", tick / prefix.factor) + prefix.symbol
        }
    }
}
