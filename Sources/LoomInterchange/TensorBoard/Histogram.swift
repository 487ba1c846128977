import Foundation
import LoomData

/// How numbers are distributed, as TensorBoard draws it.
package struct Histogram: Sendable, Equatable {
    /// The numbers that are finite.
    package private(set) var count = 0
    package private(set) var smallest = Double.infinity
    package private(set) var largest = -Double.infinity
    package private(set) var sum = 0.0
    package private(set) var sumOfSquares = 0.0
    /// Numbers in each bucket: bucket i has those up to `limits[i]`.
    private var counts: [Int]

    /// Limits that grow by a tenth from 10⁻¹² to 10²⁰, and their negatives: TensorFlow's
    /// (tensorflow/core/lib/histogram/histogram.cc).
    private static let limits: [Double] = {
        var positive: [Double] = []
        var limit = 1e-12
        while limit < 1e20 {
            positive.append(limit)
            limit *= 1.1
        }
        positive.append(.greatestFiniteMagnitude)
        return positive.reversed().map { -$0 } + [0] + positive
    }()

    /// The distribution of `values`; numbers that are not finite are left out.
    package init(_ values: some Sequence<Double>) {
        counts = Array(repeating: 0, count: Self.limits.count)
        for value in values where value.isFinite {
            count += 1
            smallest = min(smallest, value)
            largest = max(largest, value)
            sum += value
            sumOfSquares += value * value
            counts[Self.bucket(of: value)] += 1
        }
    }

    /// The first bucket whose limit is not below `value`.
    private static func bucket(of value: Double) -> Int {
        var (low, high) = (0, limits.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if limits[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Writes the fields of a `HistogramProto` (tensorflow/core/framework/summary.proto), without buckets that are empty beside
    /// others that are.
    func encode(into message: inout ProtobufEncoder) {
        message.double(1, count > 0 ? smallest : 0)
        message.double(2, count > 0 ? largest : 0)
        message.double(3, Double(count))
        message.double(4, sum)
        message.double(5, sumOfSquares)
        let kept = counts.indices.filter { counts[$0] > 0 || ($0 + 1 < counts.count && counts[$0 + 1] > 0) }
        message.doubles(6, kept.map { Self.limits[$0] })
        message.doubles(7, kept.map { Double(counts[$0]) })
    }
}
