import Testing

@testable import LoomKernels

@Suite struct InstructionSetTests {
    @Test func theBestOneIsActive() {
        #expect(InstructionSet.active == InstructionSet.allCases.last(where: \.isSupported))
        #expect(InstructionSet.baseline.isSupported)
    }

    @Test func whatTheProcessorLacksIsRefused() {
        for set in InstructionSet.allCases where !set.isSupported {
            #expect(throws: InstructionSet.Unsupported.self) { try set.select() }
        }
        let present = InstructionSet.allCases.filter(\.isSupported).map(\.rawValue).joined(separator: ", ")
        #expect(
            "\(InstructionSet.Unsupported(requested: .avx512))"
                == "parallel.instruction_set is avx512, which this processor does not have; it has \(present): choose "
                + "one of these, or auto")
    }
}
