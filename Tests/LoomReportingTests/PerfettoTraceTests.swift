import Foundation
import Testing

@testable import LoomReporting

@Suite struct PerfettoTraceTests {
    /// One thread, one slice, one counter.
    private static let small: PerfettoTrace = {
        var trace = PerfettoTrace(process: "p", processIdentifier: 7, clock: .init(monotonic: 5, realtime: 6))
        trace.threads = [.init(name: "w", threadIdentifier: 9)]
        trace.counters = [.init(name: "c", unit: .count)]
        trace.names = ["n"]
        trace.categories = ["k"]
        trace.slices = [.init(thread: 0, name: 0, category: 0, start: 100, end: 300)]
        trace.counterValues = [.init(counter: 0, time: 200, value: 0.5)]
        return trace
    }()

    /// Encoded by hand. A tag is 8 · field + type, type 0 a varint, 1 eight bytes, 2 a length and as many bytes; a varint
    /// holds seven bits a byte, the lowest first.
    @Test func everyByteIsTheOneThatTheFormatAsksFor() throws {
        let packets: [[UInt8]] = [
            [
                0x0A, 26,  // packet
                0x62, 14,  // 12 interned_data
                0x0A, 5, 0x08, 1, 0x12, 1, 0x6B,  // 1 event_categories: 1 iid, 2 name "k"
                0x12, 5, 0x08, 1, 0x12, 1, 0x6E,  // 2 event_names: 1 iid, 2 name "n"
                0xDA, 0x03, 3, 0xD0, 0x03, 3,  // 59 defaults: 58 timestamp_clock_id MONOTONIC
                0x50, 1, 0x68, 3,  // 10 sequence; 13 flags: CLEARED | NEEDS
            ],
            [
                0x0A, 18, 0x32, 14,  // 6 clock_snapshot
                0x0A, 4, 0x08, 3, 0x10, 5, 0x0A, 4, 0x08, 1, 0x10, 6,  // 1 clocks: 1 clock_id, 2 timestamp
                0x10, 3,  // 2 primary_trace_clock MONOTONIC
                0x50, 1,
            ],
            // 60 track_descriptor: 1 uuid 0, 20 thread_ordering EXPLICIT (tag 160)
            [0x0A, 10, 0xE2, 0x03, 5, 0x08, 0, 0xA0, 0x01, 1, 0x50, 1],
            [
                0x0A, 14, 0xE2, 0x03, 9, 0x08, 1,
                0x1A, 5, 0x08, 7, 0x32, 1, 0x70,  // 3 process: 1 pid, 6 process_name "p"
                0x50, 1,
            ],
            [
                0x0A, 18, 0xE2, 0x03, 13, 0x08, 2,
                0x22, 7, 0x08, 7, 0x10, 9, 0x2A, 1, 0x77,  // 4 thread: 1 pid, 2 tid, 5 thread_name "w"
                0x60, 0, 0x50, 1,  // 12 sibling_order_rank
            ],
            [
                0x0A, 16, 0xE2, 0x03, 11, 0x08, 3, 0x12, 1, 0x63,  // 2 name "c"
                0x28, 1, 0x42, 2, 0x18, 2,  // 5 parent_uuid; 8 counter: 3 unit COUNT
                0x50, 1,
            ],
            [
                0x0A, 16, 0x40, 100,  // 8 timestamp
                // 11 track_event: 9 type SLICE_BEGIN, 11 track_uuid, 3 category_iids, 10 name_iid
                0x5A, 8, 0x48, 1, 0x58, 2, 0x18, 1, 0x50, 1,
                0x50, 1, 0x68, 2,
            ],
            [0x0A, 13, 0x40, 0xAC, 0x02, 0x5A, 4, 0x48, 2, 0x58, 2, 0x50, 1, 0x68, 2],  // 300 = 2 · 128 + 44
            [
                0x0A, 23, 0x40, 0xC8, 0x01,  // 200 = 128 + 72
                0x5A, 14, 0x48, 4, 0x58, 3, 0xE1, 0x02, 0, 0, 0, 0, 0, 0, 0xE0, 0x3F,  // 44 double_counter_value
                0x50, 1, 0x68, 2,
            ],
        ]
        #expect(try Self.small.encoded() == packets.flatMap { $0 })
    }

