"""Asks Perfetto's trace processor whether the trace of the test aSampleForTheTraceProcessor says what it should."""

import sys

import trace_processor

WORKERS, STEPS, STEP, BASE = 2, 3, 1_000_000, 9_100_000_000_000_000
# Name, category, beginning and end within a step, depth, and what it is inside of.
OPERATIONS = [
    ("step", "step", 0, STEP, 0, None),
    ("gather", "operation", 0, 100_000, 1, "step"),
    ("forward σ(h₁)", "operation", 100_000, 400_000, 1, "step"),
    ("product", "operation", 150_000, 300_000, 2, "forward σ(h₁)"),
    ("wait", "wait", 400_000, STEP, 1, "step"),
    # It takes no time, and is inside of what begins with it.
    ("check", "operation", 400_000, 400_000, 2, "wait"),
]

CHECKS = {
    "slices": (
        """select thread.name, slice.name, category, ts, dur, depth from slice
           join thread_track on slice.track_id = thread_track.id join thread using (utid)
           order by thread.name, ts, depth, dur""",
        sorted(
            (
                [f"worker {worker}", name, category, BASE + step * STEP + start, end - start, depth]
                for worker in range(WORKERS)
                for step in range(STEPS)
                for name, category, start, end, depth, _ in OPERATIONS
            ),
            key=lambda row: (row[0], row[3], row[5], row[4]),
        ),
    ),
    "parents": (
        """select child.name, parent.name, count() from slice child join slice parent on child.parent_id = parent.id
           group by 1, 2 order by 1, 2""",
        sorted([name, parent, WORKERS * STEPS] for name, _, _, _, _, parent in OPERATIONS if parent),
    ),
    "counters": (
        """select track.name, track.unit, ts, value from counter join process_counter_track track
           on counter.track_id = track.id order by track.name, ts""",
        [["loss", None, BASE + step * STEP, 2.5 - step * 1.5] for step in range(STEPS)]
        + [["memory", "bytes", BASE, 4096.0], ["samples", "samples/s", BASE + 1, 1e6]],
    ),
    "threads": (
        "select tid, thread.name, pid, process.name from thread join process using (upid) where tid != pid order by tid",
        [[1001 + worker, f"worker {worker}", 1000, "gradloom"] for worker in range(WORKERS)],
    ),
    "order of threads": (
        "select thread.name from thread join thread_track using (utid) order by thread_track.id",
        [[f"worker {worker}"] for worker in range(WORKERS)],
    ),
    "nothing lost": ("select name, value from stats where value != 0 and severity in ('error', 'data_loss')", []),
    "the date": (
        f"select to_realtime({BASE})",
        [[1_700_000_000_000_000_000]],
    ),
}


def main(trace):
    try:
        answers = trace_processor.query(trace, [text for text, _ in CHECKS.values()])
    except trace_processor.Unavailable as reason:
        print(f"skipped: {reason}")
        return 0
    failed = 0
    for (name, (_, expected)), found in zip(CHECKS.items(), answers):
        if found == expected:
            print(f"{name}: {len(found)} rows as expected")
            continue
        failed += 1
        print(f"{name}: expected, but not found:")
        for row in [row for row in expected if row not in found]:
            print("   ", row)
        print(f"{name}: found, but not expected:")
        for row in [row for row in found if row not in expected] or (found if len(found) != len(expected) else []):
            print("   ", row)
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
