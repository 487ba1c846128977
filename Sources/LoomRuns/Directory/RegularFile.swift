import Foundation

/// Files that have to be files.
package enum RegularFile {
    /// Whether there is a file at `path`, and no directory, device or pipe.
    package static func isThere(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Opens the file itself: a link, or what is no file, could make lines of a run land elsewhere.
    /// - Throws: `AtomicFile.WriteError`.
    package static func open(_ path: String, _ flags: Int32) throws(AtomicFile.WriteError) -> Int32 {
        let descriptor = Foundation.open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            if errno == ELOOP { throw AtomicFile.WriteError(path: path, reason: "this is a link, expected a file") }
            throw AtomicFile.WriteError(path: path, code: errno)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw AtomicFile.WriteError(path: path, reason: "this is a device or a pipe, expected a file")
        }
        return descriptor
    }
}
