import CKernels
import Foundation
import Testing

@testable import LoomKernels

/// Rows of random numbers, and the layers that label them: by every instruction set.
@Suite struct RandomRowsTests {
    private static let seed: UInt64 = 0x0123_4567_89ab_cdef
    /// Rows that share a vector, whole vectors, and rests of both.
    private static let widths = Array(1...40) + [63, 64, 65, 100, 784]
    private static let indices: [UInt64] = [0, 1, 2, 77, 3, (1 << 40) + 5, 9, 1 << 32, 4]

    private enum Kind: CaseIterable {
        case normal, uniform
    }

    private static func rows(_ variant: KernelVariant, _ kind: Kind, _ indices: [UInt64], columns: Int) -> [[Float]] {
        let stride = columns + 3
        var memory = [Float](repeating: -99, count: indices.count * stride)
        let kernels = variant.kernels(Float.self)
        let make = kind == .normal ? kernels.normal_rows : kernels.uniform_rows
        make(seed, 5, 1, indices.count, columns, indices, &memory, stride)
        return indices.indices.map { row in
            let whole = memory[row * stride..<(row + 1) * stride]
            #expect(whole.suffix(3).allSatisfy { $0 == -99 }, "wrote past the columns")
            return Array(whole.prefix(columns))
        }
    }

    /// The definition, in float64.
    private static func expected(_ kind: Kind, index: UInt64, columns: Int) -> [Double] {
        let blocks = UInt64((columns + 3) / 4)
        let numbers = (0..<blocks).flatMap { block -> [Double] in
            let counter = index * blocks + block
            let words = CounterRandom.philox(
                counter: SIMD4(UInt32(truncatingIfNeeded: counter), UInt32(counter >> 32), 5, 1),
                key0: UInt32(truncatingIfNeeded: seed), key1: UInt32(seed >> 32), rounds: 7)
            switch kind {
            case .uniform: return (0..<4).map { (Double(words[$0] >> 8) + 0.5) / 0x1p24 }
            case .normal:
                return [(0, 1), (2, 3)].flatMap { radius, angle -> [Double] in
                    let length = (-2 * log((Double(words[radius] >> 1) + 0.5) / 0x1p31)).squareRoot()
                    let place = (Double(words[angle] & 0x3fff_ffff) / 0x1p30) * .pi / 2
                    let signs = (words[angle] >> 31 == 0 ? 1.0 : -1, words[angle] >> 30 & 1 == 0 ? 1.0 : -1)
                    return [signs.0 * length * cos(place), signs.1 * length * sin(place)]
                }
            }
        }
        return Array(numbers.prefix(columns))
    }

    @Test(arguments: KernelVariant.all) func everyNumberIsTheDefined(_ variant: KernelVariant) {
        for kind in Kind.allCases {
            for columns in Self.widths {
                for (row, index) in zip(Self.rows(variant, kind, Self.indices, columns: columns), Self.indices) {
                    for (number, expected) in zip(row, Self.expected(kind, index: index, columns: columns)) {
                        #expect(abs(Double(number) - expected) < 2e-6, "\(kind) \(columns) \(index)")
                    }
                }
            }
        }
    }

    /// Words whose number is nearer to 1 than to any other one of float32.
    @Test(arguments: KernelVariant.all) func uniformNumbersAreBelowOne(_ variant: KernelVariant) {
        for (index, column) in [(7_314_408, 3), (15_563_968, 2), (22_676_236, 1)] as [(UInt64, Int)] {
            #expect(Self.expected(.uniform, index: index, columns: 4)[column] == 1 - 0x1p-25)
            #expect(Self.rows(variant, .uniform, [index], columns: 4)[0][column] == (1 as Float).nextDown)
        }
    }

    @Test(arguments: KernelVariant.all) func theBitsAreThoseOfEveryInstructionSet(_ variant: KernelVariant) {
        for kind in Kind.allCases {
            for columns in Self.widths {
                let numbers = Self.rows(variant, kind, Self.indices, columns: columns)
                #expect(numbers == Self.rows(KernelVariant.all[0], kind, Self.indices, columns: columns))
                // A row does not depend on those beside it.
                #expect(numbers[3] == Self.rows(variant, kind, [77], columns: columns)[0])
            }
        }
    }

    /// Moments, the distance of the distribution function from the true one, and neighbours: half a million numbers.
    @Test func theyAreDistributedAsTheyShould() {
        let rows = Self.rows(KernelVariant.all.last!, .normal, (0..<8192).map { $0 }, columns: 64)
        let numbers = rows.flatMap { $0 }.map(Double.init)
        let count = Double(numbers.count)
        func moment(_ power: Int) -> Double { numbers.reduce(0) { $0 + pow($1, Double(power)) } / count }
        // Four standard deviations of each.
        #expect(abs(moment(1)) < 4 / count.squareRoot())
        #expect(abs(moment(2) - 1) < 4 * (2 / count).squareRoot())
        #expect(abs(moment(3)) < 4 * (15 / count).squareRoot())
        #expect(abs(moment(4) - 3) < 4 * (96 / count).squareRoot())
        let sorted = numbers.sorted()
        let distance = sorted.enumerated().map { place, number in
            abs(erfc(-number / 2.0.squareRoot()) / 2 - (Double(place) + 0.5) / count)
        }.max()!
        #expect(distance < 1.95 / count.squareRoot())
        for lag in [1, 2, 4, 64] {
            let products = zip(numbers, numbers.dropFirst(lag)).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs(products) < 4 * count.squareRoot(), "lag \(lag)")
        }
    }

    @Test(arguments: KernelVariant.all) func layersAreChainsOfMultiplyAdds(_ variant: KernelVariant) {
        for (count, inputs, units) in [(1, 3, 1), (9, 7, 16), (6, 5, 17), (4, 20, 33), (5, 1, 100)] {
            let random = CounterRandom(seed: 3, purpose: .measurement)
            let stride = Padding.stride(columns: units, of: Float.self)
            let x = (0..<count * (inputs + 2)).map { Float(random.uniform(at: UInt64($0)) - 0.5) }
            let w = AlignedBuffer<Float>(count: inputs * stride, repeating: 0)
            let y = AlignedBuffer<Float>(count: (count + 1) * stride, repeating: -99)
            for k in 0..<inputs {
                for u in 0..<units {
                    w.pointer[k * stride + u] = Float(random.uniform(at: UInt64(1000 + k * units + u)))
                }
            }
            variant.kernels(Float.self).dense_rows(
                count, inputs, units, x, inputs + 2, w.pointer, stride, y.pointer, stride)
            for row in 0..<count {
                for unit in 0..<units {
                    let sum = (0..<inputs).reduce(Float(0)) {
                        $0.addingProduct(x[row * (inputs + 2) + $1], w.pointer[$1 * stride + unit])
                    }
                    #expect(y.pointer[row * stride + unit] == sum)
                }
            }
            #expect((0..<stride).allSatisfy { y.pointer[count * stride + $0] == -99 }, "wrote past the rows")
        }
    }
}
