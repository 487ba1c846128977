#!/usr/bin/env python3
"""Puts a short training under load, one kind after the other, and says what happened: the same parameters as alone, or a
sentence and an exit code. Ends with 1 where something else happened.

run.py PROGRAM DIRECTORY [--table FILE] [--only WORD] [--scale F]

--table FILE   writes the rows as a table in Markdown between two comments of FILE, with machine and date
--only WORD    only the kinds of load whose names have that word
--scale F      a longer training (10 for ten times as many epochs): the default takes about two seconds in a release build
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

CONFIGURATION = """
data:
  synthetic: {task: teacher, samples: 4096, inputs: 32, classes: 4, seed: 7}
  validation: 0.25
network:
  layers: [{units: 64, activation: relu}, {units: 4}]
  output: softmax
optimizer: {kind: adam, learning_rate: 0.002}
training: {batch: 64, epochs: EPOCHS}
run: {checkpoint: {every: {steps: 2000}, keep: 2}}
"""
MILLION = """
data: {synthetic: {task: teacher, samples: 8000, inputs: 4, classes: 2, seed: 7}}
network: {layers: [{units: 2}], output: softmax}
training: {batch: 8, epochs: 1000}
run: {checkpoint: {every: {steps: 100000}}}
"""
FILES = """
data: {dataset: {path: DIRECTORY}, shuffle: blocks}
network: {layers: [{units: 64, activation: relu}, {units: 3}], output: softmax}
training: {batch: 64, epochs: 2}
"""
NOBODY = 65533
IMPOSSIBLE = "not possible here"


class Refused(Exception):
    """The system does not let this kind of load be made."""


class Program:
    """One training: its process, and what it came to."""

    def __init__(self, place, name, arguments=(), configuration="c.yaml", prefix=(), environment=None, before=None):
        self.directory = place.directory / name
        shutil.rmtree(self.directory, ignore_errors=True)
        (self.directory / "runtime").mkdir(parents=True)
        os.chmod(self.directory, 0o777)
        os.chmod(self.directory / "runtime", 0o700)
        self.output, self.errors = self.directory / "out", self.directory / "err"
        variables = {key: value for key, value in os.environ.items() if not key.startswith(("OPENBLAS_", "CRASH_"))}
        variables |= {"XDG_CACHE_HOME": str(place.directory / "cache"), "XDG_RUNTIME_DIR": str(place.runtime),
                      "SWIFT_BACKTRACE": "enable=no"} | (environment or {})
        self.start = time.monotonic()
        self.process = subprocess.Popen(
            [*prefix, place.program, "train", str(place.directory / configuration), "--json", "--set",
             f"run.directory={self.directory / 'runs'}", *arguments],
            cwd=self.directory, env=variables, stdin=subprocess.DEVNULL, stdout=self.output.open("w"),
            stderr=self.errors.open("w"), preexec_fn=before)

    def lines(self):
        lines = [line for line in self.output.read_text().splitlines() if line.endswith("}")]
        return [json.loads(line) for line in lines]

    def wait_for_epoch(self, epoch=1):
        """Until that epoch was reported."""
        while self.process.poll() is None and f'"epoch":{epoch},' not in self.output.read_text():
            time.sleep(0.005)
        if self.process.poll() is not None:
            raise AssertionError(f"ended before it was put under load: exit code {self.process.returncode}")

    def resident_kib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        return 0

    def end(self, timeout=120):
        """The row: seconds, exit code, hash, and the first sentence of complaint."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return Result(timeout, "hangs", None, "")
        last = (self.lines() or [{}])[-1]
        complaints = [line for line in self.errors.read_text().splitlines() if line.startswith(("error:", "Fatal", "***"))]
        return Result(time.monotonic() - self.start, self.process.returncode, last.get("parameter_hash"),
                      complaints[0] if complaints else "", last.get("end"))

    def run_directory(self):
        return sorted((self.directory / "runs").iterdir())[0]


class Result:
    def __init__(self, seconds, code, parameters, complaint, end=None):
        self.seconds, self.code, self.parameters, self.complaint, self.end = seconds, code, parameters, complaint, end


