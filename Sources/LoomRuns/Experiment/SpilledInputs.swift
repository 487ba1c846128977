import Foundation
import LoomData
import LoomKernels

/// Inputs as a training reads them, in a file of this process that ends with it: for sources that are not read batch by batch
/// where they are, and do not fit into memory.
///
/// The file has no name, so that nothing is left of it, whatever happens. Its space is taken before the first sample is written:
/// a full disk is an error, and not a signal in the middle of a training.
struct SpilledInputs {
    /// The inputs of all samples of the source, converted and standardised.
    let rows: MappedRows

    /// Reads or makes all inputs of `source`, `blockBytes` at a time, and writes them, standardised.
    /// - Throws: `DataError` for what is wrong with a sample, and for a disk that is full or fails.
    init<Scalar: LoomScalar>(
        _ source: any DataSource, standardization: Standardization?, as _: Scalar.Type, progress: LoadProgress?,
        blockBytes: Int = 32 << 20
    ) throws {
        let features = source.featureCount
        let rowBytes = features * MemoryLayout<Scalar>.stride
        guard let bytes = MemorySize.product(source.count, rowBytes), bytes < 1 << 62 else {
            throw Self.failure(EFBIG, source: source)
        }
        let descriptor = try Self.makeFile(bytes, source: source)
        defer { close(descriptor) }
        let blockRows = max(1, blockBytes / rowBytes)
        for start in stride(from: 0, to: source.count, by: blockRows) {
            let block = try Dataset<Scalar>(
                source, rows: .range(start..<min(start + blockRows, source.count)), conversion: nil,
                standardization: standardization, progress: progress)
            let content = UnsafeRawBufferPointer(
                start: block.inputs.pointer, count: block.count * rowBytes)
            if let code = withExtendedLifetime(block, { writeAll(content, to: descriptor) }) {
                throw Self.failure(code, source: source)
            }
        }
        // The file has no other name.
        rows = try MappedRows(
            file: "/proc/self/fd/\(descriptor)", rows: source.count, columns: features,
            element: Scalar.precision == .float32 ? .float32 : .float64)
    }

    /// Where large files of a process belong that end with it: what TMPDIR says, otherwise /var/tmp, which unlike /tmp is on a
    /// disk.
    static var directory: String {
        ProcessInfo.processInfo.environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/var/tmp"
    }

    private static func makeFile(_ bytes: Int, source: any DataSource) throws(DataError) -> Int32 {
        var template = Array("\(directory)/gradloom-samples-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw failure(errno, source: source) }
        unlink(template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let code = posix_fallocate(descriptor, 0, bytes)
        guard code == 0 else {
            close(descriptor)
            throw failure(code, source: source)
        }
        return descriptor
    }

    private static func failure(_ code: Int32, source: any DataSource) -> DataError {
        DataError(
            .inputOutput, source: directory,
            problem: "the samples of \(source.name) cannot be kept in a file here: \(String(cString: strerror(code)))",
            remedy:
                "make room, name another directory with the environment variable TMPDIR, or raise data.memory_budget")
    }
}