    /// The order of slices' beginnings and ends, as names in brackets.
    private func nesting(_ slices: [(Character, UInt64, UInt64)]) throws -> String {
        var trace = Self.small
        trace.names = slices.map { String($0.0) }
        trace.slices = slices.enumerated().map {
            .init(thread: 0, name: $0.offset, category: 0, start: $0.element.1, end: $0.element.2)
        }
        return try trace.sliceMoments()[0].map { $0.isStart ? "\(trace.names[$0.slice])(" : ")" }.joined()
    }

    @Test func slicesNestAtEqualTimes() throws {
        #expect(try nesting([("a", 0, 10), ("b", 2, 5), ("c", 5, 8)]) == "a(b()c())")
        // In any order, the outer one first where they begin together, and last where they end together.
        #expect(try nesting([("b", 0, 4), ("a", 0, 10)]) == "a(b())")
        #expect(try nesting([("b", 0, 10), ("a", 0, 20), ("c", 15, 20)]) == "a(b()c())")
        #expect(try nesting([("a", 0, 10), ("b", 10, 20)]) == "a()b()")
        // Equal slices: the first one is the outer one.
        #expect(try nesting([("a", 0, 10), ("b", 0, 10)]) == "a(b())")
        // Slices that take no time.
        #expect(try nesting([("a", 0, 10), ("b", 0, 0), ("c", 4, 4), ("d", 4, 4), ("e", 10, 10)]) == "a(b()c()d())e()")
        #expect(try nesting([]) == "")
    }

