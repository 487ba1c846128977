import Foundation

/// The bytes of an input file, mapped into memory rather than read where the system can.
struct InputFile: Sendable {
    /// The path as the user gave it.
    let path: String
    private let data: FileBytes

    /// Opens a file; throws when it is missing, is a directory or can't be read.
    init(path: String) throws(DataError) {
        self.path = path
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw DataError(
                .missingInput, source: path, problem: "there is no such file",
                remedy: "check the path; relative paths start at \(FileManager.default.currentDirectoryPath)")
        }
        guard !isDirectory.boolValue else {
            throw DataError(
                .missingInput, source: path, problem: "this is a directory, expected a file",
                remedy: "name the file inside it")
        }
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw DataError(
                .missingInput, source: path, problem: "reading is not permitted",
                remedy: "change the file's permissions")
        }
        do {
            data = try FileBytes(path: path)
        } catch {
            throw DataError(
                .inputOutput, source: path, problem: "reading failed: \(error.localizedDescription)",
                remedy: "check the disk and try again")
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
