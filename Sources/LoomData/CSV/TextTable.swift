/// Different texts by their bytes, numbered in the order in which they came, with how often and where first they stand.
///
/// A dictionary of strings makes a string of every cell that is looked up, which takes most of the time of reading a column.
struct TextTable: Sendable {
    private struct Entry {
        let hash: UInt64
        let bytes: Range<Int>
        var count: Int
        var first: Int
    }
    private var entries: [Entry] = []
    /// The bytes of all texts.
    private var bytes: [UInt8] = []
    /// Numbers of entries + 1, where their hashes lead; 0: none.
    private var slots = [UInt32](repeating: 0, count: 16)

    /// The most texts that are kept; later ones are left out.
    private let capacity: Int

    /// No text yet, and no more than `capacity` ever.
    init(capacity: Int = .max) { self.capacity = capacity }

    /// The number of texts.
    var count: Int { entries.count }

    /// The texts.
    var texts: [String] { entries.map { String(decoding: bytes[$0.bytes], as: UTF8.self) } }

    /// Calls `body` with each text, how often it was added, and the lowest place of it.
    func forEach(_ body: (_ text: UnsafeBufferPointer<UInt8>, _ count: Int, _ first: Int) -> Void) {
        bytes.withUnsafeBufferPointer { all in
            for entry in entries {
                body(UnsafeBufferPointer(rebasing: all[entry.bytes]), entry.count, entry.first)
            }
        }
    }

    /// The number of `text`; nil: it was never added.
    func index(of text: UnsafeBufferPointer<UInt8>) -> Int? {
        let (slot, _) = find(text)
        return slots[slot] == 0 ? nil : Int(slots[slot]) - 1
    }

    /// Adds `text`, `count` times, first at `first`.
    mutating func add(_ text: UnsafeBufferPointer<UInt8>, count: Int = 1, first: Int = 0) {
        let (slot, hash) = find(text)
        if slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            entries[index].count += count
            entries[index].first = min(entries[index].first, first)
            return
        }
        guard entries.count < capacity else { return }
        let start = bytes.count
        bytes.append(contentsOf: text)
        entries.append(Entry(hash: hash, bytes: start..<bytes.count, count: count, first: first))
        slots[slot] = UInt32(entries.count)
        if 2 * entries.count > slots.count { grow() }
    }

    /// Adds what `other` has.
    mutating func merge(_ other: TextTable) {
        other.forEach { text, count, first in add(text, count: count, first: first) }
    }

    private func find(_ text: UnsafeBufferPointer<UInt8>) -> (slot: Int, hash: UInt64) {
        let hash = Self.hash(text)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0, !isEqual(entries[Int(slots[slot]) - 1], text, hash) {
            slot = (slot + 1) & (slots.count - 1)
        }
        return (slot, hash)
    }

    private func isEqual(_ entry: Entry, _ text: UnsafeBufferPointer<UInt8>, _ hash: UInt64) -> Bool {
        guard entry.hash == hash, entry.bytes.count == text.count else { return false }
        return bytes.withUnsafeBufferPointer { all in
            for index in 0..<text.count where all[entry.bytes.lowerBound + index] != text[index] { return false }
            return true
        }
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: 2 * slots.count)
        for (index, entry) in entries.enumerated() {
            var slot = Int(truncatingIfNeeded: entry.hash) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(index + 1)
        }
    }

    /// FNV-1a, its high bits folded into the low ones.
    private static func hash(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash ^ hash >> 32
    }
}

/// The places of texts in a list. Texts that are canonically equivalent, such as "é" in one or in two characters, are equal.
struct TextIndex: Sendable {
    private let table: TextTable
    private let places: [String: Int]

    /// The places in `texts`.
    init(_ texts: [String]) {
        var table = TextTable()
        for var text in texts { text.withUTF8 { table.add($0) } }
        self.table = table
        places = Dictionary(zip(texts, texts.indices), uniquingKeysWith: { first, _ in first })
    }

    /// The place of the text with these bytes.
    func place(of bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        if table.count == places.count, let place = table.index(of: bytes) { return place }
        return places[String(decoding: bytes, as: UTF8.self)]
    }

    /// The place of `text`.
    func place(of text: String) -> Int? { places[text] }
}
