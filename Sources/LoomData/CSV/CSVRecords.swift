import CKernels
import LoomKernels

/// Where the records of a CSV file begin. Records follow RFC 4180: a quoted cell may hold separators, line ends and
/// doubled quotes. Blank lines are no records.
///
/// The file is scanned in blocks by several threads, twice: whether a line end is inside quotes depends on the number of
/// quotes before it, which is known when all blocks have been counted.
struct CSVRecords: Sendable {
    static let quote = UInt8(ascii: "\"")

    /// The number of records.
    private(set) var count = 0
    /// The first byte of each record, and after them the number of bytes.
    private var starts: AlignedBuffer<Int>

    /// Bytes of a block, whose memory is given back after it was read.
    private static let blockBytes = 1 << 20

    /// Finds the records of `bytes`. Throws for a file that is empty, in another format or not in UTF-8, and for a quote
    /// that isn't closed. `options` tell the separator, for messages; `release` is told which bytes have been read.
    init(
        _ bytes: UnsafeBufferPointer<UInt8>, path: String, options: CSVOptions = .init(),
        release: @escaping @Sendable (Range<Int>) -> Void = { _ in }
    ) throws(DataError) {
        if let format = FileFormat.known(UnsafeRawBufferPointer(bytes)) {
            throw DataError(
                .badData, source: path, problem: "the file is \(format.what), expected CSV text", remedy: format.remedy)
        }
        starts = AlignedBuffer(uninitializedCount: 0)
        guard !bytes.isEmpty else { throw Self.empty(path) }
        let text = CSVText(bytes)
        let blocks = text.blocks(of: Self.blockBytes)
        let counts = AlignedBuffer<loom_text_counts>(uninitializedCount: blocks.count)
        ConcurrentBlocks.dispatch(blocks.count) { block in
            counts.pointer[block] = loom_count_text(text.pointer + blocks[block].lowerBound, blocks[block].count)
            release(blocks[block])
        }
        try Self.checkEncoding(
            text, blocks: blocks, counts: counts, path: path, options: options, release: release)
        let quotes = counts.elements.reduce(0) { $0 + $1.quotes }
        find(text, blocks: blocks, counts: counts, release: release)
        guard quotes % 2 == 0 else {
            throw DataError(
                .badData, source: path, place: "line \(Self.line(of: starts.pointer[max(count - 1, 0)], in: bytes))",
                problem: "a quote in this record is never closed",
                remedy: "close it, or double it if it is part of the text (RFC 4180)")
        }
        guard count > 0 else { throw Self.empty(path) }
        if count == 1, bytes[start(0)..<end(of: 0, in: bytes)].contains(UInt8(ascii: "\r")) {
            throw DataError(
                .badData, source: path, problem: "the lines end in carriage returns alone, as on old Macintoshes",
                remedy: "convert them: tr '\\r' '\\n' < FILE > NEW")
        }
    }

    /// Writes the starts of all records, each block where the line ends before it leave room.
    private mutating func find(
        _ text: CSVText, blocks: [Range<Int>], counts: AlignedBuffer<loom_text_counts>,
        release: @escaping @Sendable (Range<Int>) -> Void
    ) {
        var isQuoted = [Bool](repeating: false, count: blocks.count + 1)
        var offsets = [Int](repeating: 1, count: blocks.count + 1)
        for (block, counted) in counts.elements.enumerated() {
            let outside = isQuoted[block] ? counted.newlines - counted.newlines_outside : counted.newlines_outside
            isQuoted[block + 1] = isQuoted[block] != (counted.quotes % 2 == 1)
            offsets[block + 1] = offsets[block] + outside
        }
        let starts = AlignedBuffer<Int>(uninitializedCount: offsets[blocks.count] + 1)
        let found = AlignedBuffer<Int>(uninitializedCount: blocks.count)
        ConcurrentBlocks.dispatch(blocks.count) { [isQuoted, offsets] block in
            found.pointer[block] = loom_find_records(
                text.pointer, blocks[block].lowerBound, blocks[block].upperBound, text.count,
                isQuoted[block] ? 1 : 0, starts.pointer + offsets[block])
            release(blocks[block])
        }
        // Excel marks UTF-8 with a byte order mark.
        let first = text.bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
        var end = 0
        if loom_is_blank_line(text.pointer, first, text.count) == 0 {
            starts.pointer[0] = first
            end = 1
        }
        for block in 0..<blocks.count {
            // Blank lines left gaps.
            if offsets[block] != end {
                (starts.pointer + end).update(from: starts.pointer + offsets[block], count: found.pointer[block])
            }
            end += found.pointer[block]
        }
        starts.pointer[end] = text.count
        self.starts = starts
        count = end
    }

