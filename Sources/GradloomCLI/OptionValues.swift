import ArgumentParser
import Foundation

/// A time on the command line: `90`, `90s`, `1.5m`, `2h`.
struct TimeSpan: ExpressibleByArgument {
    let seconds: Double

    init(seconds: Double) { self.seconds = seconds }

    init?(argument: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
        let unit = argument.last.flatMap { units[$0] }
        guard let number = Double(unit == nil ? argument[...] : argument.dropLast()), number.isFinite else {
            return nil
        }
        seconds = number * (unit ?? 1)
    }

    /// As it is shown in help.
    var defaultValueDescription: String { "\(Int(seconds))s" }
}

/// Numbers from 1 on, on the command line: `32,64,128`.
struct Counts: ExpressibleByArgument {
    let values: [Int]

    init?(argument: String) {
        let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard !values.isEmpty, values.allSatisfy({ $0 ?? 0 >= 1 }) else { return nil }
        self.values = Set(values.map { $0! }).sorted()
    }
}

/// A size on the command line: `4096`, `64MiB`, `1.5GB`; at least a page, and at most a terabyte.
struct ByteCount: ExpressibleByArgument {
    let bytes: Int

    init?(argument: String) {
        let units = [
            "KiB": 1024.0, "MiB": 1_048_576, "GiB": 1_073_741_824, "KB": 1e3, "kB": 1e3, "MB": 1e6, "GB": 1e9, "B": 1,
        ]
        let digits = argument.prefix { $0.isNumber || $0 == "." }
        let unit = argument.dropFirst(digits.count).trimmingPrefix(" ")
        guard let number = Double(digits), let factor = unit.isEmpty ? 1 : units[String(unit)] else { return nil }
        guard (4096...1e12).contains(number * factor) else { return nil }
        bytes = Int(number * factor)
    }
}

/// Whether two paths are of one file, whatever links lead there.
func isSameFile(_ first: String, _ second: String) -> Bool {
    func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
    return resolved(first) == resolved(second)
}
