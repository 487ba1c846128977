import Synchronization
import Testing

@testable import LoomHardware

@Suite struct BLASRuntimeTests {
    private func runtime(core: String = "Haswell", _ parallelism: BLASRuntime.Parallelism = .pthreads)
        -> BLASRuntime
    {
        BLASRuntime(
            configuration: "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY Haswell MAX_THREADS=64",
            coreName: core,
            parallelism: parallelism)
    }

    @Test func readsConfiguration() {
        #expect(runtime().maximumThreads == 64)
        #expect(runtime().version == "OpenBLAS 0.3.21")
        let unknown = BLASRuntime(configuration: "DYNAMIC_ARCH", coreName: "Zen", parallelism: .serial)
        #expect(unknown.maximumThreads == nil)
        #expect(unknown.version == "DYNAMIC_ARCH")
    }

    @Test func preparesLoadedLibrary() throws {
        let runtime = try BLASRuntime.prepare(workers: 2)
        #expect(runtime.configuration.hasPrefix("OpenBLAS"))
        #expect(!runtime.coreName.isEmpty)
        let maximum = try #require(runtime.maximumThreads)
        #expect(throws: BLASError.tooManyWorkersForBLAS(requested: maximum + 1, maximum: maximum)) {
            try BLASRuntime.prepare(workers: maximum + 1)
        }
    }

    @Test func limitsWorkers() throws {
        try runtime().check(workers: 64, environment: [:])
        let error = BLASError.tooManyWorkersForBLAS(requested: 65, maximum: 64)
        #expect(throws: error) { try runtime().check(workers: 65, environment: [:]) }
        #expect("\(error)".contains("65 workers") && "\(error)".contains("at most 64"))
    }

    @Test func wantsOneThreadOfOpenMPBuilds() throws {
        #expect(throws: BLASError.openMPBuild(threads: nil)) {
            try runtime(.openMP).check(workers: 2, environment: [:])
        }
        #expect(throws: BLASError.openMPBuild(threads: "8")) {
            try runtime(.openMP).check(workers: 2, environment: ["OMP_NUM_THREADS": "8"])
        }
        try runtime(.openMP).check(workers: 2, environment: ["OMP_NUM_THREADS": "1"])
        try runtime(.pthreads).check(workers: 2, environment: ["OMP_NUM_THREADS": "8"])
    }

    @Test(arguments: [1, 2, 5]) func passesItsSelfTest(workers: Int) throws {
        _ = try BLASRuntime.prepare(workers: 1)
        #expect(BLASSelfTest.passes(workers: workers))
    }

    @Test func selfTestNoticesOneBit() {
        // The right product but for the last bit of one element, on every call.
        let isWrong = AtomicFlag()
        let passes = BLASSelfTest.passes(workers: 2) { shape, a, b, c in
            for row in 0..<shape.rows {
                for column in 0..<shape.columns {
                    c[row * shape.columns + column] = a[row * shape.inner] + b[column]
                }
            }
            if isWrong.testAndSet() { c[shape.columns + 3] = c[shape.columns + 3].nextUp }
        }
        #expect(!passes)
    }
}

/// False on the first call of `testAndSet`, true on all later ones.
private final class AtomicFlag: Sendable {
    private let isSet = Atomic(false)

    func testAndSet() -> Bool { isSet.exchange(true, ordering: .relaxed) }
}
