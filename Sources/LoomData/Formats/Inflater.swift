import CISAL
import Foundation
import LoomKernels

/// Content compressed with gzip (RFC 1952) or deflate (RFC 1951), inflated by ISA-L, which takes a stream whose size nobody
/// knows: a CSV text of random numbers comes at 0.51 GB/s on a core of Emerald Rapids, and at 0.42 from libdeflate, which
/// wants all of its output at once.
enum Inflater {
    /// What files that are compressed with gzip begin with.
    static let gzipMagic: [UInt8] = [0x1f, 0x8b]
    /// Deflate makes no byte of more than so many (zlib's Technical Details: 1032).
    static let largestRatio = 1032
    /// The room that the next piece is inflated into.
    private static let pieceBytes = 1 << 18

    /// The content of `file`, all members of it.
    /// - Throws: `DataError` for damaged or unfinished data, for something else behind them, and for a content for which
    ///   there is no memory.
    static func gzip(_ file: FileBytes, path: String) throws(DataError) -> FileBytes {
        defer { withExtendedLifetime(file) {} }
        let input = file.bytes
        var content = GrowingBytes()
        try reserve(declaredSize(input), in: &content, path: path)
        var position = 0
        repeat {
            position = try member(input, at: position, path: path, to: &content) { part in file.release(part) }
        } while try hasAnother(input, at: position, path: path)
        return FileBytes(content)
    }

    /// At most `count` of the first bytes of gzip data, as many as can be had of what may be damaged.
    static func beginning(_ input: UnsafeRawBufferPointer, count: Int) -> [UInt8] {
        guard let inflater = loom_inflater_create(1) else { return [] }
        defer { free(inflater) }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, size in
            var (inputCount, outputCount) = (UInt32(clamping: input.count), UInt32(count))
            let result = loom_inflater_run(
                inflater, input.bindMemory(to: UInt8.self).baseAddress, &inputCount, buffer.baseAddress, &outputCount)
            size = result < 0 ? 0 : count - Int(outputCount)
        }
    }

    /// The `count` bytes that a raw stream of deflate makes; `checksum` is their CRC-32.
    /// - Throws: `DataError`, also when it makes fewer or more.
    static func raw(
        _ input: UnsafeRawBufferPointer, count: Int, checksum: UInt32, path: String
    ) throws(DataError) -> FileBytes {
        guard count / largestRatio <= input.count else {
            throw damaged(path, "\(input.count) bytes of it cannot make \(count)")
        }
        var content = GrowingBytes()
        try reserve(count + 1, in: &content, path: path)
        _ = try member(input, at: 0, isGzip: false, limit: count, path: path, to: &content) { _ in }
        guard content.count == count else {
            throw damaged(path, "it makes \(content.count) bytes, \(count) are declared")
        }
        guard Checksum.crc32(of: content.bytes) == checksum else { throw damaged(path, "its checksum is wrong") }
        return FileBytes(content)
    }

    /// Inflates the member that begins at `start`, and returns where it ends.
    private static func member(
        _ input: UnsafeRawBufferPointer, at start: Int, isGzip: Bool = true, limit: Int = .max, path: String,
        to content: inout GrowingBytes, release: (Range<Int>) -> Void
    ) throws(DataError) -> Int {
        guard let inflater = loom_inflater_create(isGzip ? 1 : 0) else { throw tooLarge(0, path) }
        defer { free(inflater) }
        var (position, released) = (start, start)
        while true {
            try reserve(pieceBytes, in: &content, path: path)
            let output = UnsafeMutableRawBufferPointer(rebasing: content.free.prefix(1 << 30))
            var inputCount = UInt32(min(input.count - position, 1 << 30))
            var outputCount = UInt32(output.count)
            let given = (input: inputCount, output: outputCount)
            let result = loom_inflater_run(
                inflater, input.baseAddress.map { ($0 + position).assumingMemoryBound(to: UInt8.self) }, &inputCount,
                output.baseAddress?.assumingMemoryBound(to: UInt8.self), &outputCount)
            // Bytes of the call before that were read ahead are handed back at the end: more are left than were given.
            position += Int(given.input) - Int(inputCount)
            content.count += Int(given.output) - Int(outputCount)
            if result < 0 { throw damaged(path, fault(result, behind: content.count)) }
            if result == 1 { return position }
            if content.count > limit { throw damaged(path, "it makes more than the \(limit) bytes that are declared") }
            if position - released >= 16 << 20 {
                release(released..<position)
                released = position
            }
            if inputCount == 0, position == input.count, outputCount > 0 {
                throw DataError(
                    .badData, source: path,
                    problem: "the \(isGzip ? "gzip" : "deflated") data break off after \(input.count) bytes, "
                        + "which make \(content.count)",
                    remedy: "copy or download the file again")
            }
        }
    }

    /// Whether another member begins at `position`. Zeros are padding, as of tapes.
    private static func hasAnother(
        _ input: UnsafeRawBufferPointer, at position: Int, path: String
    ) throws(DataError) -> Bool {
        let rest = UnsafeRawBufferPointer(rebasing: input[position...])
        if rest.starts(with: gzipMagic) { return true }
        guard let other = rest.firstIndex(where: { $0 != 0 }) else { return false }
        throw DataError(
            .badData, source: path, place: "byte \(position + other)",
            problem: "there is something behind the gzip data that is not compressed",
            remedy: "copy or download the file again")
    }

    /// The size that the last four bytes tell, which is that of the last member, without what is above 4 GiB: where members
    /// are not mutilated, the content is as large or larger.
    private static func declaredSize(_ input: UnsafeRawBufferPointer) -> Int {
        guard input.count >= 18 else { return 1 }
        let size = Int(input.loadUnaligned(fromByteOffset: input.count - 4, as: UInt32.self).littleEndian)
        // A byte more, so that the end is noticed without another piece.
        return size / largestRatio > input.count ? 1 : size + 1
    }

    private static func reserve(_ bytes: Int, in content: inout GrowingBytes, path: String) throws(DataError) {
        let total = content.count + bytes
        guard total > content.capacity else { return }
        if let free = MemorySize.free(), total - content.count > free { throw tooLarge(total, path, free: free) }
        guard content.reserve(bytes) else { throw tooLarge(total, path) }
    }

    private static func tooLarge(_ bytes: Int, _ path: String, free: Int? = nil) -> DataError {
        let size = MemorySize.words(bytes)
        let problem =
            free.map { "inflated it has \(size) or more, and \(MemorySize.words($0)) of memory are free" }
            ?? "inflated it has \(size) or more, for which the system does not give the memory"
        return DataError(
            .badConfiguration, source: path, problem: problem,
            remedy: "uncompress it (gunzip -k FILE): an uncompressed file is read where it lies")
    }

    private static func fault(_ code: Int32, behind count: Int) -> String {
        let place = "behind the first \(count) bytes of its content"
        return switch code {
        case ISAL_INCORRECT_CHECKSUM: "a checksum is wrong \(place)"
        case ISAL_INVALID_WRAPPER, ISAL_UNSUPPORTED_METHOD: "this is no header of gzip \(place)"
        default: "its code is wrong \(place)"
        }
    }

    private static func damaged(_ path: String, _ how: String) -> DataError {
        DataError(
            .badData, source: path, problem: "the compressed data (gzip, deflate) are damaged: \(how)",
            remedy: "copy or download the file again")
    }
}
