import Foundation
import LoomKernels
import Testing

@testable import LoomData

@Suite("Order, split and standardisation")
struct OrderTests {
    private func order(_ order: SampleOrder, epoch: Int, _ range: Range<Int>) -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: range.count) { buffer, count in
            if let indices = buffer.baseAddress {
                order.indices(epoch: epoch, start: range.lowerBound, count: range.count, into: indices)
            }
            count = range.count
        }
    }

    // MARK: Epoch order

    @Test(arguments: [1, 2, 7, 1000])
    func everySampleOnce(count: Int) {
        let epochs = SampleOrder(seed: 5, count: count)
        #expect(order(epochs, epoch: 3, 0..<count).sorted() == Array(0..<UInt64(count)))
    }

    @Test func anyPartAnywhere() {
        let epochs = SampleOrder(seed: 5, count: 1000)
        let whole = order(epochs, epoch: 2, 0..<1000)
        #expect(order(epochs, epoch: 2, 990..<1000) == Array(whole[990...]))
        #expect(order(epochs, epoch: 2, 17..<400) == Array(whole[17..<400]))
        #expect(order(epochs, epoch: 3, 0..<1000) != whole)
        #expect(order(SampleOrder(seed: 6, count: 1000), epoch: 2, 0..<1000) != whole)
        #expect(whole != Array(0..<1000))
    }

    /// From 2³² on, another network makes the order.
    @Test(arguments: [1 << 32, 1 << 40, 1 << 62]) func moreSamplesThan32Bits(count: Int) {
        let epochs = SampleOrder(seed: 5, count: count)
        let part = order(epochs, epoch: 2, count - 1000..<count)
        #expect(Set(part).count == 1000 && part.allSatisfy { $0 < count } && part.contains { $0 > count / 2 })
        #expect(order(epochs, epoch: 2, count - 10..<count) == part.suffix(10))
        #expect(order(epochs, epoch: 3, count - 1000..<count) != part)
        let inPlace = SampleOrder(seed: 5, count: count, shuffle: false)
        #expect(order(inPlace, epoch: 2, count - 2..<count) == [UInt64(count) - 2, UInt64(count) - 1])
    }

    @Test func fileOrder() {
        #expect(
            order(SampleOrder(seed: 5, count: 100, shuffle: false), epoch: 9, 40..<44) == [40, 41, 42, 43])
    }

    /// Whole windows, a last one that is larger, a rest of less than a block, and fewer samples than a block.
    @Test(arguments: [(5 * 128 * 3, 3), (5 * 128 * 3 + 700, 3), (128 * 7 + 3, 7), (1000, 7), (5, 7), (1, 1), (4096, 1)])
    func everySampleOnceInBlocks(count: Int, blockRows: Int) {
        let epochs = SampleOrder(seed: 5, count: count, blockRows: blockRows)
        let whole = order(epochs, epoch: 3, 0..<count)
        #expect(whole.sorted() == Array(0..<UInt64(count)))
        #expect(count < 10 || order(epochs, epoch: 4, 0..<count) != whole)
        for part in [0..<1, count / 3..<count / 2, max(0, count - 9)..<count, count / 5..<count] {
            #expect(order(epochs, epoch: 3, part) == Array(whole[part]))
        }
    }

    /// What comes together lies in 128 blocks, wherever those are; a sorted file is mixed.
    @Test func blocksKeepTogetherAndMix() {
        let (blockRows, blocks) = (50, 12_800)
        let epochs = SampleOrder(seed: 5, count: blockRows * blocks, blockRows: blockRows)
        let window = blockRows * SampleOrder.windowBlocks
        #expect(epochs.windowRows == window)
        let first = order(epochs, epoch: 0, 0..<window)
        #expect(Set(first.map { $0 / 50 }).count == 128)
        // A file with one half of each class: how many of the second there are in a batch of 256. Independent samples would
        // deviate by 8; the 128 blocks of a window deviate by 128 · ½ / √128 themselves.
        let whole = order(epochs, epoch: 1, 0..<blockRows * blocks)
        let half = UInt64(blockRows * blocks / 2)
        let counts = (0..<2500).map { batch in
            Double(whole[batch * 256..<(batch + 1) * 256].count { $0 >= half }) - 128
        }
        let deviation = (counts.reduce(0) { $0 + $1 * $1 } / 2500).squareRoot()
        let expected = (64.0 + 128.0 * 128 / 128).squareRoot()
        #expect(abs(deviation - expected) < 1.5, "\(deviation)")
        // Within a window the order of neighbours says nothing.
        let labels = first.map { $0 % 50 < 25 ? 1.0 : -1 }
        let products = zip(labels, labels.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(products) < 4 * Double(window).squareRoot())
    }

    // MARK: Standardisation

    @Test func meansAndDeviations() throws {
        let data: Dataset<Double> = try dataset([[1, 7, -1], [2, 7, 0], [3, 7, 4]])
        let standardization = Standardization(of: data)
        #expect(standardization.means == [2, 7, 1])
        let variances: [Double] = [2.0 / 3, 1, 14.0 / 3]
        #expect(standardization.deviations == variances.map { $0.squareRoot() })
        try standardization.apply(to: data)
        let expected = [-1 / standardization.deviations[0], 0, -2 / standardization.deviations[2]]
        #expect(data.inputRows[0] == expected)
    }

    @Test func standardisedMoments() throws {
        let random = CounterRandom(seed: 8, purpose: .measurement)
        var rows = [[Double]](repeating: [0, 0, 0], count: 5000)
        for row in 0..<5000 {
            for feature in 0..<3 {
                let normal = random.normal(at: UInt64(3 * row + feature))
                rows[row][feature] = [0, 1e4, 2e4][feature] + [1, 10, 100][feature] * normal
            }
        }
        let data = try dataset(rows, as: Float.self)
        let standardization = Standardization(of: data)
        #expect(Standardization(of: data, concurrently: backwards) == standardization)
        try standardization.apply(to: data, concurrently: backwards)
        let again = Standardization(of: data)
        for feature in 0..<3 {
            #expect(abs(again.means[feature]) < 1e-6)
            #expect(abs(again.deviations[feature] - 1) < 1e-6)
        }
    }

    /// 0.1 has no exact binary form, so the sum of many is a little off.
    @Test func constantFeature() throws {
        let data: Dataset<Double> = try dataset([[Double]](repeating: [0.1, 1e-300, 0], count: 3001))
        #expect(Standardization(of: data).deviations == [1, 1, 1])
    }

    @Test func storedStandardization() throws {
        let standardization = Standardization(means: [0.1, 2], deviations: [1, 1.0 / 3])
        let bytes = try JSONEncoder().encode(standardization)
        #expect(try JSONDecoder().decode(Standardization.self, from: bytes) == standardization)
    }

    @Test func otherNumberOfFeatures() throws {
        let data: Dataset<Double> = try dataset([[1, 2]])
        let failure = dataError { try Standardization(means: [1], deviations: [1]).apply(to: data) }
        #expect(failure?.problem == "2 features, but the model was standardised on 1")
    }
}
