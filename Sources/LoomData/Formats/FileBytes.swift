import Foundation
import LoomKernels

/// The bytes of a file: mapped where it is a regular file, otherwise read.
///
/// Foundation's `Data` maps files, too, but keeps every page that was read in memory until the end. A training reads its
/// data once, and needs the memory for them: what has been read is given back with `release`.
///
/// A pipe gives its bytes only once, so they are kept until the process ends: whoever opens it again gets the same.
package final class FileBytes: @unchecked Sendable {
    // Sendable: the bytes are never written, and `release` may run at any time on any thread.

    /// Why a file cannot be read.
    package struct Failure: Error {
        /// Whether it is not there, or not for this process to read; otherwise reading it failed.
        package let isMissing: Bool
        /// A sentence without its full stop.
        package let problem: String
        /// What to do.
        package let remedy: String
    }

    /// The bytes, valid while this object lives.
    package let bytes: UnsafeRawBufferPointer
    /// Whether they lie in a file, and not in memory of this process.
    let isMapped: Bool
    /// Who frees them; nil: this object does.
    private let owner: AnyObject?
    private static let pageBytes = sysconf(Int32(_SC_PAGESIZE))

    /// Bytes that are mapped, or else were allocated with malloc(3).
    private init(_ bytes: UnsafeRawBufferPointer, isMapped: Bool) {
        self.bytes = bytes
        self.isMapped = isMapped
        owner = nil
    }

    /// Bytes that lie in memory as long as `owner` lives.
    init(_ bytes: UnsafeRawBufferPointer, ownedBy owner: AnyObject) {
        self.bytes = bytes
        self.owner = owner
        isMapped = false
    }

    /// Bytes that were made in memory.
    init(_ bytes: consuming GrowingBytes) {
        self.bytes = bytes.finish()
        isMapped = false
        owner = nil
    }

    /// The file at `path`.
    package static func open(_ path: String) throws(Failure) -> FileBytes {
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure(errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            return try regular(path)
        case S_IFDIR:
            throw Failure(
                isMissing: true, problem: "this is a directory, expected a file", remedy: "name the file inside it")
        case S_IFBLK:
            throw device
        default:
            return try streams.bytes(of: path, status) { () throws(Failure) in
                try stream(path, isCharacterDevice: status.st_mode & S_IFMT == S_IFCHR)
            }
        }
    }

    private static func regular(_ path: String) throws(Failure) -> FileBytes {
        let descriptor = try descriptor(path)
        defer { close(descriptor) }
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_size > 0 {
            let mapped = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0)
            if let mapped, mapped != MAP_FAILED {
                return FileBytes(UnsafeRawBufferPointer(start: mapped, count: Int(status.st_size)), isMapped: true)
            }
        }
        // Such as a file of /proc, whose size is given as 0.
        return try read(descriptor)
    }

    private static func stream(_ path: String, isCharacterDevice: Bool) throws(Failure) -> FileBytes {
        let descriptor = try descriptor(path)
        defer { close(descriptor) }
        if isCharacterDevice, isatty(descriptor) == 0 {
            var (status, null) = (stat(), stat())
            // Others, such as /dev/zero, need not end.
            guard fstat(descriptor, &status) == 0, stat("/dev/null", &null) == 0, status.st_rdev == null.st_rdev else {
                throw device
            }
        }
        return try read(descriptor)
    }

    private static func descriptor(_ path: String) throws(Failure) -> Int32 {
        while true {
            let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
            if descriptor >= 0 { return descriptor }
            let code = errno
            if code != EINTR { throw failure(code) }
        }
    }

    /// What `descriptor` gives until its end.
    private static func read(_ descriptor: Int32) throws(Failure) -> FileBytes {
        var content = GrowingBytes()
        while true {
            guard content.reserve(1 << 16) else {
                throw Failure(
                    isMissing: false,
                    problem: "the system does not give the memory for its \(MemorySize.words(content.count)) and more",
                    remedy: "give a file, which need not be kept in memory")
            }
            let result = Foundation.read(descriptor, content.free.baseAddress, content.free.count)
            if result > 0 {
                content.count += result
            } else if result == 0 {
                return FileBytes(content)
            } else if errno != EINTR {
                throw failure(errno)
            }
        }
    }

    private static var device: Failure {
        Failure(isMissing: true, problem: "this is a device, expected a file", remedy: "name a file or a pipe")
    }

    private static func failure(_ code: Int32) -> Failure {
        switch code {
        case ENOENT, ENOTDIR, ENAMETOOLONG:
            Failure(
                isMissing: true, problem: "there is no such file",
                remedy: "check the path; relative paths start at \(FileManager.default.currentDirectoryPath)")
        case EACCES, EPERM:
            Failure(isMissing: true, problem: "reading is not permitted", remedy: "change the file's permissions")
        default:
            Failure(
                isMissing: false, problem: "reading failed: \(String(cString: strerror(code)))",
                remedy: "check the disk and try again")
        }
    }

    deinit {
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        } else if owner == nil {
            free(UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        }
    }

    /// Takes the pages that lie wholly in `range` out of this process's memory. They can be read as before: the system
    /// fetches them from the file again, or from its cache.
    package func release(_ range: Range<Int>) {
        let page = Self.pageBytes
        let start = (range.lowerBound + page - 1) / page * page
        let end = range.upperBound / page * page
        guard isMapped, start < end else { return }
        madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress! + start), end - start, MADV_DONTNEED)
    }

    /// Asks the system to read the pages of `range`, beside whatever else is done.
    func willNeed(_ range: Range<Int>) {
        let start = range.lowerBound / Self.pageBytes * Self.pageBytes
        guard isMapped, start < range.upperBound else { return }
        madvise(
            UnsafeMutableRawPointer(mutating: bytes.baseAddress! + start), range.upperBound - start, MADV_WILLNEED)
    }

    private static let streams = Streams()

    /// What pipes and terminals gave.
    private final class Streams: @unchecked Sendable {
        // Sendable: every access to the stored property holds the lock.
        private let lock = NSLock()
        private var known: [String: FileBytes] = [:]

        func bytes(
            of path: String, _ status: stat, read: () throws(Failure) -> FileBytes
        ) throws(Failure) -> FileBytes {
            // A path such as /dev/fd/63 may lead elsewhere later.
            let key = "\(status.st_dev) \(status.st_ino) \(path)"
            lock.lock()
            defer { lock.unlock() }
            if let bytes = known[key] { return bytes }
            let bytes = try read()
            if !bytes.bytes.isEmpty { known[key] = bytes }
            return bytes
        }
    }
}
