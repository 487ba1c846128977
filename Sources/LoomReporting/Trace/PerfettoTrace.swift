import Foundation
import LoomRuns

/// A timeline of what threads did, for Perfetto (ui.perfetto.dev) and its trace processor, which answers SQL.
///
/// A trace is a value made of plain records: slices on threads, which nest, and values of counters. Names and categories
/// stand once in a table, and records refer to them by their position.
///
/// ```swift
/// var trace = PerfettoTrace(process: "gradloom", processIdentifier: getpid())
/// trace.threads = [.init(name: "worker 0", threadIdentifier: 4711)]
/// trace.names = ["step", "forward"]
/// trace.categories = ["step", "operation"]
/// trace.slices = [
///     .init(thread: 0, name: 0, category: 0, start: 1_000, end: 9_000),
///     .init(thread: 0, name: 1, category: 1, start: 1_200, end: 4_500),
/// ]
/// try trace.write(to: "training.pftrace")
/// ```
///
/// Written as TrackEvents in protocol buffers, Perfetto's own format ("Advanced Guide to Programmatic Trace Generation",
/// perfetto.dev/docs/reference/synthetic-track-event); the numbers of fields are those of protos/perfetto/trace.
public struct PerfettoTrace: Sendable, Equatable {
    /// The track of one thread: what it did, one thing at a time, or things inside others.
    public struct ThreadTrack: Sendable, Equatable {
        /// For example "worker 0".
        public var name: String
        /// The operating system's number of the thread, or any number that no other thread of the trace has: Perfetto
        /// puts the slices of equal numbers on one track.
        public var threadIdentifier: Int

        /// The track of the thread with this number.
        public init(name: String, threadIdentifier: Int) {
            self.name = name
            self.threadIdentifier = threadIdentifier
        }
    }

    /// The track of a number that changes over time.
    public struct CounterTrack: Sendable, Equatable {
        /// What a counter's values are. Perfetto scales the first three as it prints them.
        public enum Unit: Sendable, Equatable {
            /// Durations.
            case nanoseconds
            /// Numbers of things.
            case count
            /// Amounts of memory.
            case bytes
            /// Anything else, for example "samples/s"; no unit is the empty text.
            case named(String)
        }

        /// For example "loss".
        public var name: String
        /// What its values are.
        public var unit: Unit

        /// A track without values yet.
        public init(name: String, unit: Unit) {
            self.name = name
            self.unit = unit
        }
    }

    /// Something that a thread did from `start` to `end`. Slices of one thread either lie one inside the other or do not
    /// overlap; one that takes no time lies inside those that begin with it.
    public struct Slice: Sendable, Equatable, BitwiseCopyable {
        /// Its position in `threads`.
        public var thread: Int
        /// Its position in `names`.
        public var name: Int
        /// Its position in `categories`.
        public var category: Int
        /// Nanoseconds of the monotonic clock (CLOCK_MONOTONIC).
        public var start: UInt64
        /// Nanoseconds of the monotonic clock; not before `start`.
        public var end: UInt64

        /// A slice of a thread.
        public init(thread: Int, name: Int, category: Int, start: UInt64, end: UInt64) {
            self.thread = thread
            self.name = name
            self.category = category
            self.start = start
            self.end = end
        }
    }

    /// The value of a counter from `time` on.
    public struct CounterValue: Sendable, Equatable, BitwiseCopyable {
        /// Its position in `counters`.
        public var counter: Int
        /// Nanoseconds of the monotonic clock.
        public var time: UInt64
        /// In the counter's unit; finite.
        public var value: Double

        /// A value from a moment on.
        public init(counter: Int, time: UInt64, value: Double) {
            self.counter = counter
            self.time = time
            self.value = value
        }
    }

    /// The same moment on the monotonic clock and on the calendar's, in nanoseconds: it dates the trace.
    public struct ClockReading: Sendable, Equatable {
        /// Nanoseconds of CLOCK_MONOTONIC.
        public var monotonic: UInt64
        /// Nanoseconds since 1970 (CLOCK_REALTIME).
        public var realtime: UInt64

