import Foundation

/// Keeps two processes from writing one directory: held as long as this object lives, and given back by the kernel however the
/// process ends.
package final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Locks the directory at `path` (flock(2)); nil: somebody else has it. A file system without locks is taken as it is.
    package init?(_ path: String) {
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno != EWOULDBLOCK else { return nil }
            return
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}

/// Keeps two trainings from writing one run directory.
package final class RunLock: Sendable {
    private let lock: DirectoryLock

    /// Locks the directory of `run`.
    /// - Throws: `RunError.inUse`: another training has it.
    package init(_ run: RunDirectory) throws(RunError) {
        guard let lock = DirectoryLock(run.path) else { throw .inUse(run: run.path) }
        self.lock = lock
    }
}
