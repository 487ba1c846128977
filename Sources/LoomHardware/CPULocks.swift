import Foundation

/// A CPU that another training works on.
public struct CPUUse: Sendable, Equatable {
    /// The operating system's number.
    public let cpu: Int
    /// The process of that training; nil where it could not be read.
    public let process: Int32?

    /// A CPU in use.
    public init(cpu: Int, process: Int32?) {
        self.cpu = cpu
        self.process = process
    }
}

/// Where trainings of one user leave word which CPUs they are pinned to: a file for each CPU, locked as long as somebody
/// works there.
///
/// The locks are advisory (flock(2)): they belong to an open file, so that two trainings in one process see each other, and
/// the kernel drops them with the process, however it ends. Files stay behind; they say nothing without a lock.
public struct CPULocks: Sendable {
    /// The directory of the files `cpu-N.lock`.
    public let directory: String
    /// Whether the directory lies where everybody may write, and so has to be this user's alone.
    private let isInSharedPlace: Bool

    /// Locks in `directory`, which is made when it is needed.
    public init(directory: String) {
        self.init(directory: directory, isInSharedPlace: false)
    }

    private init(directory: String, isInSharedPlace: Bool) {
        self.directory = directory
        self.isInSharedPlace = isInSharedPlace
    }

    /// The user's: `gradloom` in `$XDG_RUNTIME_DIR`; where that is not set or no absolute path, in `/run/user/UID`; where
    /// that is not there, `/tmp/gradloom-UID`.
    public static func user(environment: [String: String] = ProcessInfo.processInfo.environment) -> CPULocks {
        user(environment: environment, userID: getuid()) { access($0, F_OK) == 0 }
    }

    static func user(environment: [String: String], userID: uid_t, exists: (String) -> Bool) -> CPULocks {
        if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/") {
            return CPULocks(directory: runtime + "/gradloom")
        }
        let runtime = "/run/user/\(userID)"
        if exists(runtime) { return CPULocks(directory: runtime + "/gradloom") }
        return CPULocks(directory: "/tmp/gradloom-\(userID)", isInSharedPlace: true)
    }

    /// Which of `cpus` others work on now.
    /// - Throws: `CPULockError`.
    public func inUse(_ cpus: [Int]) throws(CPULockError) -> [CPUUse] {
        let turn = try turn()
        defer { withExtendedLifetime(turn) {} }
        return try users(of: cpus)
    }

    /// Looking is trying to lock, which somebody who chooses must not come across: only with `turn`.
    private func users(of cpus: [Int]) throws(CPULockError) -> [CPUUse] {
        var uses: [CPUUse] = []
        for cpu in cpus {
            let file = try open("cpu-\(cpu).lock")
            if !file.lock() { uses.append(CPUUse(cpu: cpu, process: file.process)) }
        }
        return uses
    }

    /// Chooses CPUs by `choose`, which is told what others work on, and locks them. Nobody else chooses meanwhile.
    ///
    /// CPUs that are in use may be chosen, too: they are shared then, and stay locked by the other one.
    ///
    /// Where files cannot be written, `choose` is told of no others, and the reservation has a note that says so.
    public func reserve<Choice>(
        among cpus: [Int], choose: ([CPUUse]) throws -> (choice: Choice, cpus: [Int])
    ) throws -> (choice: Choice, reservation: CPUReservation) {
        guard !cpus.isEmpty else { return (try choose([]).choice, CPUReservation(files: [], cpus: [], note: nil)) }
        let uses: [CPUUse]
        let turn: LockFile
        do {
            turn = try self.turn()
            uses = try users(of: cpus)
        } catch {
            return (try choose([]).choice, CPUReservation(files: [], cpus: [], note: error.note))
        }
        defer { withExtendedLifetime(turn) {} }
        let chosen = try choose(uses)
        var files: [LockFile] = []
        var locked: [Int] = []
        for cpu in chosen.cpus {
            guard let file = try? open("cpu-\(cpu).lock"), file.lock() else { continue }
            file.write(process: getpid())
            files.append(file)
            locked.append(cpu)
        }
        return (chosen.choice, CPUReservation(files: files, cpus: locked, note: nil))
    }

    /// Held by one at a time.
    private func turn() throws(CPULockError) -> LockFile {
        try makeDirectory()
        let file = try open("choosing.lock")
        file.waitForLock()
        return file
    }

    private func makeDirectory() throws(CPULockError) {
        if mkdir(directory, 0o700) != 0, errno != EEXIST { throw CPULockError(directory: directory, errno: errno) }
        guard isInSharedPlace else { return }
        // Somebody else could have made it, or a link of its name to elsewhere.
        var status = stat()
        guard lstat(directory, &status) == 0 else { throw CPULockError(directory: directory, errno: errno) }
        let isOurs = status.st_mode & S_IFMT == S_IFDIR && status.st_uid == getuid() && status.st_mode & 0o077 == 0
        guard isOurs else { throw CPULockError(directory: directory, errno: EPERM) }
    }

    private func open(_ name: String) throws(CPULockError) -> LockFile {
        let descriptor = Foundation.open(directory + "/" + name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw CPULockError(directory: directory, errno: errno) }
        return LockFile(descriptor: descriptor)
    }
}

/// The CPUs that a training keeps others away from, as long as this object lives.
public final class CPUReservation: Sendable {
    /// The operating system's numbers of those that were free.
    public let cpus: [Int]
    /// What the user should know; nil: nothing.
    public let note: String?
    private let files: [LockFile]

    fileprivate init(files: [LockFile], cpus: [Int], note: String?) {
        self.files = files
        self.cpus = cpus
        self.note = note
    }
}

/// Why CPUs cannot be locked. Training goes on without.
public struct CPULockError: Error, Equatable {
    /// The directory of the locks.
    public let directory: String
    /// What the system said.
    public let errno: Int32

    /// One sentence for the user.
    public var note: String {
        "cannot lock CPUs in \(directory) (\(String(cString: strerror(errno)))): another Gradloom training started "
            + "meanwhile may be placed on the same CPUs; set XDG_RUNTIME_DIR to a directory of yours"
    }
}

/// An open file, locked or not; closing it gives the lock back.
private final class LockFile: Sendable {
    private let descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// False where another open file has the lock.
    func lock() -> Bool {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno != EINTR { return false }
        }
        return true
    }

    /// Waits for the lock, but not for a process that was stopped in the middle of its choice: that takes microseconds.
    func waitForLock() {
        for _ in 0..<1000 {
            if lock() { return }
            usleep(1000)
        }
    }

    /// The process that wrote itself into the file.
    var process: Int32? {
        var digits = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &digits, digits.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: digits.prefix(count).prefix { $0 != 10 }, as: UTF8.self))
    }

    func write(process: Int32) {
        let text = Array("\(process)\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
    }
}
