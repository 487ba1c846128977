import Foundation

/// The bytes of a file: mapped where it is a regular file, otherwise read.
///
/// Foundation's `Data` maps files, too, but keeps every page that was read in memory until the end. A training reads its
/// data once, and needs the memory for them: what has been read is given back with `release`.
final class FileBytes: @unchecked Sendable {
    // Sendable: the bytes are never written, and `release` may run at any time on any thread.

    /// The bytes, valid while this object lives.
    let bytes: UnsafeRawBufferPointer
    private let isMapped: Bool
    private static let pageBytes = sysconf(Int32(_SC_PAGESIZE))

    /// The file at `path`.
    /// - Throws: what Foundation says of a file that cannot be read.
    init(path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        var status = stat()
        if descriptor >= 0, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 {
            let mapped = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0)
            if let mapped, mapped != MAP_FAILED {
                bytes = UnsafeRawBufferPointer(start: mapped, count: Int(status.st_size))
                isMapped = true
                return
            }
        }
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: data.count, alignment: 64)
        data.copyBytes(to: copy)
        bytes = UnsafeRawBufferPointer(copy)
        isMapped = false
    }

    deinit {
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        } else {
            bytes.deallocate()
        }
    }

    /// Takes the pages that lie wholly in `range` out of this process's memory. They can be read as before: the system
    /// fetches them from the file again, or from its cache.
    func release(_ range: Range<Int>) {
        let page = Self.pageBytes
        let start = (range.lowerBound + page - 1) / page * page
        let end = range.upperBound / page * page
        guard isMapped, start < end else { return }
        madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress! + start), end - start, MADV_DONTNEED)
    }
}
