#!/usr/bin/env python3
"""Trains in PyTorch what Gradloom's tests train: record.py FILE compares with the trajectories recorded in FILE,
record.py --write FILE records them. Needs the packages of requirements.txt."""

import argparse
import json
import sys
import warnings

import torch

from cases import INPUTS, SAMPLES, STEPS, all_cases
from training import Training

# Another processor or another version adds in another order.
TOLERANCE = 1e-11


def record(case):
    training = Training(case)
    losses = training.run()
    if "clip_norm" in training.rule and not 0 < training.clipped_steps < STEPS:
        sys.exit(f"{case['name']}: {training.clipped_steps} of {STEPS} steps are clipped, which shows nothing")
    parameters = {}
    for name, tensor in training.parameters.items():
        values = tensor.detach().flatten()
        parameters[name] = {
            "sum_of_magnitudes": float(values.abs().sum()), "first": float(values[0]), "last": float(values[-1])}
    return {**case, "used": sorted(training.used), "losses": losses, "parameters": parameters}


def text(trajectories):
    """One line for each key of a trajectory: changes of single ones show."""
    lines = []
    for trajectory in trajectories:
        entries = [f'  "{key}": {json.dumps(value)}' for key, value in trajectory.items()]
        lines.append("{\n" + ",\n".join(entries) + "\n}")
    head = {"format": "trajectories/1", "made_by": f"Tests/trajectories/record.py, PyTorch {torch.__version__}",
            "inputs": INPUTS, "samples": SAMPLES, "steps": STEPS}
    return (json.dumps(head)[:-1] + ', "trajectories": [\n' + ",\n".join(lines) + "\n]}\n")


def numbers(value):
    if isinstance(value, dict):
        return [number for key in value for number in numbers(value[key])]
    return value if isinstance(value, list) else [value]


def compare(trajectories, recorded):
    names = [trajectory["name"] for trajectory in trajectories]
    if names != [trajectory["name"] for trajectory in recorded]:
        sys.exit("the recorded trajectories have other names: record them with --write")
    largest, place = 0.0, None
    for new, old in zip(trajectories, recorded):
        for key in ["targets", "configuration", "used"]:
            if new[key] != old[key]:
                sys.exit(f"{new['name']}: {key} differs from what was recorded: record it with --write")
        for key in ["losses", "parameters"]:
            for one, other in zip(numbers(new[key]), numbers(old[key]), strict=True):
                deviation = abs(one - other) / max(abs(other), 1e-12)
                if not deviation <= largest:
                    largest, place = deviation, f"{new['name']}, {key}"
    print(f"{len(names)} trajectories of {STEPS} steps by PyTorch {torch.__version__}: the largest relative deviation "
          f"from what was recorded is {largest:.1e}" + (f" ({place})" if place else ""))
    if not largest <= TOLERANCE:
        sys.exit(f"error: that is more than {TOLERANCE}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--write", action="store_true", help="write FILE instead of comparing with it")
    arguments = parser.parse_args()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    # SequentialLR steps its schedulers in a way that PyTorch itself warns of.
    warnings.filterwarnings("ignore", category=UserWarning, module="torch.optim.lr_scheduler")
    trajectories = [record(case) for case in all_cases()]
    if arguments.write:
        with open(arguments.file, "w", encoding="utf-8") as file:
            file.write(text(trajectories))
        return
    with open(arguments.file, encoding="utf-8") as file:
        compare(trajectories, json.load(file)["trajectories"])


if __name__ == "__main__":
    main()