    /// Keeps those records only for which `isKept`, by their numbers.
    mutating func keep(_ isKept: (Int) -> Bool) {
        let all = starts
        let kept = (0..<count).filter(isKept)
        starts = AlignedBuffer(kept.map { all.pointer[$0] } + [all.pointer[count]])
        count = kept.count
    }

    /// The first byte of record `index`; of the one after the last: the number of bytes.
    func start(_ index: Int) -> Int { starts.pointer[index] }

    /// The byte after the last one of record `index` of `bytes`, without its line end.
    func end(of index: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        var unused = 0
        return loom_split_record(base, start(index), bytes.count, UInt8(ascii: ","), &unused, 0).end
    }

    /// The bytes that keep the starts.
    var indexBytes: Int { starts.count * MemoryLayout<Int>.stride }

    /// The line, counted from 1, that `position` is in.
    static func line(of position: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
        guard let base = bytes.baseAddress else { return 1 }
        return loom_count_text(base, position).newlines + 1
    }

    private static func empty(_ path: String) -> DataError {
        DataError(.badData, source: path, problem: "the file is empty", remedy: "give one sample per line")
    }

    /// Looks closely at runs of blocks that are not all ASCII. A block of ASCII ends every character before it.
    private static func checkEncoding(
        _ text: CSVText, blocks: [Range<Int>], counts: AlignedBuffer<loom_text_counts>, path: String,
        options: CSVOptions, release: (Range<Int>) -> Void
    ) throws(DataError) {
        let raw = UnsafeRawBufferPointer(text.bytes)
        var block = 0
        while block < blocks.count {
            let first = block
            while block < blocks.count, counts.pointer[block].is_ascii == 0 { block += 1 }
            if first < block {
                let run = blocks[first].lowerBound..<blocks[block - 1].upperBound
                var released = run.lowerBound
                let fault = UTF8Text.firstFault(in: UnsafeRawBufferPointer(rebasing: raw[run])) { position in
                    release(released..<run.lowerBound + position)
                    released = run.lowerBound + position
                }
                release(released..<run.upperBound)
                if let fault {
                    throw try notText(text.bytes, fault: run.lowerBound + fault, path: path, options: options)
                }
            }
            block += 1
        }
    }

    private static func notText(
        _ bytes: UnsafeBufferPointer<UInt8>, fault: Int, path: String, options: CSVOptions
    ) throws(DataError) -> DataError {
        let raw = UnsafeRawBufferPointer(bytes)
        let line = UTF8Text.line(of: fault, in: raw)
        let (problem, remedy) = UTF8Text.describe(raw, faultAt: fault)
        let lineEnd = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        let separator = try CSVLayout.separator(UnsafeBufferPointer(rebasing: bytes[..<lineEnd]), options: options)
        let column = 1 + separators(UnsafeBufferPointer(rebasing: bytes[line.start..<fault]), separator)
        return DataError(
            .badData, source: path, place: "line \(line.number), column \(column)", problem: problem, remedy: remedy)
    }

    /// The separators in `bytes` that are not in quotes.
    static func separators(_ bytes: UnsafeBufferPointer<UInt8>, _ separator: UInt8) -> Int {
        var isQuoted = false
        var count = 0
        for byte in bytes {
            if byte == quote { isQuoted.toggle() }
            if byte == separator && !isQuoted { count += 1 }
        }
        return count
    }
}

/// A text that outlives the threads that read it.
struct CSVText: @unchecked Sendable {
    // Sendable: the bytes are read only.
    let bytes: UnsafeBufferPointer<UInt8>

    /// `bytes`, of which there are some.
    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        precondition(!bytes.isEmpty, "an empty text has no blocks")
        self.bytes = bytes
    }

    var count: Int { bytes.count }
    var pointer: UnsafePointer<UInt8> { bytes.baseAddress! }

    /// Neighbouring ranges of `size` bytes, the last one shorter.
    func blocks(of size: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }
}
