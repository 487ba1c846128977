#!/usr/bin/env python3
"""Ends a training at every call that changes a file, in turn, and goes on with it: each time the result has to be that of the
undisturbed training, to the last bit and line.

run.py PROGRAM DIRECTORY [--step N] [--actions kill,torn,ENOSPC,EIO,EINTR,short]
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

CONFIGURATION = """
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
"""
NAMES = ["parameter hash", "end", "validation loss", "loss", "epochs", "temporary files"]
KEPT = {"event", "epoch", "step", "loss", "accuracy", "validation_loss", "validation_accuracy"}


class Trainings:
    def __init__(self, program, directory):
        self.program, self.directory = program, pathlib.Path(directory).resolve()
        self.shim = self.directory / "crash_points.so"
        source = pathlib.Path(__file__).with_name("crash_points.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.shim, source, "-ldl"], check=True)
        (self.directory / "c.yaml").write_text(CONFIGURATION)

    def run(self, arguments, workers, **environment):
        environment = {key: str(value) for key, value in environment.items()}
        if environment:
            environment |= {"LD_PRELOAD": str(self.shim), "CRASH_UNDER": str(self.directory / "runs")}
        return subprocess.run(
            [self.program, "train", *arguments, "--quiet", "--workers", str(workers)], cwd=self.directory,
            env={**os.environ, "XDG_CACHE_HOME": str(self.directory / "cache"), **environment}, capture_output=True,
            text=True, timeout=120)

    def begin_anew(self):
        shutil.rmtree(self.directory / "runs", ignore_errors=True)

    def newest(self):
        runs = self.directory / "runs"
        return next(iter(sorted(runs.iterdir())), None) if runs.exists() else None

    def result(self):
        """What must not depend on a crash: the parameters, the end, and the lines of the epochs."""
        run = self.newest()
        summary = json.loads((run / "summary.json").read_text())
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        epochs = [{key: line[key] for key in KEPT} for line in lines if line["event"] == "epoch"]
        left = [str(path) for path in run.rglob("*.tmp")]
        return [summary["parameter_hash"], summary["end"], summary["validation_loss"], summary["loss"], epochs, left]


    def difference(self, expected):
        """The first thing that is not as expected; None: all is."""
        for name, ours, other in zip(NAMES, self.result(), expected):
            if ours == other:
                continue
            if name == "epochs" and len(ours) == len(other):
                ours, other = next((a, b) for a, b in zip(ours, other) if a != b)
            return f"another {name}: {ours} instead of {other}"
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("directory")
    parser.add_argument("--step", type=int, default=1, help="try every N-th call")
    parser.add_argument("--actions", default="kill,torn,ENOSPC,EIO,EINTR,short")
    options = parser.parse_args()
    trainings = Trainings(os.path.abspath(options.program), options.directory)
    trainings.begin_anew()
    count_file = trainings.directory / "count"
    undisturbed = trainings.run(["c.yaml"], 2, CRASH_COUNT=count_file)
    assert undisturbed.returncode == 0, undisturbed.stderr
    expected, calls = trainings.result(), int(count_file.read_text())
    failures = 0
    for action in options.actions.split(","):
        ended = 0
        for point in range(1, calls + 1, options.step):
            trainings.begin_anew()
            first = trainings.run(["c.yaml"], 1 + point % 2, CRASH_POINT=point, CRASH_ACTION=action)
            run = trainings.newest()
            if first.returncode == 0:
                problem = trainings.difference(expected)
            elif run is None or not (run / "config.yaml").exists() or not (run / "checkpoints").exists():
                problem = None  # It had not begun.
            else:
                ended += 1
                second = trainings.run(["--resume", str(run)], 2 - point % 2)
                finished = "is complete" in second.stderr or "has stopped early" in second.stderr
                if second.returncode != 0 and not finished:
                    problem = f"cannot go on: {second.stderr.strip()}"
                else:
                    problem = trainings.difference(expected)
            if problem:
                failures += 1
                print(f"call {point} of {calls}, {action}: {problem}; first: {first.stderr.strip()}", flush=True)
        print(f"{action}: {len(range(1, calls + 1, options.step))} of {calls} calls, {ended} trainings gone on with", flush=True)
    print("all as undisturbed" if failures == 0 else f"{failures} failures")
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
