import LoomData

/// Turns a `PerfettoTrace` into packets.
///
/// All packets are of one sequence: the first one clears its state and brings the tables of names, which the others need.
/// It also makes the monotonic clock the clock of the sequence's packets, and of the whole trace, so that the trace
/// processor's times are the records' times.
struct PerfettoTraceWriter {
    private let trace: PerfettoTrace
    /// The beginnings and ends of each thread's slices, in the order in which they happened.
    private let moments: [[SliceMoment]]

    /// - Throws: what does not fit together in `trace`.
    init(_ trace: PerfettoTrace) throws(PerfettoTraceError) {
        try trace.checkTables()
        self.trace = trace
        moments = try trace.sliceMoments()
    }

    /// Numbers of fields and of enumerators in protos/perfetto/trace: trace_packet.proto, clock_snapshot.proto,
    /// interned_data/interned_data.proto, track_event/track_event.proto, track_descriptor.proto, process_descriptor.proto,
    /// thread_descriptor.proto, counter_descriptor.proto.
    private enum Field {
        static let tracePacket = 1

        enum Packet {
            static let clockSnapshot = 6
            static let timestamp = 8
            static let sequence = 10
            static let trackEvent = 11
            static let internedData = 12
            static let sequenceFlags = 13
            static let defaults = 59
            static let trackDescriptor = 60
        }
        enum Defaults { static let clock = 58 }
        enum Snapshot {
            static let clocks = 1
            static let primaryClock = 2
        }
        enum Clock {
            static let identifier = 1
            static let timestamp = 2
        }
        enum Interned {
            static let categories = 1
            static let names = 2
        }
        enum InternedEntry {
            static let identifier = 1
            static let name = 2
        }
        enum Track {
            static let identifier = 1
            static let name = 2
            static let process = 3
            static let thread = 4
            static let parent = 5
            static let counter = 8
            static let siblingOrderRank = 12
            static let threadOrdering = 20
        }
        enum Process {
            static let identifier = 1
            static let name = 6
        }
        enum Thread {
            static let processIdentifier = 1
            static let identifier = 2
            static let name = 5
        }
        enum Counter {
            static let unit = 3
            static let unitName = 6
        }
        enum Event {
            static let category = 3
            static let type = 9
            static let name = 10
            static let track = 11
            static let doubleCounterValue = 44
        }
    }

    private enum EventType: UInt64 {
        case sliceBegin = 1
        case sliceEnd = 2
        case counter = 4
    }

    private enum ClockIdentifier {
        static let realtime: UInt64 = 1
        static let monotonic: UInt64 = 3
    }

    private enum SequenceFlag {
        static let stateCleared: UInt64 = 1
        static let needsState: UInt64 = 2
    }

    /// `ThreadOrdering.THREAD_ORDERING_EXPLICIT`.
    private static let explicitOrdering: UInt64 = 1
    /// The one sequence's number; any but 0.
    private static let sequence: UInt64 = 1
    /// The track that all others stand under.
    private static let rootTrack: UInt64 = 0
    private static let processTrack: UInt64 = 1
    /// A part's bytes are handed over when there are so many: few calls, little memory.
    private static let partBytes = 1 << 20

    private func track(ofThread thread: Int) -> UInt64 { 2 + UInt64(thread) }
    private func track(ofCounter counter: Int) -> UInt64 { 2 + UInt64(trace.threads.count + counter) }

    /// Hands the trace over part by part.
    func write<Failure>(_ append: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
        var encoder = ProtobufEncoder()
        writeTables(to: &encoder)
        writeTracks(to: &encoder)
        for (thread, moments) in moments.enumerated() {
            for moment in moments {
                write(moment, track: track(ofThread: thread), to: &encoder)
                try handOver(&encoder, fromBytes: Self.partBytes, append)
            }
        }
        for value in trace.counterValues {
            write(value, to: &encoder)
            try handOver(&encoder, fromBytes: Self.partBytes, append)
        }
        try handOver(&encoder, fromBytes: 1, append)
    }

    private func handOver<Failure>(
        _ encoder: inout ProtobufEncoder, fromBytes least: Int, _ append: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        guard encoder.bytes.count >= least else { return }
        try append(encoder.bytes)
        encoder.removeAll()
    }

    // MARK: Packets

    private func packet(
        flags: UInt64 = 0, to encoder: inout ProtobufEncoder, _ body: (inout ProtobufEncoder) -> Void
    ) {
        encoder.message(Field.tracePacket) { packet in
            body(&packet)
            packet.varint(Field.Packet.sequence, Self.sequence)
            if flags != 0 { packet.varint(Field.Packet.sequenceFlags, flags) }
        }
    }

