import LoomKernels
import Testing

@testable import LoomData

/// Numbers that are too large are named before anything is reserved.
@Suite struct SyntheticSizeTests {
    private static let huge = 1 << 62
    private static let cases: [(SyntheticDescription, String)] = [
        (SyntheticDescription(task: .xor, samples: 1, inputs: huge), "inputs"),
        (SyntheticDescription(task: .blobs, samples: 1, classes: .max), "classes"),
        (SyntheticDescription(task: .blobs, samples: 1, inputs: 2, classes: 1_000_000_000), "classes"),
        (SyntheticDescription(task: .blobs, samples: 1, inputs: 1_000_000_000, classes: 2), "inputs"),
        (SyntheticDescription(task: .spirals, samples: 1, classes: .max), "classes"),
        (SyntheticDescription(task: .linear, samples: 1, targets: huge), "targets"),
        (SyntheticDescription(task: .linear, samples: 1, inputs: 1 << 20, targets: 1 << 9), "inputs"),
        (SyntheticDescription(task: .teacher, samples: 1, hidden: [.max]), "hidden"),
        (SyntheticDescription(task: .teacher, samples: 1, inputs: 1 << 10, hidden: [1 << 19]), "hidden"),
        (SyntheticDescription(task: .teacher, samples: 1, targets: 1 << 25), "targets"),
        (SyntheticDescription(task: .friedman1, samples: .max), "samples"),
        (SyntheticDescription(task: .xor, samples: 1_000_000_000_000_000, inputs: 1 << 17), "samples"),
        // float32 has no 2²⁴ + 1.
        (SyntheticDescription(task: .spirals, samples: 1, classes: (1 << 24) + 1), "classes"),
        (SyntheticDescription(task: .teacher, samples: 1, hidden: [.min]), "hidden"),
        (SyntheticDescription(task: .xor, samples: 1).with { $0.redundant = .min }, "redundant"),
        (SyntheticDescription(task: .mixture, samples: 1).with { $0.clusters = .min }, "clusters"),
    ]

    @Test(arguments: cases)
    func theKeyAndTheNumberAreNamed(description: SyntheticDescription, key: String) throws {
        let failure = dataError { _ = try SyntheticSource(description) }
        #expect(failure?.source == "data.synthetic.\(key)")
        #expect(failure?.problem.hasPrefix("is ") == true && failure?.exitCode == 78)
    }

    @Test func whatIsNotKeptMayBeMany() throws {
        let source = try SyntheticSource(SyntheticDescription(task: .spirals, samples: 3, classes: 16_000_000))
        #expect(try Dataset<Float>(source, conversion: nil).count == 3)
    }

    @Test func samplesThatNoMachineHolds() throws {
        let source = try SyntheticSource(
            SyntheticDescription(task: .xor, samples: 4_000_000_000, inputs: 2_000_000_000))
        let failure = dataError { _ = try Dataset<Float>(source, conversion: nil) }
        #expect(
            failure?.problem
                == "the system does not give the memory for 4000000000 samples of 2000000000 features")
    }

    @Test func wideSamplesAreReadInParts() throws {
        // More than fit into one part, and a rest.
        let inputs = (0..<11).map { row in (0..<200_000).map { Double(row * 3 + $0) } }
        let source = try InlineSource(inputs: inputs)
        let data = try Dataset<Float>(source, conversion: nil)
        let expected: [[Float]] = inputs.map { row in row.map { Float($0) } }
        // A difference would be printed with all its numbers.
        let areEqual = data.inputRows == expected
        #expect(areEqual)
    }
}
