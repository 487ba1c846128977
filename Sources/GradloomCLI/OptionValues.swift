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

/// Whether two paths are of one file, whatever links lead there.
func isSameFile(_ first: String, _ second: String) -> Bool {
    func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
    return resolved(first) == resolved(second)
}
