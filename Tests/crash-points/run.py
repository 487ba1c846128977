#!/usr/bin/env python3
"""Ends trainings at every call that changes a file, in turn, and goes on with them: each time the result has to be that of
the undisturbed training, to the last bit and line. What is on a disk between two such calls, at the border of any step, is what
the call before has left.

run.py PROGRAM DIRECTORY [--step N] [--actions kill,torn,ENOSPC,EIO,EINTR,short,flip]
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

CONFIGURATIONS = {
    "early stopping": """
data:
  synthetic: {task: teacher, samples: 200, inputs: 6, classes: 3, seed: 7}
  validation: 0.2
  standardize: true
network:
  layers: [{units: 8, activation: relu}, {units: 3}]
  output: softmax
loss: {l2: 0.001}
optimizer: {kind: adam, learning_rate: 0.02}
training: {batch: 24, epochs: 8, early_stopping: {patience: 3}}
run: {checkpoint: {every: {steps: 5}, keep: 2}}
parallel: {placement: none}
""",
    # Goes back five times: to the beginning, to a checkpoint that is good, and where that was not good enough.
    "divergence": """
data: {synthetic: {task: teacher, samples: 64, inputs: 4, targets: 2, seed: 5}}
network: {layers: [{units: 2}], output: identity}
loss: {kind: squared_sum}
optimizer: {kind: momentum, learning_rate: 30, schedule: {warmup_steps: 700}}
training: {batch: 16, epochs: 150, precision: float64, on_nan: rollback}
run: {checkpoint: {every: {steps: 50}, keep: 9}}
parallel: {placement: none}
""",
}
NAMES = ["parameter hash", "end", "validation loss", "loss", "lines", "temporary files"]
KEPT = {
    "event", "epoch", "step", "loss", "accuracy", "validation_loss", "validation_accuracy", "diverged_step", "origin",
    "learning_rate_factor",
}


class Trainings:
    def __init__(self, program, directory, configuration):
        self.program, self.directory = program, pathlib.Path(directory).resolve()
        self.shim = self.directory / "crash_points.so"
        source = pathlib.Path(__file__).with_name("crash_points.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.shim, source, "-ldl"], check=True)
        (self.directory / "c.yaml").write_text(configuration)

    def run(self, arguments, workers, **environment):
        environment = {key: str(value) for key, value in environment.items()}
        if environment:
            environment |= {"LD_PRELOAD": str(self.shim), "CRASH_UNDER": str(self.directory / "runs")}
        return subprocess.run(
            [self.program, "train", *arguments, "--workers", str(workers)], cwd=self.directory,
            env={**os.environ, "XDG_CACHE_HOME": str(self.directory / "cache"), **environment}, capture_output=True,
            text=True, timeout=120)

    def begin_anew(self):
        shutil.rmtree(self.directory / "runs", ignore_errors=True)

    def newest(self):
        runs = self.directory / "runs"
        return next(iter(sorted(runs.iterdir())), None) if runs.exists() else None

    def result(self):
        """What must not depend on a crash: the parameters, the end, and the lines of epochs and rollbacks."""
        run = self.newest()
        summary = json.loads((run / "summary.json").read_text())
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        kept = [
            {key: value for key, value in line.items() if key in KEPT}
            for line in lines if line["event"] in ("epoch", "rollback")
        ]
        left = [str(path) for path in run.rglob("*.tmp")]
        return [summary["parameter_hash"], summary["end"], summary["validation_loss"], summary["loss"], kept, left]

    def difference(self, expected):
        """The first thing that is not as expected; None: all is."""
        try:
            result = self.result()
        except (OSError, ValueError, KeyError) as error:
            return f"no result: {error!r}"
        for name, ours, other in zip(NAMES, result, expected):
            if ours == other:
                continue
            if name == "lines" and len(ours) == len(other):
                ours, other = next((a, b) for a, b in zip(ours, other) if a != b)
            return f"another {name}: {ours} instead of {other}"
        return None


class Points:
    """The points of one training, each tried with one action."""

    def __init__(self, trainings):
        self.trainings = trainings
        trainings.begin_anew()
        count_file = trainings.directory / "count"
        undisturbed = trainings.run(["c.yaml", "--quiet"], 2, CRASH_COUNT=count_file)
        assert undisturbed.returncode == 0, undisturbed.stderr
        self.expected, self.calls = trainings.result(), int(count_file.read_text())
        self.ended = self.named = 0

    def problem(self, point, action):
        """What goes wrong when the program is disturbed at a call; None: nothing does."""
        trainings = self.trainings
        trainings.begin_anew()
        # A wrong bit is found when the training goes on.
        later = {"CRASH_LATER": 1 + point * 7 % 40} if action == "flip" else {}
        first = trainings.run(["c.yaml", "--quiet"], 1 + point % 2, CRASH_POINT=point, CRASH_ACTION=action, **later)
        run = trainings.newest()
        if first.returncode == 0:
            # Its own result is right; what is on the disk tells of a wrong bit only when it is read.
            return None if action == "flip" else trainings.difference(self.expected)
        if run is None or not (run / "config.yaml").exists() or not (run / "checkpoints").exists():
            return None  # It had not begun.
        self.ended += 1
        second = trainings.run(["--resume", str(run)], 2 - point % 2)
        finished = "is complete" in second.stderr or "has stopped early" in second.stderr
        if second.returncode != 0 and not finished:
            problem = f"cannot go on: {second.stderr.strip()[-500:]}"
        else:
            problem = trainings.difference(self.expected)
        if problem and action == "flip" and self.is_named(second):
            self.named += 1
            return None
        return problem and f"{problem}; first: {first.stderr.strip()}"

    @staticmethod
    def is_named(second):
        """Whether the damaged file was named, by a note or by the error that ended the training."""
        names = ("checkpoints/", "config.yaml", "metrics.jsonl", "summary.json")
        is_error = second.returncode != 0 and any(name in second.stderr for name in names)
        return is_error or "was changed since the last checkpoint" in second.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("directory")
    parser.add_argument("--step", type=int, default=1, help="try every N-th call")
    parser.add_argument("--actions", default="kill,torn,ENOSPC,EIO,EINTR,short,flip")
    options = parser.parse_args()
    failures = 0
    for name, configuration in CONFIGURATIONS.items():
        points = Points(Trainings(os.path.abspath(options.program), options.directory, configuration))
        for action in options.actions.split(","):
            tried = range(1, points.calls + 1, options.step)
            points.ended = points.named = 0
            for point in tried:
                if problem := points.problem(point, action):
                    failures += 1
                    print(f"{name}, call {point} of {points.calls}, {action}: {problem}", flush=True)
            print(
                f"{name}, {action}: {len(tried)} of {points.calls} calls, {points.ended} trainings gone on with"
                + (f", damage named {points.named} times" if points.named else ""), flush=True)
    print("all as undisturbed" if failures == 0 else f"{failures} failures")
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