class Place:
    """Where trainings run, and what the undisturbed one comes to."""

    def __init__(self, program, directory, scale):
        self.program, self.directory = os.path.abspath(program), pathlib.Path(directory).resolve()
        self.runtime = self.directory / "runtime"
        self.runtime.mkdir(parents=True, exist_ok=True)
        os.chmod(self.runtime, 0o700)
        (self.directory / "c.yaml").write_text(CONFIGURATION.replace("EPOCHS", str(int(1000 * scale))))
        (self.directory / "million.yaml").write_text(MILLION)
        self.cpus = sorted(os.sched_getaffinity(0))
        self.expected = Program(self, "alone").end()
        assert self.expected.code == 0, self.expected.complaint

    def same(self, result):
        """Whether nothing but time was lost."""
        return result.code == 0 and result.parameters == self.expected.parameters

    def resumed(self, program):
        """Goes on with the run without load; whether it comes to what the undisturbed one comes to."""
        done = subprocess.run(
            [self.program, "train", "--resume", str(program.run_directory()), "--json"], capture_output=True, text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(self.directory / "cache")}, timeout=120)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode == 0 and lines[-1]["parameter_hash"] == self.expected.parameters


# Each kind of load: a function of the place that returns (result, whether it is as expected, what is expected in words).

def many_workers(place):
    result = Program(place, "workers", ["--set", "parallel.workers=64", "--set", "parallel.placement=none"]).end()
    return result, place.same(result), "same bits"


def two_at_once(place):
    programs = [Program(place, f"two-{index}") for index in range(2)]
    results = [program.end() for program in programs]
    return max(results, key=lambda result: result.seconds), all(map(place.same, results)), "same bits, both"


def two_on_one_cpu(place):
    before = lambda: os.sched_setaffinity(0, place.cpus[:1])
    programs = [Program(place, f"one-{index}", before=before) for index in range(2)]
    results = [program.end() for program in programs]
    return max(results, key=lambda result: result.seconds), all(map(place.same, results)), "same bits, both"


def half_a_core(place):
    with quota(0.5) as group:
        result = Program(place, "quota", before=lambda: (group / "cgroup.procs").write_text(str(os.getpid()))).end()
        statistics = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    result.complaint = f"throttled {statistics['nr_throttled']} times"
    return result, place.same(result) and statistics["nr_throttled"] != "0", "same bits"


def files_larger_than_memory(place):
    """Files of 256 MB, trained on in what a training without samples takes and 64 MB, in which the system also keeps them."""
    for name, samples in [("files", 40_000), ("few", 400)]:
        subprocess.run([place.program, "generate", "--task", "blobs", "--inputs", "1600", "--samples", str(samples), "--output",
                        name, "--force"], cwd=place.directory, check=True, capture_output=True)
        (place.directory / f"{name}.yaml").write_text(FILES.replace("DIRECTORY", name))
    few, kept = (Program(place, f"{name}-kept", ["--set", "data.materialize=memory"], f"{name}.yaml") for name in ("few", "files"))
    few.process.wait()
    limit = few.lines()[-1]["peak_resident_bytes"] + 64_000_000
    expected = kept.end()
    with control_group([("/sys/fs/cgroup", {"memory.max": str(limit)}),
                        ("/sys/fs/cgroup/memory", {"memory.limit_in_bytes": str(limit)})]) as group:
        result = Program(
            place, "files-read", ["--set", "data.memory_budget=64MB"], "files.yaml",
            before=lambda: (group / "cgroup.procs").write_text(str(os.getpid()))).end()
    return result, result.code == 0 and result.parameters == expected.parameters, "same bits"


def stopped_and_continued(place):
    program = Program(place, "stopped")
    program.wait_for_epoch()
    for _ in range(5):
        program.process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        program.process.send_signal(signal.SIGCONT)
        time.sleep(0.02)
    result = program.end()
    return result, place.same(result), "same bits"


