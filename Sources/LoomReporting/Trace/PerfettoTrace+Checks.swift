/// The beginning or the end of a slice.
struct SliceMoment: Equatable, BitwiseCopyable {
    /// Its position in the trace's `slices`.
    var slice: Int
    var isStart: Bool
}

extension PerfettoTrace {
    /// Throws unless every record refers to what is there, and every number can be written.
    func checkTables() throws(PerfettoTraceError) {
        guard processIdentifier > 0 else { throw .processIdentifier(processIdentifier) }
        var seen: Set<Int> = []
        for thread in threads where thread.threadIdentifier <= 0 || !seen.insert(thread.threadIdentifier).inserted {
            throw .threadIdentifier(thread.threadIdentifier)
        }
        for slice in slices {
            try check(slice.thread, in: "threads", count: threads.count)
            try check(slice.name, in: "names", count: names.count)
            try check(slice.category, in: "categories", count: categories.count)
            guard slice.start <= slice.end else {
                throw .endsBeforeStart(name: names[slice.name], start: slice.start, end: slice.end)
            }
            try check(time: slice.end)
        }
        for value in counterValues {
            try check(value.counter, in: "counters", count: counters.count)
            guard value.value.isFinite else {
                throw .notFinite(counter: counters[value.counter].name, time: value.time)
            }
            try check(time: value.time)
        }
    }

    private func check(_ position: Int, in table: String, count: Int) throws(PerfettoTraceError) {
        guard (0..<count).contains(position) else {
            throw .noSuchEntry(table: table, position: position, count: count)
        }
    }

    private func check(time: UInt64) throws(PerfettoTraceError) {
        guard time <= UInt64(Int64.max) else { throw .timeTooLarge(time) }
    }

    /// The beginnings and ends of each thread's slices, in the order in which they happened.
    ///
    /// Perfetto nests slices by the order of their events alone. So at equal times an outer slice begins before an inner
    /// one and ends after it, and a slice ends before the next one begins.
    func sliceMoments() throws(PerfettoTraceError) -> [[SliceMoment]] {
        var ofThread = threads.map { _ in [Int]() }
        for (index, slice) in slices.enumerated() { ofThread[slice.thread].append(index) }
        var moments: [[SliceMoment]] = []
        for indices in ofThread { moments.append(try nested(indices)) }
        return moments
    }

    private func nested(_ indices: [Int]) throws(PerfettoTraceError) -> [SliceMoment] {
        // The longer of two that start together is the outer one; of equal ones the first.
        let ordered = indices.sorted {
            let (first, second) = (slices[$0], slices[$1])
            if first.start != second.start { return first.start < second.start }
            return first.end != second.end ? first.end > second.end : $0 < $1
        }
        var moments: [SliceMoment] = []
        moments.reserveCapacity(2 * ordered.count)
        var open: [Int] = []
        for index in ordered {
            let slice = slices[index]
            while let innermost = open.last, slices[innermost].end <= slice.start {
                moments.append(SliceMoment(slice: innermost, isStart: false))
                open.removeLast()
            }
            if let outer = open.last.map({ slices[$0] }), outer.end < slice.end {
                throw .overlap(
                    thread: threads[slice.thread].name, outer: names[outer.name], inner: names[slice.name],
                    at: slice.start)
            }
            moments.append(SliceMoment(slice: index, isStart: true))
            open.append(index)
        }
        while let innermost = open.popLast() { moments.append(SliceMoment(slice: innermost, isStart: false)) }
        return moments
    }
}
