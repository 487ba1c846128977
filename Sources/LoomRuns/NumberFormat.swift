import Foundation

/// Numbers as people read them: three significant digits, SI prefixes, a full stop, whatever the locale.
///
/// Not for machines: JSON lines carry full precision.
public enum NumberFormat {
    /// What stands where there is no number.
    public static let missing = "–"

    /// A loss or another plain number with `digits` significant digits: "0.2345", "1.234e-05".
    public static func number(_ value: Double, significantDigits digits: Int = 4) -> String {
        guard value.isFinite else { return nonFinite(value) }
        guard value != 0 else { return String(format: "%.\(digits - 1)f", 0.0) }
        // Not printf's g: it drops zeros at the end, and a changing number in a rewritten line would jump.
        let scientific = String(format: "%.\(digits - 1)e", value)
        let exponent = Int(scientific.split(separator: "e")[1])!
        guard (-4..<digits).contains(exponent) else { return scientific }
        return String(format: "%.\(digits - 1 - exponent)f", value)
    }

    /// With an SI prefix and three significant digits: "950", "1.23 k", "13.2 M".
    public static func prefixed(_ value: Double) -> String {
        guard value.isFinite else { return nonFinite(value) }
        let prefixes = ["", " k", " M", " G", " T", " P"]
        var scaled = value
        var index = 0
        // 999.5 would be rounded to 1000: it belongs to the next prefix.
        while abs(scaled) >= 999.5 && index < prefixes.count - 1 {
            scaled /= 1000
            index += 1
        }
        let digits = abs(scaled) >= 99.95 || scaled == 0 ? 0 : abs(scaled) >= 9.995 ? 1 : 2
        return String(format: "%.\(digits)f", scaled) + prefixes[index]
    }

    /// Samples per second: "1.23 M".
    public static func samplesPerSecond(_ value: Double) -> String {
        prefixed(value)
    }

    /// GFLOP/s without the unit: "9.87", "113", "1240".
    public static func gigaflops(_ value: Double) -> String {
        guard value.isFinite else { return nonFinite(value) }
        return String(
            format: abs(value) < 9.995 ? "%.2f" : abs(value) < 99.95 ? "%.1f" : "%.0f", value)
    }

    /// A fraction as a percentage: 0.9312 is "93.1 %".
    public static func percentage(_ fraction: Double, digits: Int = 1) -> String {
        guard fraction.isFinite else { return nonFinite(fraction) }
        return String(format: "%.\(digits)f %%", fraction * 100)
    }

    /// A time span in its two leading units: "340 µs", "12.3 s", "1 m 12 s", "3 h 05 m", "2 d 04 h".
    public static func duration(seconds: Double) -> String {
        guard seconds.isFinite else { return nonFinite(seconds) }
        if seconds < 0 { return "-" + duration(seconds: -seconds) }
        if seconds == 0 { return "0 s" }
        if seconds < 0.9995e-6 { return String(format: "%.0f ns", seconds * 1e9) }
        if seconds < 0.9995e-3 { return shortDuration(seconds * 1e6, "µs") }
        if seconds < 0.9995 { return shortDuration(seconds * 1e3, "ms") }
        if seconds < 59.95 { return String(format: "%.1f s", seconds) }
        // More than an Int of seconds is an estimate gone wrong, not a time span.
        guard seconds < 1e9 else { return "more than 30 years" }
        let whole = Int(seconds.rounded())
        if whole < 3600 { return String(format: "%d m %02d s", whole / 60, whole % 60) }
        let minutes = Int((seconds / 60).rounded())
        if minutes < 24 * 60 { return String(format: "%d h %02d m", minutes / 60, minutes % 60) }
        let hours = Int((seconds / 3600).rounded())
        return String(format: "%d d %02d h", hours / 24, hours % 24)
    }

    /// A size with binary prefixes: "512 B", "1.50 KiB", "12.0 GiB".
    public static func bytes(_ count: Int) -> String {
        let prefixes = ["KiB", "MiB", "GiB", "TiB", "PiB"]
        guard abs(count) >= 1024 else { return "\(count) B" }
        var scaled = Double(count) / 1024
        var index = 0
        while abs(scaled) >= 1023.5 && index < prefixes.count - 1 {
            scaled /= 1024
            index += 1
        }
        let digits = abs(scaled) >= 99.95 ? 0 : abs(scaled) >= 9.995 ? 1 : 2
        return String(format: "%.\(digits)f \(prefixes[index])", scaled)
    }

    /// So many of something: "1 worker", "1,000 samples".
    public static func counted(_ count: Int, _ noun: String) -> String {
        "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
    }

    /// An integer with its digits in groups of three: "1,000,000".
    public static func grouped(_ value: Int) -> String {
        var groups: [String] = []
        var rest = value.magnitude
        repeat {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 1000)
            groups.append(quotient > 0 ? String(format: "%03d", Int(remainder)) : String(remainder))
            rest = quotient
        } while rest > 0
        return (value < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
    }

    private static func shortDuration(_ value: Double, _ unit: String) -> String {
        String(format: value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value) + " "
            + unit
    }

    private static func nonFinite(_ value: Double) -> String {
        value.isNaN ? "NaN" : value < 0 ? "-infinity" : "infinity"
    }
}
