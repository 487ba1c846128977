import LoomKernels
import Testing

@testable import LoomData

/// Statistics, shift and scale of what was read, before anything is rounded.
@Suite struct StandardizationTests {
    /// Seconds since 1970 in steps of 3, which float32 keeps to 128, and 10⁹ ± 10⁻³.
    private static let fine: [[Double]] = (0..<40).map { (sample: Int) -> [Double] in
        let time = Double(1_700_000_000 + 3 * sample)
        return [time, sample % 2 == 0 ? 1e9 + 1e-3 : 1e9 - 1e-3]
    }

    @Test func float32LosesNothing() throws {
        let source = try InlineSource(inputs: Self.fine, targets: (0..<40).map { [Double($0 % 2)] })
        let conversion = try TargetConversion(from: source, to: .classes(2))
        let (exact, wanted) = try Dataset<Double>.standardizing(source, conversion: conversion)
        let (rounded, found) = try Dataset<Float>.standardizing(source, conversion: conversion, concurrently: backwards)
        #expect(found == wanted)
        // 3 · √((40² − 1) / 12); and the deviation of two equally frequent values.
        #expect(abs(found.deviations[0] - 34.6301891419) < 1e-9 && abs(found.deviations[1] - 1e-3) < 1e-7)
        let expected: [[Float]] = exact.inputRows.map { row in row.map { Float($0) } }
        #expect(rounded.inputRows == expected)
        #expect(rounded.inputRows[0][1] == 1 && rounded.inputRows[1][1] == -1)
        let labels: [Int32] = (0..<40).map { $0 % 2 }
        #expect(rounded.labels == labels && exact.labels == labels)
    }

    @Test func dataOfTheModelAreShiftedBeforeTheyAreRounded() throws {
        let source = try InlineSource(inputs: Self.fine)
        let (training, standardization) = try Dataset<Float>.standardizing(source, conversion: nil)
        let others = try Dataset<Float>(source, rows: [3, 1], conversion: nil, standardization: standardization)
        #expect(others.inputRows == [training.inputRows[3], training.inputRows[1]])
        let failure = dataError {
            _ = try Dataset<Float>(
                InlineSource(inputs: [[1]]), conversion: nil, standardization: standardization)
        }
        #expect(failure?.problem == "1 features, but the model was standardised on 2")
    }

    @Test func partsValuesAndNames() throws {
        let numbers = (0..<3000).map { Double($0) }
        let source = try InlineSource(inputs: numbers.map { [$0, -$0] }, targets: numbers.map { [$0 / 7, 1] })
        let conversion = try TargetConversion(from: source, to: .values(2))
        let rows = (0..<3000).filter { $0 % 3 == 1 }.map(UInt32.init)
        let (data, standardization) = try Dataset<Float>.standardizing(
            source, rows: .list(rows), conversion: conversion)
        #expect(standardization.means == [1499.5, -1499.5])
        let values: [[Float]] = rows.map { [Float(Double($0) / 7), 1] }
        #expect(data.count == 1000 && data.values == values)
        let expected = rows.map { Float((Double($0) - standardization.means[0]) / standardization.deviations[0]) }
        #expect(data.inputRows.map { $0[0] } == expected)
    }

    @Test func whatCannotBeStandardised() throws {
        let large = try InlineSource(inputs: [[1, 1e300], [2, -1e300]])
        #expect(
            dataError { _ = try Dataset<Float>.standardizing(large, conversion: nil) }?.place
                == "column 1 (counted from 0)")
        #expect(dataError { _ = try Dataset<Double>.standardizing(large, conversion: nil) } != nil)
        let notANumber = try InlineSource(inputs: [[1, 2], [2, .nan]])
        #expect(
            dataError { _ = try Dataset<Float>.standardizing(notANumber, conversion: nil) }?.place
                == "row 1 (counted from 0), column 1 (counted from 0)")
        // Beyond float32 as it is read, but not afterwards.
        let wide = try InlineSource(inputs: [[1e60], [3e60]])
        #expect(try Dataset<Float>.standardizing(wide, conversion: nil).dataset.inputRows == [[-1], [1]])
        let far = Standardization(means: [0], deviations: [1e-30])
        let overflow = dataError { _ = try Dataset<Float>(wide, conversion: nil, standardization: far) }
        #expect(overflow?.problem == "the input is infinite in float32")
        let targets = try InlineSource(inputs: [[1], [2]], targets: [[1.5], [1e300]])
        let conversion = try TargetConversion(from: targets, to: .values(1))
        #expect(
            dataError { _ = try Dataset<Float>.standardizing(targets, conversion: conversion) }?.problem
                == "a target is NaN or too large for float32")
    }
}