    @Test func threadsDoNotShareANesting() throws {
        var trace = Self.small
        trace.threads.append(.init(name: "v", threadIdentifier: 10))
        trace.slices = [
            .init(thread: 0, name: 0, category: 0, start: 0, end: 10),
            .init(thread: 1, name: 0, category: 0, start: 5, end: 15),
        ]
        #expect(
            try trace.sliceMoments() == [
                [.init(slice: 0, isStart: true), .init(slice: 0, isStart: false)],
                [.init(slice: 1, isStart: true), .init(slice: 1, isStart: false)],
            ])
    }

    private static let mistakes: [(PerfettoTraceError, @Sendable (inout PerfettoTrace) -> Void)] = [
        (.processIdentifier(0), { $0.processIdentifier = 0 }),
        (.threadIdentifier(-9), { $0.threads[0].threadIdentifier = -9 }),
        (.threadIdentifier(9), { $0.threads.append(.init(name: "x", threadIdentifier: 9)) }),
        (.noSuchEntry(table: "threads", position: 1, count: 1), { $0.slices[0].thread = 1 }),
        (.noSuchEntry(table: "names", position: -1, count: 1), { $0.slices[0].name = -1 }),
        (.noSuchEntry(table: "categories", position: 0, count: 0), { $0.categories = [] }),
        (.noSuchEntry(table: "counters", position: 2, count: 1), { $0.counterValues[0].counter = 2 }),
        (.endsBeforeStart(name: "n", start: 100, end: 99), { $0.slices[0].end = 99 }),
        (.timeTooLarge(1 << 63), { $0.slices[0].end = 1 << 63 }),
        (.timeTooLarge(.max), { $0.counterValues[0].time = .max }),
        (.notFinite(counter: "c", time: 200), { $0.counterValues[0].value = .infinity }),
        (
            .overlap(thread: "w", outer: "n", inner: "n", at: 200),
            { $0.slices.append(.init(thread: 0, name: 0, category: 0, start: 200, end: 301)) }
        ),
    ]

    @Test(arguments: mistakes.indices) func recordsThatContradictEachOtherAreNamed(index: Int) {
        let (error, change) = Self.mistakes[index]
        var trace = Self.small
        change(&trace)
        #expect(throws: error) { try trace.encoded() }
    }

    @Test func mistakesAreSentences() {
        #expect(
            PerfettoTraceError.overlap(thread: "worker 0", outer: "step", inner: "forward", at: 12).description
                == "on 'worker 0' the slice 'forward' starts at 12 ns inside 'step' and ends after it: slices of a thread "
                + "must nest")
        #expect(
            PerfettoTraceError.noSuchEntry(table: "names", position: 4, count: 2).description
                == "a record of the trace refers to entry 4 of 'names', which has 2")
    }

    /// More than one part; and a file is not touched by a trace that cannot be written.
    @Test func writesInPartsOrNotAtAll() throws {
        let path = NSTemporaryDirectory() + "trace-\(UUID().uuidString).pftrace"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var trace = Self.small
        trace.slices = (0..<60_000).map {
            .init(thread: 0, name: 0, category: 0, start: UInt64($0) * 10, end: UInt64($0) * 10 + 7)
        }
        let bytes = try trace.encoded()
        #expect(bytes.count > 2 << 20)
        try trace.write(to: path)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(bytes))
        trace.slices[3].end = 0
        #expect(throws: PerfettoTraceError.self) { try trace.write(to: path) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(bytes))
    }

    /// What `make trace-check` asks the trace processor about: steps without a gap between them, an operation inside
    /// another one and one that takes no time, in the wrong order, after 105 days of uptime.
    @Test func aSampleForTheTraceProcessor() throws {
        let base: UInt64 = 9_100_000_000_000_000
        var trace = PerfettoTrace(
            process: "gradloom", processIdentifier: 1000,
            clock: .init(monotonic: base, realtime: 1_700_000_000_000_000_000))
        trace.threads = (0..<2).map { .init(name: "worker \($0)", threadIdentifier: 1001 + $0) }
        trace.counters = [
            .init(name: "loss", unit: .named("")), .init(name: "samples", unit: .named("samples/s")),
            .init(name: "memory", unit: .bytes),
        ]
        trace.names = ["step", "gather", "forward σ(h₁)", "product", "check", "wait"]
        trace.categories = ["step", "operation", "wait"]
        let operations: [(name: Int, category: Int, start: UInt64, end: UInt64)] = [
            (0, 0, 0, 1_000_000), (1, 1, 0, 100_000), (2, 1, 100_000, 400_000), (3, 1, 150_000, 300_000),
            (4, 1, 400_000, 400_000), (5, 2, 400_000, 1_000_000),
        ]
        for step in 0..<3 {
            let start = base + UInt64(step) * 1_000_000
            for (thread, operation) in (0..<2).flatMap({ thread in operations.map { (thread, $0) } }) {
                trace.slices.append(
                    .init(
                        thread: thread, name: operation.name, category: operation.category,
                        start: start + operation.start, end: start + operation.end))
            }
            trace.counterValues.append(.init(counter: 0, time: start, value: 2.5 - Double(step) * 1.5))
        }
        trace.counterValues += [
            .init(counter: 1, time: base + 1, value: 1e6), .init(counter: 2, time: base, value: 4096),
        ]
        trace.slices.reverse()
        trace.counterValues.reverse()
        let bytes = try trace.encoded()
        #expect(bytes.count > 3 * 2 * 6 * 2 * 10)
        if let path = ProcessInfo.processInfo.environment["GRADLOOM_TRACE_SAMPLE"] { try trace.write(to: path) }
    }

    @Test func theClocksShowNow() {
        let reading = PerfettoTrace.ClockReading.now()
        #expect(abs(Double(reading.realtime) * 1e-9 - Date().timeIntervalSince1970) < 60)
        #expect(reading.monotonic <= PerfettoTrace.ClockReading.now().monotonic)
    }
}
