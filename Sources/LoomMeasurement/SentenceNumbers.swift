import Foundation
import LoomRuns

func percent(_ fraction: Double) -> String { NumberFormat.percentage(fraction) }

/// With two decimals at most: "2", "1.5", "0.25".
func decimal(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
}

func nanoseconds(_ value: Double) -> String { NumberFormat.duration(seconds: value * 1e-9) }

extension String {
    /// "a step" → "A step"
    package var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
