/// The bytes of an input file, mapped into memory rather than read where the system can, and inflated where the file is
/// compressed with gzip.
struct InputFile: Sendable {
    /// What messages call it: the path as the user gave it, or the path and a name of something inside.
    let path: String
    private let data: FileBytes
    private let range: Range<Int>

    /// Opens a file; throws when it is missing, is a directory or can't be read, and when its gzip data are damaged.
    init(path: String) throws(DataError) {
        let stored = try Self.stored(path)
        let isCompressed = stored.bytes.starts(with: Inflater.gzipMagic)
        let data = isCompressed ? try Inflater.gzip(stored, path: path) : stored
        self.init(path: path, data: data, range: 0..<data.bytes.count)
    }

    /// A part of a file, or bytes made of one.
    init(path: String, data: FileBytes, range: Range<Int>) {
        (self.path, self.data, self.range) = (path, data, range)
    }

    /// The bytes of the file at `path` as they are stored.
    static func stored(_ path: String) throws(DataError) -> FileBytes {
        do throws(FileBytes.Failure) {
            return try FileBytes.open(path)
        } catch {
            throw DataError(
                error.isMissing ? .missingInput : .inputOutput, source: path, problem: error.problem,
                remedy: error.remedy)
        }
    }

    /// The number of bytes.
    var byteCount: Int { range.count }

    /// The bytes that are kept in memory: those of pipes, and inflated content.
    var memoryBytes: Int { data.isMapped ? 0 : range.count }

    /// The part of this file at `part`, which messages call `name`.
    func part(_ part: Range<Int>, name: String) -> InputFile {
        InputFile(
            path: name, data: data, range: range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
    }

    /// Calls `body` with the bytes, which are valid during the call.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws(DataError) -> Result) throws(DataError)
        -> Result
    {
        defer { withExtendedLifetime(data) {} }
        return try body(UnsafeRawBufferPointer(rebasing: data.bytes[range]))
    }

    /// Calls `body` with the bytes, which are valid during the call.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withExtendedLifetime(data) { body(UnsafeRawBufferPointer(rebasing: data.bytes[range])) }
    }

    /// Calls `body` with the bytes, piece by piece; the memory of each is given back.
    func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) {
        let pieceBytes = 1 << 20
        for start in stride(from: 0, to: byteCount, by: pieceBytes) {
            let end = min(start + pieceBytes, byteCount)
            withBytes { bytes in body(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) }
            release(start..<end)
        }
    }

    /// Asks the system to read bytes that will be needed soon.
    func willNeed(_ part: Range<Int>) {
        data.willNeed(range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
    }

    /// Gives the memory of bytes that have been read back; they can be read again.
    func release(_ part: Range<Int>) {
        data.release(range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
    }
}
