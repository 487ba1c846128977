/// Changes of bytes and of text that any format can be given.
enum Mutations {
    /// Numbers at which something may overflow, be rounded, or be too much.
    static let numbers = [
        "0", "-0", "1", "-1", "2", "3", "8", "127", "128", "255", "256", "1000", "65535", "65536", "1048576",
        "2147483647",
        "2147483648", "4294967294", "4294967295", "4294967296", "100000000", "1000000000000", "1000000000000000000",
        "2305843009213693952", "4611686018427387904", "9223372036854775807", "9223372036854775808",
        "-9223372036854775807", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
        "18446744073709551616", "99999999999999999999", "1e3", "1e18", "1e19", "1e38", "1e39", "1e308", "1e309",
        "-1e309",
        "1e-400", "4.9e-324", "0.1", "1.0", "1.5", "1e", "1.", ".5", "+1", "--1", "1_000", "1,000", "0x10", "010",
        "nan",
        "NaN", "inf", "-inf", "Infinity", ".inf", ".nan", "٣", "1\u{0}",
    ]

    /// Bytes that mean something in one format or another.
    private static let bytes =
        [UInt8]("\n\r\t \"'\\,;:|#&*!?-[]{}()<>%@=.0129eE+~\u{0}".utf8) + [0x7f, 0x80, 0xc3, 0xef, 0xfe, 0xff]

    /// One change of any kind; `tokens` are words of the format, `other` another input to take a piece of.
    static func change(_ input: inout [UInt8], _ random: inout Random, tokens: [String], other: [UInt8]) {
        switch random.below(13) {
        case 0: if !input.isEmpty { input[random.below(input.count)] ^= 1 << UInt8(random.below(8)) }
        case 1: if !input.isEmpty { input[random.below(input.count)] = UInt8(truncatingIfNeeded: random.next()) }
        case 2: input.insert(random.pick(bytes), at: random.below(input.count + 1))
        case 3: input.removeSubrange(random.range(in: input.count))
        case 4: duplicate(&input, &random)
        case 5: input.removeLast(input.count - random.below(input.count + 1))
        case 6:
            let piece = other[random.range(in: other.count)]
            input.replaceSubrange(random.range(in: input.count), with: piece)
        case 7: overwriteInteger(&input, &random)
        case 8, 9: replaceNumber(&input, &random)
        case 10: changeLines(&input, &random)
        default: input.insert(contentsOf: random.pick(tokens).utf8, at: random.below(input.count + 1))
        }
    }

    /// A piece that stands there twice, seldom a thousand times.
    private static func duplicate(_ input: inout [UInt8], _ random: inout Random) {
        let piece = Array(input[random.range(in: input.count)])
        let times = random.once(in: 20) ? 1 + random.below(1000) : 1
        guard piece.count * times <= 1 << 16 else { return }
        input.insert(contentsOf: [[UInt8]](repeating: piece, count: times).joined(), at: random.below(input.count + 1))
    }

    /// An integer of 2, 4 or 8 bytes, little-endian.
    private static func overwriteInteger(_ input: inout [UInt8], _ random: inout Random) {
        let size = random.pick([2, 4, 8])
        guard input.count >= size else { return }
        let start = random.below(input.count - size + 1)
        var value = random.pick([0, 1, .max, .max >> 1, 1 << 63, 1 << 31, 1 << 32, random.next(), UInt64(input.count)])
        if random.once(in: 3) { value &+= UInt64(random.below(16)) }
        for offset in 0..<size { input[start + offset] = UInt8(truncatingIfNeeded: value >> UInt64(8 * offset)) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Replaces one of the numbers of a text.
    static func replaceNumber(_ input: inout [UInt8], _ random: inout Random) {
        guard !input.isEmpty else { return }
        let from = random.below(input.count)
        guard let start = input[from...].firstIndex(where: isDigit) ?? input.firstIndex(where: isDigit) else { return }
        let end = input[start...].firstIndex { !isDigit($0) } ?? input.count
        input.replaceSubrange(start..<end, with: random.pick(numbers).utf8)
    }

    /// Moves, repeats, removes or indents lines.
    static func changeLines(_ input: inout [UInt8], _ random: inout Random) {
        var lines = input.split(separator: 0x0a, omittingEmptySubsequences: false).map(Array.init)
        let (one, two) = (random.below(lines.count), random.below(lines.count))
        switch random.below(7) {
        case 0: lines.swapAt(one, two)
        case 1: lines.insert(lines[one], at: two)
        case 2: if lines.count > 1 { lines.remove(at: one) }
        case 3: lines[one].insert(contentsOf: [UInt8](repeating: 0x20, count: 1 + random.below(4)), at: 0)
        case 4: if lines[one].first == 0x20 { lines[one].removeFirst() }
        case 5: lines[one].append(0x0d)
        default: lines[one] += lines[two]
        }
        input = Array(lines.joined(separator: [0x0a]))
    }
}