        /// A moment on both clocks.
        public init(monotonic: UInt64, realtime: UInt64) {
            self.monotonic = monotonic
            self.realtime = realtime
        }

        /// This moment.
        public static func now() -> ClockReading {
            ClockReading(monotonic: nanoseconds(CLOCK_MONOTONIC), realtime: nanoseconds(CLOCK_REALTIME))
        }

        private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
            var now = timespec()
            clock_gettime(clock, &now)
            return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
        }
    }

    /// The process's name, which the threads stand under.
    public var process: String
    /// The operating system's number of the process, above 0.
    public var processIdentifier: Int32
    /// Dates the trace.
    public var clock: ClockReading
    /// One track each, in this order from top to bottom.
    public var threads: [ThreadTrack] = []
    /// One track each.
    public var counters: [CounterTrack] = []
    /// What slices are called.
    public var names: [String] = []
    /// What kinds of slices there are; a viewer can select them.
    public var categories: [String] = []
    /// In any order.
    public var slices: [Slice] = []
    /// In any order.
    public var counterValues: [CounterValue] = []

    /// A trace without tracks yet.
    public init(process: String, processIdentifier: Int32, clock: ClockReading = .now()) {
        self.process = process
        self.processIdentifier = processIdentifier
        self.clock = clock
    }

    /// The whole trace, as it stands in a file.
    ///
    /// - Throws: `PerfettoTraceError` when records do not fit the tables, or slices do not nest.
    public func encoded() throws(PerfettoTraceError) -> [UInt8] {
        var bytes: [UInt8] = []
        try PerfettoTraceWriter(self).write { bytes += $0 }
        return bytes
    }

    /// Writes the file at `path`, whole or not at all, in parts of about a mebibyte.
    ///
    /// - Throws: `PerfettoTraceError` as `encoded()`; `AtomicFile.WriteError` when the disk is full or refuses.
    public func write(to path: String) throws {
        let writer = try PerfettoTraceWriter(self)
        try AtomicFile.write(to: path) { output in
            try writer.write { part in try output.append(part) }
        }
    }

    /// Writes `file`, in parts of about a mebibyte.
    ///
    /// - Throws: `PerfettoTraceError` as `encoded()`; as `OutputFile.write(_:)`.
    package func write(to file: OutputFile) throws {
        let writer = try PerfettoTraceWriter(self)
        try file.write { output in try writer.write { part in try output.append(part) } }
    }
}

/// Why a trace cannot be written: its records contradict each other.
public enum PerfettoTraceError: Error, Equatable, CustomStringConvertible {
    /// The process has no number above 0.
    case processIdentifier(Int32)
    /// Two threads have the same number, or one has none above 0.
    case threadIdentifier(Int)
    /// A record refers to a place that a table does not have.
    case noSuchEntry(table: String, position: Int, count: Int)
    /// A slice ends before it starts.
    case endsBeforeStart(name: String, start: UInt64, end: UInt64)
    /// A slice ends inside another one of its thread that it began outside of.
    case overlap(thread: String, outer: String, inner: String, at: UInt64)
    /// A time that Perfetto's signed 64-bit nanoseconds do not hold.
    case timeTooLarge(UInt64)
    /// A counter's value is infinite or not a number.
    case notFinite(counter: String, time: UInt64)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .processIdentifier(let number): "a trace's process needs a number above 0, not \(number)"
        case .threadIdentifier(let number): "a trace's threads need different numbers above 0: \(number) is not one"
        case .noSuchEntry(let table, let position, let count):
            "a record of the trace refers to entry \(position) of '\(table)', which has \(count)"
        case .endsBeforeStart(let name, let start, let end):
            "the slice '\(name)' ends at \(end) ns, before it starts at \(start) ns"
        case .overlap(let thread, let outer, let inner, let time):
            """
            on '\(thread)' the slice '\(inner)' starts at \(time) ns inside '\(outer)' and ends after it: slices of a \
            thread must nest
            """
        case .timeTooLarge(let time): "\(time) ns is later than a trace can hold"
        case .notFinite(let counter, let time): "the counter '\(counter)' has no finite value at \(time) ns"
        }
    }
}
