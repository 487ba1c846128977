/// Samples of a source, in the order in which they are taken.
public enum RowSelection: Sendable, Equatable {
    /// All of them, in their order.
    case all
    /// Those that follow each other.
    case range(Range<Int>)
    /// The samples with these numbers.
    case list([UInt32])
    /// Those with the numbers `part` of `count` samples that are spread evenly over all that follow each other.
    case every(Range<Int>, count: Int, part: Range<Int>)

    /// `count` samples of those that follow each other, evenly over all of them.
    public static func every(_ range: Range<Int>, count: Int) -> RowSelection {
        .every(range, count: count, part: 0..<count)
    }

    /// How many there are of `count`.
    func count(of count: Int) -> Int {
        switch self {
        case .all: count
        case .range(let range): range.count
        case .list(let rows): rows.count
        case .every(_, _, let part): part.count
        }
    }

    /// The samples where they follow each other; nil where they do not.
    package func range(of count: Int) -> Range<Int>? {
        switch self {
        case .all: 0..<count
        case .range(let range): range
        case .list, .every: nil
        }
    }

    /// The numbers of the samples at `positions`: made block by block, because the numbers of all samples of a narrow data set
    /// would take as much memory as the samples.
    func samples(_ positions: Range<Int>) -> ArraySlice<UInt64> {
        let samples: [UInt64] =
            switch self {
            case .all: positions.map { UInt64($0) }
            case .range(let range): positions.map { UInt64(range.lowerBound + $0) }
            case .list(let rows): rows[positions].map { UInt64($0) }
            case .every(let range, let count, let part):
                positions.map {
                    UInt64(range.lowerBound + Self.place(part.lowerBound + $0, of: count, in: range.count))
                }
            }
        return samples[...]
    }

    /// The values of these samples, of those of all.
    package func values<Value>(_ all: [Value]) -> [Value] {
        switch self {
        case .all: all
        case .range(let range): Array(all[range])
        case .list(let rows): rows.map { all[Int($0)] }
        case .every(let range, let count, let part):
            part.map { all[range.lowerBound + Self.place($0, of: count, in: range.count)] }
        }
    }

    /// The place of number `index` of `count` that are spread over `all`: no product that could overflow, but the quotient and
    /// the rest of all / count.
    package static func place(_ index: Int, of count: Int, in all: Int) -> Int {
        all / count * index + all % count * index / count
    }
}

extension RowSelection: ExpressibleByArrayLiteral {
    /// The samples with these numbers.
    public init(arrayLiteral rows: UInt32...) { self = .list(rows) }
}
