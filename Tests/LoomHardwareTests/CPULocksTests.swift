import Foundation
import Testing

@testable import LoomHardware

/// A directory of locks that disappears with the value.
private final class LockPlace {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("locks-\(UUID().uuidString)").path
    var locks: CPULocks { CPULocks(directory: path) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Locks those of `cpus` that are free.
    func reserve(_ cpus: [Int], among all: [Int]? = nil) throws -> CPUReservation {
        try locks.reserve(among: all ?? cpus) { ((), $0.isEmpty ? cpus : cpus.filter(Set(cpus).contains)) }.reservation
    }
}

@Suite struct CPULocksTests {
    private let place = LockPlace()

    @Test func aReservationKeepsOthersAwayUntilItEnds() throws {
        var first: CPUReservation? = try place.reserve([3, 5])
        #expect(first?.cpus == [3, 5] && first?.note == nil)
        let here = getpid()
        #expect(
            try place.locks.inUse([2, 3, 4, 5]) == [CPUUse(cpu: 3, process: here), CPUUse(cpu: 5, process: here)])
        // Looking does not lock.
        #expect(try place.locks.inUse([2, 4]) == [])
        let second = try place.reserve([3, 4])
        #expect(second.cpus == [4], "3 stays with the one who had it first")
        first = nil
        #expect(try place.locks.inUse([2, 3, 4, 5]) == [CPUUse(cpu: 4, process: here)])
    }

    @Test func nobodyIsToldOfItself() throws {
        var told: [[CPUUse]] = []
        let one = try place.locks.reserve(among: [0, 1]) { uses in
            told.append(uses)
            return ("one", [0])
        }
        let two = try place.locks.reserve(among: [0, 1]) { uses in
            told.append(uses)
            return ("two", [1])
        }
        #expect(one.choice == "one" && two.choice == "two")
        #expect(told == [[], [CPUUse(cpu: 0, process: getpid())]])
        #expect(one.reservation.cpus == [0] && two.reservation.cpus == [1])
    }

    @Test func anErrorOfTheChoiceLocksNothing() throws {
        struct Refusal: Error {}
        #expect(throws: Refusal.self) {
            _ = try place.locks.reserve(among: [0]) { _ -> (Int, [Int]) in throw Refusal() }
        }
        #expect(try place.locks.inUse([0]) == [])
        // Nor is the next one kept from choosing.
        #expect(try place.reserve([0]).cpus == [0])
    }

    /// Two that choose at the same time never get the same CPU, however often.
    @Test func choicesTakeTurns() throws {
        let locks = place.locks
        _ = try locks.inUse([0])
        for _ in 0..<20 {
            let reservations = Reservations()
            DispatchQueue.concurrentPerform(iterations: 4) { _ in
                let made = try? locks.reserve(among: [0, 1, 2, 3]) { uses in
                    ((), [(0..<4).first { cpu in !uses.contains { $0.cpu == cpu } }].compactMap { $0 })
                }
                if let made { reservations.add(made.reservation) }
            }
            #expect(reservations.cpus == [0, 1, 2, 3])
        }
    }

    @Test func placesFollowTheEnvironment() {
        func directory(_ environment: [String: String], isThere: Bool) -> String {
            CPULocks.user(environment: environment, userID: 17) { $0 == "/run/user/17" && isThere }.directory
        }
        #expect(directory(["XDG_RUNTIME_DIR": "/x"], isThere: true) == "/x/gradloom")
        #expect(directory(["XDG_RUNTIME_DIR": "x"], isThere: true) == "/run/user/17/gradloom")
        #expect(directory([:], isThere: true) == "/run/user/17/gradloom")
        #expect(directory(["XDG_RUNTIME_DIR": ""], isThere: false) == "/tmp/gradloom-17")
    }

    @Test func withoutADirectoryItGoesOnAndSaysSo() throws {
        // A file where a directory is wanted refuses even the superuser.
        #expect(FileManager.default.createFile(atPath: place.path, contents: nil))
        let locks = CPULocks(directory: place.path + "/gradloom")
        let made = try locks.reserve(among: [0, 1]) { uses in (uses, [0]) }
        #expect(made.choice == [] && made.reservation.cpus == [])
        let note = try #require(made.reservation.note)
        #expect(note.hasPrefix("cannot lock CPUs in \(place.path)/gradloom (Not a directory): another Gradloom "))
        #expect(throws: CPULockError(directory: place.path + "/gradloom", errno: ENOTDIR)) { try locks.inUse([0]) }
    }

    @Test func aSharedPlaceHasToBeOurs() throws {
        // The number of a user who is not there; the directory's owner is the user of this test.
        let other = CPULocks.user(environment: [:], userID: 4_000_000_000 - UInt32(getpid())) { _ in false }
        defer { try? FileManager.default.removeItem(atPath: other.directory) }
        #expect(mkdir(other.directory, 0o755) == 0)
        #expect(throws: CPULockError(directory: other.directory, errno: EPERM)) { try other.inUse([]) }
        #expect(chmod(other.directory, 0o700) == 0)
        #expect(try other.inUse([]) == [])
        try FileManager.default.removeItem(atPath: other.directory)
        #expect(symlink("/", other.directory) == 0)
        #expect(throws: CPULockError(directory: other.directory, errno: EPERM)) { try other.inUse([]) }
    }

    @Test func nothingIsWrittenForWorkersWithoutPlaces() throws {
        _ = try place.locks.reserve(among: []) { _ in ((), []) }
        #expect(!FileManager.default.fileExists(atPath: place.path))
    }
}

