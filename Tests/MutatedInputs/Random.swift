/// SplitMix64 (Steele, Lea and Flood, 2014): every input has a generator of its own, so that one can be made without those
/// before it.
struct Random {
    private var state: UInt64

    /// The generator of input `index` of the campaign `seed`.
    init(seed: UInt64, index: Int) {
        state = seed &* 0xd134_2543_de82_ef95 &+ UInt64(truncatingIfNeeded: index) &* 0x2545_f491_4f6c_dd1d
        _ = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// One of 0 ..< `count`; 0 where there is none.
    mutating func below(_ count: Int) -> Int { count <= 0 ? 0 : Int(next() % UInt64(count)) }

    /// True once in `count` times.
    mutating func once(in count: Int) -> Bool { below(count) == 0 }

    mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }

    /// A part of 0 ..< `count`, most often a short one.
    mutating func range(in count: Int) -> Range<Int> {
        let start = below(count + 1)
        let longest = once(in: 4) ? count - start : min(8, count - start)
        return start..<start + below(longest + 1)
    }
}
