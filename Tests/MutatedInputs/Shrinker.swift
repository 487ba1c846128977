import Foundation

/// Makes an input that a reader dies of, or does wrong with, smaller: pieces are left out as long as it still does.
struct Shrinker {
    let reader: any InputReader.Type
    let directory: String
    /// What is tried at most: each time a process.
    private let mostTrials = 120

    /// The smallest failing input that is found; nil: this one does not fail again.
    func smallest(of input: Input) throws -> Input? {
        var (smallest, trials) = (input, 0)
        func fails(_ candidate: Input) throws -> Bool {
            trials += 1
            return try !isRead(candidate)
        }
        guard try fails(input) else { return nil }
        for name in input.parts.keys.sorted(by: { input[$0].count > input[$1].count }) {
            var size = max(1, smallest[name].count / 2)
            while size >= 1, !smallest[name].isEmpty {
                var start = 0
                while start < smallest[name].count, trials < mostTrials {
                    var candidate = smallest
                    candidate[name].removeSubrange(start..<min(start + size, smallest[name].count))
                    if try fails(candidate) { smallest = candidate } else { start += size }
                }
                size = trials < mostTrials ? size / 2 : 0
            }
        }
        return smallest
    }

    private func isRead(_ input: Input) throws -> Bool {
        let path = directory + "/shrunk"
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try input.write(to: path)
        let process = Process()
        process.executableURL = Bundle.main.executableURL
        process.arguments = [reader.name, "--input", path]
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        let id = process.processIdentifier
        let watchdog = DispatchWorkItem { kill(id, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 10, execute: watchdog)
        process.waitUntilExit()
        watchdog.cancel()
        return process.terminationReason == .exit && process.terminationStatus == 0
    }
}
