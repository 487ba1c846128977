import Foundation
import Testing

/// Kernels on operands between pages that nothing may touch; `make soak` has more shapes, `make sanitize` more eyes.
@Suite struct KernelBoundsTests {
    /// In a process of its own, which such a touch ends.
    @Test func nothingBesideOperandsIsTouched() throws {
        let program = Process()
        program.executableURL = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("kernel-bounds")
        let pipe = Pipe()
        program.standardOutput = pipe
        program.standardError = pipe
        try program.run()
        let printed = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        program.waitUntilExit()
        #expect(program.terminationStatus == 0, "\(printed)")
        for variant in KernelVariant.all {
            #expect(try printed.contains(Regex("\(variant): [0-9]{5,} calls\n")), "\(printed)")
        }
    }
}