private final class Reservations: @unchecked Sendable {
    private let lock = NSLock()
    private var made: [CPUReservation] = []

    func add(_ reservation: CPUReservation) { lock.withLock { made.append(reservation) } }
    var cpus: [Int] { lock.withLock { made.flatMap(\.cpus).sorted() } }
}

@Suite struct PlacementInUseTests {
    private func plan(
        _ topology: Topology, workers: Int?, policy: PlacementPolicy = .auto, inUse: [(Int, Int32?)]
    ) throws -> Placement {
        try Placement.plan(
            topology: topology, allowance: CPUAllowance(topology: topology), workers: workers, policy: policy,
            inUse: inUse.map { CPUUse(cpu: $0.0, process: $0.1) })
    }

    private static func fourCores() throws -> Topology { try Topology(synthetic: "pack:1 core:4 pu:1") }

    @Test func withoutOthersNothingChanges() throws {
        let topology = try Self.fourCores()
        let alone = try Placement.plan(
            topology: topology, allowance: CPUAllowance(topology: topology), policy: .auto)
        #expect(try plan(topology, workers: nil, inUse: []) == alone)
        // What is in use elsewhere does not concern us, nor what nobody would have taken.
        #expect(try plan(topology, workers: nil, inUse: [(99, 1)]) == alone)
        #expect(try plan(topology, workers: 2, policy: .compact, inUse: [(3, 1)]).notes == [])
        #expect(try plan(topology, workers: 4, policy: .none, inUse: [(3, 1)]).notes == [])
    }

    @Test func autoTakesTheFreeCores() throws {
        let placement = try plan(Self.fourCores(), workers: nil, inUse: [(0, 41), (2, 41)])
        #expect(placement.assignments.map(\.cpu) == [1, 3])
        #expect(
            placement.notes == [
                "CPUs 0,2 are in use by another Gradloom training (pid 41): 2 workers on CPUs 1,3"
            ])
    }

    @Test func aCountIsPlacedOnFreeCPUs() throws {
        let placement = try plan(Self.fourCores(), workers: 1, policy: .compact, inUse: [(1, 42), (0, 41)])
        #expect(placement.assignments.map(\.cpu) == [2])
        #expect(
            placement.notes == ["CPUs 0-1 are in use by other Gradloom trainings (pids 41, 42): 1 worker on CPU 2"])
    }

    /// A core is in use with all its hardware threads.
    @Test func siblingsOfABusyThreadAreNotFree() throws {
        let topology = try Topology(synthetic: "pack:1 core:2 pu:2")
        let placement = try plan(topology, workers: nil, inUse: [(0, nil)])
        #expect(placement.assignments.map(\.cpu) == [2])
        #expect(placement.notes == ["CPU 0 is in use by another Gradloom training: 1 worker on CPU 2"])
        // Asked for by number, both threads of the free core are taken before the busy one's.
        #expect(try plan(topology, workers: 2, inUse: [(0, nil)]).assignments.map(\.cpu) == [2, 3])
    }

    @Test func moreThanThereAreFreeAreNotBound() throws {
        let asked = try plan(Self.fourCores(), workers: 3, inUse: [(0, 41), (1, 41)])
        #expect(asked.workers == 3 && asked.assignments == [])
        #expect(
            asked.notes == [
                "CPUs 0-1 are in use by another Gradloom training (pid 41), and 2 are free: 3 workers without places of "
                    + "their own, which costs speed"
            ])
        let none = try plan(Self.fourCores(), workers: nil, inUse: (0..<4).map { ($0, 41) })
        #expect(none.workers == 1 && none.assignments == [])
        #expect(try #require(none.notes.first).contains("and none is free: 1 worker without places of their own"))
    }

    @Test func aListIsObeyed() throws {
        let placement = try plan(Self.fourCores(), workers: nil, policy: .cpus([1, 0]), inUse: [(0, 41), (2, 43)])
        #expect(placement.assignments.map(\.cpu) == [1, 0])
        #expect(
            placement.notes == [
                "CPUs 0,2 are in use by other Gradloom trainings (pids 41, 43): the workers share them, because "
                    + "parallel.placement names them"
            ])
    }

    @Test func refusalsStay() throws {
        #expect(throws: PlacementError.tooManyWorkers(requested: 5, allowedCPUs: 4)) {
            try plan(Self.fourCores(), workers: 5, inUse: [(0, 41)])
        }
    }
}
