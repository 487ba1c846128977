import Foundation
import Testing

@testable import LoomKernels

@Suite struct OutOfMemoryTests {
    /// A program that says so in its own way ends in its own way.
    @Test func theProgramDecidesHowItEnds() async {
        await #expect(processExitsWith: .exitCode(71)) {
            whenOutOfMemory = { sentence in
                exit(sentence == "out of memory: the system does not give 4611686018427387904 bytes more" ? 71 : 1)
            }
            _ = AlignedBuffer<Double>(uninitializedCount: 1 << 59)
        }
    }
}
