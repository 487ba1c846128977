import LoomKernels

/// The order in which an epoch visits the samples: a permutation that any thread can evaluate anywhere.
public struct SampleOrder: BitwiseCopyable, Sendable, Equatable {
    /// The seed: with the epoch's number it alone decides the order.
    public let seed: UInt64
    /// The number of samples.
    public let count: Int
    /// Whether the order is random; otherwise it is the order of the data set.
    public let shuffle: Bool
    /// The samples of a block, where those that follow each other stay close: see `SampleShuffle.blocks`. Nil: any sample
    /// may be anywhere.
    public let blockRows: Int?

    /// The orders of `count` samples.
    public init(seed: UInt64, count: Int, shuffle: Bool = true, blockRows: Int? = nil) {
        precondition(count >= 1, "an epoch has at least one sample")
        precondition(blockRows ?? 1 >= 1, "a block has at least one sample")
        self.blockRows = blockRows
        self.seed = seed
        self.count = count
        self.shuffle = shuffle
    }

    /// Writes the samples at the positions `start` ..< `start + count` of the order of `epoch` (counted from 0).
    public func indices(
        epoch: Int, start: Int, count: Int, into indices: UnsafeMutablePointer<UInt64>
    ) {
        assert(start >= 0 && count >= 0 && start + count <= self.count, "positions inside the epoch")
        guard shuffle else {
            for position in 0..<count {
                indices[position] = UInt64(truncatingIfNeeded: start + position)
            }
            return
        }
        if let blockRows {
            blockIndices(blockRows, epoch: epoch, start: start, count: count, into: indices)
        } else {
            RandomPermutation(key: key(epoch: epoch), size: self.count)
                .indices(start: start, count: count, into: indices)
        }
    }

    /// The permutation's key.
    private func key(epoch: Int) -> UInt64 {
        Self.key(CounterRandom(seed: seed, purpose: .epochOrder).bits(at: UInt64(epoch)))
    }

    private static func key(_ bits: SIMD4<UInt32>) -> UInt64 { UInt64(bits.y) << 32 | UInt64(bits.x) }
}

/// How the order of the samples changes from epoch to epoch.
public enum SampleShuffle: String, Sendable, CaseIterable, Codable {
    /// It does not: samples come as the data have them.
    case none = "false"
    /// Any sample may be anywhere.
    case full = "true"
    /// Blocks of samples that follow each other are permuted, and then the samples of every 128 blocks that came together: for
    /// files that are read from a disk. A batch has samples of up to 128 places of the file.
    case blocks
}

// MARK: Blocks

extension SampleOrder {
    /// Blocks whose samples are mixed with each other. Their numbers fit into a kilobyte of the stack.
    package static let windowBlocks = 128
    /// The numbers of a block: 256 KiB in float32, which a disk reads in one go.
    private static let blockNumbers = 1 << 16

    /// The samples of a block of samples with `features` features. It depends on nothing else: the order is part of the bits.
    public static func blockRows(features: Int) -> Int { max(1, blockNumbers / features) }

    /// The bytes of memory that the samples of a window take where they are mapped from files, half as much again as they have:
    /// blocks begin and end anywhere in the pieces that the system maps.
    package static func windowMemory(rows: Int, rowBytes: Int) -> Int { rows * rowBytes * 3 / 2 }

    /// The same of a window of blocks of samples with `features` features.
    package static func windowMemory(features: Int, rowBytes: Int) -> Int {
        windowMemory(rows: windowBlocks * blockRows(features: features), rowBytes: rowBytes)
    }

    /// The samples that are mixed with each other, but for the last ones of an epoch.
    package var windowRows: Int? { blockRows.map { $0 * Self.windowBlocks } }

    /// Window w has the blocks that the epoch's permutation of all whole blocks puts at 128 w … 128 w + 127, and the last one
    /// also the rest of the samples; a permutation of its own mixes its samples.
    private func blockIndices(
        _ blockRows: Int, epoch: Int, start: Int, count: Int, into indices: UnsafeMutablePointer<UInt64>
    ) {
        let windowRows = blockRows * Self.windowBlocks
        let wholeBlocks = self.count / blockRows
        let windows = max(1, wholeBlocks / Self.windowBlocks)
        let end = start + count
        var position = start
        var target = indices
        while position < end {
            let window = min(windows - 1, position / windowRows)
            let first = window * windowRows
            let rows = window == windows - 1 ? self.count - first : windowRows
            let taken = min(end, first + rows) - position
            let keys = CounterRandom(
                seed: seed, purpose: .epochOrder, subStream: UInt32(truncatingIfNeeded: epoch) &+ 1)
            RandomPermutation(key: Self.key(keys.bits(at: UInt64(window))), size: rows)
                .indices(start: position - first, count: taken, into: target)
            place(
                target, count: taken, blockRows: UInt64(blockRows), epoch: epoch,
                blocks: window
                    * Self.windowBlocks..<(window == windows - 1 ? wholeBlocks : (window + 1) * Self.windowBlocks))
            target += taken
            position += taken
        }
    }

    /// Calls `body` with the samples that the window `window` of `epoch` has, in runs that follow each other in the data: of its
    /// blocks, or of the order of the data in windows of `windowRows` samples.
    package func forEachRun(
        ofWindow window: Int, epoch: Int, windowRows: Int, _ body: (Range<Int>) -> Void
    ) {
        guard let blockRows else {
            let run = (window * windowRows..<(window + 1) * windowRows).clamped(to: 0..<count)
            if !run.isEmpty { body(run) }
            return
        }
        let wholeBlocks = count / blockRows
        let blocks = (window * Self.windowBlocks..<(window + 1) * Self.windowBlocks).clamped(to: 0..<wholeBlocks)
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.windowBlocks) { memory in
            guard let numbers = memory.baseAddress, !blocks.isEmpty else { return }
            RandomPermutation(key: key(epoch: epoch), size: wholeBlocks)
                .indices(start: blocks.lowerBound, count: blocks.count, into: numbers)
            for index in 0..<blocks.count {
                let first = Int(numbers[index]) * blockRows
                body(first..<first + blockRows)
            }
        }
    }

    /// Turns places in a window, whose blocks are `blocks` of the permutation of all blocks, into samples.
    private func place(
        _ places: UnsafeMutablePointer<UInt64>, count: Int, blockRows: UInt64, epoch: Int, blocks: Range<Int>
    ) {
        let wholeBlocks = self.count / Int(blockRows)
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.windowBlocks) { memory in
            guard let numbers = memory.baseAddress else { return }
            // The last window may have up to twice as many blocks.
            for piece in stride(from: 0, to: blocks.count, by: Self.windowBlocks) {
                let known = min(Self.windowBlocks, blocks.count - piece)
                RandomPermutation(key: key(epoch: epoch), size: wholeBlocks)
                    .indices(start: blocks.lowerBound + piece, count: known, into: numbers)
                for index in 0..<count {
                    let place = places[index]
                    let block = place & Self.isSample == 0 ? Int(place / blockRows) - piece : -1
                    guard block >= 0, block < known else { continue }
                    places[index] = Self.isSample | (numbers[block] * blockRows + place % blockRows)
                }
            }
        }
        let (behind, rest) = (UInt64(blocks.count) * blockRows, UInt64(wholeBlocks) * blockRows)
        for index in 0..<count {
            let place = places[index]
            places[index] = place & Self.isSample == 0 ? place - behind + rest : place & ~Self.isSample
        }
    }

    /// Marks a number that is a sample's already.
    private static let isSample: UInt64 = 1 << 63
}
