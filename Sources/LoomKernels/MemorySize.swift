#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Amounts of memory that are checked before any of it is reserved.
package enum MemorySize {
    /// The most bytes that the parameters, the samples or the activations of a training may have: more than machines have,
    /// and few enough for products of two such sizes to be counted.
    package static let largestPart = 1 << 43

    /// The product of `factors`; nil where it is more than `largestPart`.
    package static func product(_ factors: Int...) -> Int? {
        var product = 1
        for factor in factors {
            let (next, isTooLarge) = product.multipliedReportingOverflow(by: factor)
            guard !isTooLarge, next <= largestPart else { return nil }
            product = next
        }
        return product
    }

    /// Whether the system would give this process `bytes` more, none of which is touched. A limit of the process
    /// (`ulimit -v`) counts, and in Linux's usual setting all memory and swap space of the machine.
    package static func canBeReserved(_ bytes: Int) -> Bool {
        guard bytes > 0 else { return true }
        guard bytes <= largestPart,
            let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else { return false }
        munmap(memory, bytes)
        return true
    }

    /// Bytes that can be had without taking them from anybody; nil where that is not known. A program that can tell sets it
    /// before it does anything else.
    nonisolated(unsafe) package static var free: @Sendable () -> Int? = { nil }

    /// `bytes` in words: "51.5 GB".
    package static func words(_ bytes: Int) -> String {
        let (units, value) =
            switch bytes {
            case 1_000_000_000_000...: ("TB", Double(bytes) / 1e12)
            case 1_000_000_000...: ("GB", Double(bytes) / 1e9)
            case 100_000...: ("MB", Double(bytes) / 1e6)
            default: ("kB", Double(bytes) / 1e3)
            }
        return value < 100 ? "\((value * 10).rounded() / 10) \(units)" : "\(Int(value.rounded())) \(units)"
    }
}
