import COpenBLAS
import Foundation

/// Why the OpenBLAS that this process has loaded cannot serve the workers.
public enum BLASError: Error, Equatable, CustomStringConvertible {
    /// More workers than the threads that this OpenBLAS was built for.
    case tooManyWorkersForBLAS(requested: Int, maximum: Int)
    /// An OpenMP build without `OMP_NUM_THREADS=1`.
    case openMPBuild(threads: String?)
    /// OpenBLAS kept this number of threads after it had been told to use one.
    case threadCountNotHonoured(actual: Int)
    /// Concurrent calls gave other bits than the same call alone.
    case selfTestFailed(workers: Int, configuration: String)

    /// What was found and what to do.
    public var description: String {
        switch self {
        case .tooManyWorkersForBLAS(let requested, let maximum):
            return """
                \(requested) workers were asked for, but this OpenBLAS is built for at most \(maximum) \
                threads and ends the process when its buffer table is full: ask for at most \(maximum) \
                workers, or install an OpenBLAS built with a larger NUM_THREADS
                """
        case .openMPBuild(let threads):
            return """
                this OpenBLAS is an OpenMP build, and OMP_NUM_THREADS is \
                \(threads.map { "'\($0)'" } ?? "not set"): set OMP_NUM_THREADS=1, or install the build with \
                POSIX threads (Debian, Ubuntu: libopenblas0-pthread)
                """
        case .threadCountNotHonoured(let actual):
            return """
                OpenBLAS still uses \(actual) threads after openblas_set_num_threads(1): set \
                OPENBLAS_NUM_THREADS=1, or install the build with POSIX threads (Debian, Ubuntu: \
                libopenblas0-pthread)
                """
        case .selfTestFailed(let workers, let configuration):
            return """
                the same matrix product on \(workers) workers at a time differs from one worker's: this \
                OpenBLAS ('\(configuration)') is not safe to call from several threads; install the build \
                with POSIX threads (Debian, Ubuntu: libopenblas0-pthread), or a serial one built with \
                USE_LOCKING=1
                """
        }
    }
}

/// What the loaded OpenBLAS says about itself.
public struct BLASRuntime: Sendable, Codable, Equatable {
    /// How a build of OpenBLAS runs threads of its own.
    public enum Parallelism: String, Sendable, Codable {
        /// No threads; safe to call from several only when built with USE_LOCKING.
        case serial
        /// POSIX threads.
        case pthreads
        /// OpenMP.
        case openMP = "openmp"
    }

    /// `openblas_get_config()`: version and build options.
    public let configuration: String
    /// `openblas_get_corename()`: the processor family whose kernels are in use, such as `Haswell` or
    /// `SkylakeX`.
    public let coreName: String
    /// How the build runs threads of its own.
    public let parallelism: Parallelism
    /// The number of threads that it was built for; nil where the configuration does not say.
    public let maximumThreads: Int?

    private enum CodingKeys: String, CodingKey {
        case configuration, parallelism
        case coreName = "core_name"
        case maximumThreads = "maximum_threads"
    }

    /// A description from its parts; `maximumThreads` is read from `configuration`.
    public init(configuration: String, coreName: String, parallelism: Parallelism) {
        self.configuration = configuration
        self.coreName = coreName
        self.parallelism = parallelism
        let option = configuration.split(separator: " ").first { $0.hasPrefix("MAX_THREADS=") }
        maximumThreads = option.flatMap { Int($0.dropFirst("MAX_THREADS=".count)) }
    }

    /// Asks the loaded library.
    public static func current() -> BLASRuntime {
        let parallelism: Parallelism =
            switch openblas_get_parallel() {
            case 0: .serial
            case 2: .openMP
            default: .pthreads
            }
        return BLASRuntime(
            configuration: openblas_get_config().map { String(cString: $0) } ?? "",
            coreName: openblas_get_corename().map { String(cString: $0) } ?? "",
            parallelism: parallelism)
    }

    /// `OpenBLAS 0.3.21`, or the whole configuration where it does not begin with a version.
    public var version: String {
        let words = configuration.split(separator: " ")
        guard words.count >= 2, words[0] == "OpenBLAS" else { return configuration }
        return words.prefix(2).joined(separator: " ")
    }

    /// Makes OpenBLAS ready for `workers` threads that call it at a time: checks the build, limits every call
    /// to its caller's thread, and runs the self-test. Call it before the first matrix product.
    ///
    /// - Throws: `BLASError`.
    public static func prepare(workers: Int) throws(BLASError) -> BLASRuntime {
        let runtime = current()
        try runtime.check(workers: workers, environment: ProcessInfo.processInfo.environment)
        openblas_set_num_threads(1)
        let threads = Int(openblas_get_num_threads())
        guard threads == 1 else { throw .threadCountNotHonoured(actual: threads) }
        guard workers == 1 || BLASSelfTest.passes(workers: workers) else {
            throw .selfTestFailed(workers: workers, configuration: runtime.configuration)
        }
        return runtime
    }

    /// The loaded library, told to keep to its caller's thread: for programs in which one thread at a time calls it.
    public static func singleThreaded() -> BLASRuntime {
        openblas_set_num_threads(1)
        return current()
    }

    /// Checks what can be known without a call: the build's limit on threads and its use of OpenMP.
    ///
    /// Every thread inside a call holds a buffer of a table whose size grows with MAX_THREADS
    /// (driver/others/memory.c); a full table ends the process.
    public func check(workers: Int, environment: [String: String]) throws(BLASError) {
        if let maximumThreads, workers > maximumThreads {
            throw .tooManyWorkersForBLAS(requested: workers, maximum: maximumThreads)
        }
        if parallelism == .openMP, environment["OMP_NUM_THREADS"] != "1" {
            throw .openMPBuild(threads: environment["OMP_NUM_THREADS"])
        }
    }
}