def cpu_taken_away(place):
    if len(place.cpus) < 2:
        raise Refused
    program = Program(place, "mask")
    program.wait_for_epoch()
    for thread in os.listdir(f"/proc/{program.process.pid}/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), place.cpus[:-1])
    result = program.end()
    return result, place.same(result), "same bits"


def million_steps(place):
    program, sizes = Program(place, "million", ["--quiet"], configuration="million.yaml"), []
    program.wait_for_epoch(100)
    while program.process.poll() is None:
        sizes.append(program.resident_kib() or (sizes[-1] if sizes else 0))
        time.sleep(0.05)
    result = program.end()
    growth = (max(sizes) - sizes[0]) / 1024
    result.complaint = f"resident memory grows by {growth:.1f} MiB after a tenth of the steps"
    return result, result.code == 0 and growth < 1, "no growth (below 1 MiB)"


def limited(name, limits, expected, words, **options):
    """Under limits of the process: the same result, or one of the expected exit codes with a sentence."""
    def run(place):
        def before():
            for kind, value in limits:
                resource.setrlimit(kind, (value, value))
        program = Program(place, name, before=before, **options)
        result = program.end()
        refused = result.code in expected and result.complaint.startswith("error: ")
        return result, place.same(result) or refused, words
    return run


def few_threads(place):
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        raise Refused
    os.chown(place.runtime, NOBODY, NOBODY)
    try:
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        if subprocess.run([*user, "test", "-x", place.program]).returncode != 0:
            raise Refused
        program = Program(place, "threads", prefix=[*user, "prlimit", "--nproc=1"], environment={"OPENBLAS_NUM_THREADS": "1"})
        result = program.end(30)
    finally:
        os.chown(place.runtime, 0, 0)
    is_told = result.code == 71 and result.complaint.startswith("error: ")
    return result, place.same(result) or is_told, "a sentence, 71; or same bits"


def disk_full(place):
    """A file system of 256 KiB for the runs, or where that cannot be made a limit of a file's size."""
    runs = place.directory / "disk" / "runs"
    if os.getuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0:
        program = Program(
            place, "disk", ["--set", "network.layers.0.units=2000"],
            prefix=["unshare", "-m", "bash", "-c", f'mkdir {runs} && mount -t tmpfs -o size=256k tmpfs {runs} && exec "$0" "$@"'])
    else:
        program = Program(
            place, "disk", ["--set", "network.layers.0.units=2000"],
            before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
    result = program.end()
    return result, result.code == 74 and result.complaint.startswith("error: "), "a sentence, 74"


def directory_removed(place):
    program = Program(place, "removed")
    program.wait_for_epoch()
    shutil.rmtree(program.run_directory())
    result = program.end()
    return result, result.code == 74 and result.complaint.startswith("error: "), "a sentence, 74"


def clock_set_back(place):
    shim = place.directory / "clock_back.so"
    source = pathlib.Path(__file__).with_name("clock_back.c")
    if subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], capture_output=True).returncode != 0:
        raise Refused
    program = Program(place, "clock", environment={"LD_PRELOAD": str(shim)})
    result = program.end()
    times = [value for line in program.lines() for key, value in line.items() if "seconds" in key and value is not None]
    return result, place.same(result) and min(times) >= 0, "same bits, no time below 0"


