/// The bytes of an input file, mapped into memory rather than read where the system can.
struct InputFile: Sendable {
    /// The path as the user gave it.
    let path: String
    private let data: FileBytes

    /// Opens a file; throws when it is missing, is a directory or can't be read.
    init(path: String) throws(DataError) {
        self.path = path
        do throws(FileBytes.Failure) {
            data = try FileBytes.open(path)
        } catch {
            throw DataError(
                error.isMissing ? .missingInput : .inputOutput, source: path, problem: error.problem,
                remedy: error.remedy)
        }
    }

    /// The number of bytes.
    var byteCount: Int { data.bytes.count }

    /// Calls `body` with the bytes, which are valid during the call.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws(DataError) -> Result) throws(DataError)
        -> Result
    {
        defer { withExtendedLifetime(data) {} }
        return try body(data.bytes)
    }

    /// Calls `body` with the bytes, which are valid during the call.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withExtendedLifetime(data) { body(data.bytes) }
    }

    /// Gives the memory of bytes that have been read back; they can be read again.
    func release(_ range: Range<Int>) { data.release(range) }
}
