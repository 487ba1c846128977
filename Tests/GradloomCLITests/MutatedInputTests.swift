import Foundation
import Testing

/// A sample of the inputs that `make soak` gives each reader, other ones every time, and all that are kept.
@Suite struct MutatedInputTests {
    /// How many fresh inputs each reader is given: what a second or two is enough for.
    @Test(arguments: [
        (["csv", "npy", "safetensors", "profile"], 600), (["gzip", "npz", "idx", "libsvm", "dataset"], 600),
        (["configuration"], 150), (["run"], 40),
    ]) func everyInputComesToAValueOrToAnError(readers: [String], count: Int) throws {
        let seed = UInt64.random(in: 0..<1 << 32)
        let program = Process()
        program.executableURL = Workplace.program.deletingLastPathComponent().appendingPathComponent("mutated-inputs")
        program.arguments = readers + ["--seed", "\(seed)", "--count", "\(count)"]
        let printed = try Workplace().printed(by: program)
        #expect(program.terminationStatus == 0, "\(printed)")
        for reader in readers {
            let line = try Regex(
                "\(reader): ([0-9]+) (kept|mutated) inputs in .*, ([0-9]+) read, ([0-9]+) refused; .*; 0 failures\n")
            let lines = printed.matches(of: line)
            try #require(lines.count == 2, "\(printed)")
            #expect(lines[1].output[1].substring.map { Int($0) } == count)
            // Inputs that are all refused, or all read, would show little.
            for kind in 3...4 {
                let part = try #require(lines[1].output[kind].substring.flatMap { Int($0) })
                #expect(part * 100 >= count, "\(printed)")
            }
        }
    }
}