def interrupted_while_loading(place):
    """As the first process of a container, which the kernel spares signals that nobody handles."""
    prefix = ["unshare", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        raise Refused
    program = Program(place, "loading", ["--set", "data.synthetic.samples=40000000"], prefix=prefix)
    deadline = time.monotonic() + 20
    while not program.errors.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    children = pathlib.Path(f"/proc/{program.process.pid}/task/{program.process.pid}/children").read_text().split()
    asked = time.monotonic()
    os.kill(int(children[0]), signal.SIGTERM)
    result = program.end()
    result.seconds = time.monotonic() - asked
    is_quick = result.code == 143 and result.seconds < 2 and not (program.directory / "runs").exists()
    return result, is_quick, "143 within 2 s, nothing written"


def interrupted_while_training(place):
    program = Program(place, "interrupted")
    program.wait_for_epoch(3)
    asked = time.monotonic()
    program.process.send_signal(signal.SIGTERM)
    result = program.end()
    result.seconds = time.monotonic() - asked
    is_whole = result.code == 143 and result.seconds < 2 and place.resumed(program)
    return result, is_whole, "143 within 2 s, and going on gives the same bits"


def quota(cores):
    """A control group with that much time of processors, of version 2 or 1."""
    period = 100_000
    return control_group([("/sys/fs/cgroup", {"cpu.max": f"{int(cores * period)} {period}"}),
                          ("/sys/fs/cgroup/cpu", {"cpu.cfs_quota_us": f"{int(cores * period)}"})])


@contextlib.contextmanager
def control_group(kinds):
    """A control group of the first of these kinds that the system lets be made: a hierarchy and what its files are to say."""
    for root, files in kinds:
        group = pathlib.Path(root) / f"gradloom-load-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            if all((group / name).exists() for name in files):
                for name, text in files.items():
                    (group / name).write_text(text)
                yield group
                return
        finally:
            with contextlib.suppress(OSError):
                group.rmdir()
    raise Refused


MIB = 1 << 20
LOADS = [
    ("64 workers on the cores there are", many_workers),
    ("two trainings at once", two_at_once),
    ("two trainings that may use one CPU", two_on_one_cpu),
    ("a quota of half a core", half_a_core),
    ("files four times as large as the memory of its control group", files_larger_than_memory),
    ("stopped and continued five times", stopped_and_continued),
    ("a CPU taken from the mask of all threads", cpu_taken_away),
    ("10⁶ steps", million_steps),
    ("12 open files at most",
     limited("files", [(resource.RLIMIT_NOFILE, 12)], {71, 74}, "a sentence, 71 or 74; or same bits")),
    ("no thread may be started", few_threads),
    ("address space of 1 GiB",
     limited("space", [(resource.RLIMIT_AS, 1024 * MIB)], {71, 78}, "a sentence, 71 or 78; or same bits")),
    ("address space of 1 GiB for a training of 4 GiB",
     limited("spaces", [(resource.RLIMIT_AS, 1024 * MIB)], {71, 78}, "a sentence, 71 or 78",
             arguments=["--set", "data.synthetic.samples=32000000"])),
    ("the disk full", disk_full),
    ("the run directory removed", directory_removed),
    ("the clock set back by a day", clock_set_back),
    ("SIGTERM while data load, in a container", interrupted_while_loading),
    ("SIGTERM while training", interrupted_while_training),
]


def machine():
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "processor")
    return f"{len(os.sched_getaffinity(0))} CPUs of {model}, Linux {os.uname().release.split('-')[0]}"


def write_table(path, rows):
    begin, end = "<!-- load starts -->", "<!-- load ends -->"
    text = path.read_text()
    date = datetime.date.today()
    lines = [begin, f"{machine()}, {date.day} {date:%B %Y}:", "", "| load | what is expected | what happened | seconds |",
             "| --- | --- | --- | ---: |", *("| " + " | ".join(row) + " |" for row in rows), end]
    path.write_text(text[:text.index(begin)] + "\n".join(lines) + text[text.index(end) + len(end):])


def words(result, place):
    if result.code == 0:
        parts = ["same bits" if place.same(result) else "done"]
    else:
        parts = [f"exit code {result.code}" if not isinstance(result.code, str) else result.code]
    if result.complaint and result.code != 143:
        sentence = result.complaint.removeprefix("error: ").replace(str(place.directory) + "/", "")
        parts.append(sentence.split(": raise")[0].replace("|", "/"))
    return ": ".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("directory")
    parser.add_argument("--table", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--scale", type=float, default=1)
    options = parser.parse_args()
    place = Place(options.program, options.directory, options.scale)
    print(f"alone: {place.expected.seconds:.1f} s", flush=True)
    rows, failures = [("none", "", "", f"{place.expected.seconds:.1f}")], 0
    for name, load in LOADS:
        if options.only not in name:
            continue
        try:
            result, is_expected, expected = load(place)
        except Refused:
            print(f"{name}: {IMPOSSIBLE}", flush=True)
            rows.append((name, "", IMPOSSIBLE, ""))
            continue
        happened = words(result, place)
        rows.append((name, expected, happened, f"{result.seconds:.1f}"))
        failures += not is_expected
        print(f"{'' if is_expected else 'NOT AS EXPECTED: '}{name}: {happened}, {result.seconds:.1f} s; {expected}", flush=True)
    if options.table:
        write_table(options.table, rows)
    print("all as expected" if failures == 0 else f"{failures} not as expected")
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
