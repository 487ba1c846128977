import Foundation
import LoomData
import LoomKernels
import LoomTraining
import Testing

@testable import LoomRuns

/// Inputs that are written to a file of the process and read from there.
@Suite struct SpilledInputsTests {
    @Test(arguments: [1, 60, 1 << 20]) func rowsAreThoseOfMemory(blockBytes: Int) throws {
        let source = try SyntheticSource(.init(task: .linear, samples: 2500, inputs: 5, seed: 3))
        func check<Scalar: LoomScalar>(_: Scalar.Type) throws {
            for standardization in [nil, Standardization(means: [1, 2, 3, 4, 5], deviations: [1, 2, 3, 4, 5])] {
                let kept = try Dataset<Scalar>(source, conversion: nil, standardization: standardization)
                let counted = LoadProgress { _ in }
                let spilled = try SpilledInputs(
                    source, standardization: standardization, as: Scalar.self, progress: counted, blockBytes: blockBytes
                )
                let chosen: [UInt64] = [0, 2499, 1, 1024, 1023, 7, 2047]
                let memory = AlignedBuffer<Scalar>(count: chosen.count * 16, repeating: .nan)
                let rows = MatrixView(pointer: memory.pointer, rows: chosen.count, columns: 5, stride: 16)
                var numbers = chosen
                spilled.rows.gather(&numbers, into: rows, standardizedBy: nil)
                for (index, row) in chosen.enumerated() {
                    for column in 0..<5 { #expect(rows[index, column] == kept.inputs[Int(row), column]) }
                }
            }
        }
        try check(Float.self)
        try check(Double.self)
    }

    @Test func nothingIsLeft() throws {
        let source = try SyntheticSource(.init(task: .linear, samples: 20, inputs: 5))
        let before = try FileManager.default.contentsOfDirectory(atPath: SpilledInputs.directory)
        let spilled = try SpilledInputs(source, standardization: nil, as: Float.self, progress: nil)
        let names = try FileManager.default.contentsOfDirectory(atPath: SpilledInputs.directory)
        #expect(!names.contains { $0.hasPrefix("gradloom-samples-") && !before.contains($0) })
        withExtendedLifetime(spilled) {}
    }

    @Test func aDiskThatIsTooSmallIsSaid() throws {
        // More than a file system has.
        let source = try SyntheticSource(.init(task: .linear, samples: 900_000_000_000_000, inputs: 5))
        let failure = #expect(throws: DataError.self) {
            _ = try SpilledInputs(source, standardization: nil, as: Float.self, progress: nil)
        }
        #expect(failure?.exitCode == 74 && failure?.source == SpilledInputs.directory)
    }
}
