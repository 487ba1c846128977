import Foundation

/// Keeps two trainings from writing one run directory: held as long as this object lives, and given back by the kernel
/// however the process ends.
package final class RunLock: Sendable {
    private let descriptor: Int32

    /// Locks the directory of `run` (flock(2)).
    /// - Throws: `RunError.inUse`: another training has it. A file system without locks is taken as it is.
    package init(_ run: RunDirectory) throws(RunError) {
        descriptor = open(run.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno != EWOULDBLOCK else {
                close(descriptor)
                throw .inUse(run: run.path)
            }
            return
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