    /// The sequence's state, and what the clocks showed at one moment.
    private func writeTables(to encoder: inout ProtobufEncoder) {
        packet(flags: SequenceFlag.stateCleared | SequenceFlag.needsState, to: &encoder) { packet in
            packet.message(Field.Packet.internedData) { data in
                write(trace.categories, as: Field.Interned.categories, to: &data)
                write(trace.names, as: Field.Interned.names, to: &data)
            }
            packet.message(Field.Packet.defaults) { $0.varint(Field.Defaults.clock, ClockIdentifier.monotonic) }
        }
        packet(to: &encoder) { packet in
            packet.message(Field.Packet.clockSnapshot) { snapshot in
                for (clock, time) in [
                    (ClockIdentifier.monotonic, trace.clock.monotonic),
                    (ClockIdentifier.realtime, trace.clock.realtime),
                ] {
                    snapshot.message(Field.Snapshot.clocks) {
                        $0.varint(Field.Clock.identifier, clock)
                        $0.varint(Field.Clock.timestamp, time)
                    }
                }
                snapshot.varint(Field.Snapshot.primaryClock, ClockIdentifier.monotonic)
            }
        }
    }

    /// Entries are numbered from 1: 0 stands for none.
    private func write(_ entries: [String], as field: Int, to data: inout ProtobufEncoder) {
        for (position, entry) in entries.enumerated() {
            data.message(field) {
                $0.varint(Field.InternedEntry.identifier, UInt64(position) + 1)
                $0.string(Field.InternedEntry.name, entry)
            }
        }
    }

    private func writeTracks(to encoder: inout ProtobufEncoder) {
        let process = Int64(trace.processIdentifier)
        writeTrack(Self.rootTrack, to: &encoder) { $0.varint(Field.Track.threadOrdering, Self.explicitOrdering) }
        writeTrack(Self.processTrack, to: &encoder) { track in
            track.message(Field.Track.process) {
                $0.signedVarint(Field.Process.identifier, process)
                $0.string(Field.Process.name, trace.process)
            }
        }
        for (index, thread) in trace.threads.enumerated() {
            writeTrack(track(ofThread: index), to: &encoder) { track in
                track.message(Field.Track.thread) {
                    $0.signedVarint(Field.Thread.processIdentifier, process)
                    $0.signedVarint(Field.Thread.identifier, Int64(thread.threadIdentifier))
                    $0.string(Field.Thread.name, thread.name)
                }
                track.varint(Field.Track.siblingOrderRank, UInt64(index))
            }
        }
        for (index, counter) in trace.counters.enumerated() {
            writeTrack(track(ofCounter: index), to: &encoder) { track in
                track.string(Field.Track.name, counter.name)
                track.varint(Field.Track.parent, Self.processTrack)
                track.message(Field.Track.counter) { write(counter.unit, to: &$0) }
            }
        }
    }

    private func writeTrack(
        _ identifier: UInt64, to encoder: inout ProtobufEncoder, _ body: (inout ProtobufEncoder) -> Void
    ) {
        packet(to: &encoder) { packet in
            packet.message(Field.Packet.trackDescriptor) { track in
                track.varint(Field.Track.identifier, identifier)
                body(&track)
            }
        }
    }

    /// `CounterDescriptor.Unit`, or a name.
    private func write(_ unit: PerfettoTrace.CounterTrack.Unit, to counter: inout ProtobufEncoder) {
        switch unit {
        case .nanoseconds: counter.varint(Field.Counter.unit, 1)
        case .count: counter.varint(Field.Counter.unit, 2)
        case .bytes: counter.varint(Field.Counter.unit, 3)
        case .named(""): break
        case .named(let name): counter.string(Field.Counter.unitName, name)
        }
    }

    private func writeEvent(
        _ type: EventType, at time: UInt64, track: UInt64, to encoder: inout ProtobufEncoder,
        _ body: (inout ProtobufEncoder) -> Void
    ) {
        packet(flags: SequenceFlag.needsState, to: &encoder) { packet in
            packet.varint(Field.Packet.timestamp, time)
            packet.message(Field.Packet.trackEvent) { event in
                event.varint(Field.Event.type, type.rawValue)
                event.varint(Field.Event.track, track)
                body(&event)
            }
        }
    }

    private func write(_ moment: SliceMoment, track: UInt64, to encoder: inout ProtobufEncoder) {
        let slice = trace.slices[moment.slice]
        guard moment.isStart else {
            return writeEvent(.sliceEnd, at: slice.end, track: track, to: &encoder) { _ in }
        }
        writeEvent(.sliceBegin, at: slice.start, track: track, to: &encoder) { event in
            event.varint(Field.Event.category, UInt64(slice.category) + 1)
            event.varint(Field.Event.name, UInt64(slice.name) + 1)
        }
    }

    private func write(_ value: PerfettoTrace.CounterValue, to encoder: inout ProtobufEncoder) {
        writeEvent(.counter, at: value.time, track: track(ofCounter: value.counter), to: &encoder) {
            $0.double(Field.Event.doubleCounterValue, value.value)
        }
    }
}
