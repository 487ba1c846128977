#!/usr/bin/env python3
"""GradloomClassifier beside MLPClassifier on the same data: compare.py [--rounds N] [--results FOLDER].

Both train the same network for the same epochs on the same samples, in turns; times are those of fit as a caller sees them.
Accuracies are of samples that neither was trained on.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
import warnings
from datetime import date
from pathlib import Path

import numpy
import sklearn
from sklearn.neural_network import MLPClassifier

import gradloom

SHAPES = {
    # name: features, hidden layers, classes, samples, batch, epochs
    "tiny": (32, (64,), 10, 20_000, 64, 10),
    "mnist": (784, (128,), 10, 20_000, 128, 10),
    "wide": (784, (1024, 1024), 10, 5_000, 256, 10),
}


def data(features, classes, samples):
    """A random mixture: each class around a place of its own."""
    random = numpy.random.default_rng(1)
    places = random.normal(size=(classes, features)) * 4 / features**0.5
    labels = random.integers(classes, size=samples)
    return (places[labels] + random.normal(size=(samples, features))).astype(numpy.float32), labels


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = {}
    for name, (features, hidden, classes, samples, batch, epochs) in SHAPES.items():
        x, y = data(features, classes, samples + samples // 4)
        train, test = (x[:samples], y[:samples]), (x[samples:], y[samples:])
        settings = dict(
            hidden_layer_sizes=hidden, batch_size=batch, max_iter=epochs, n_iter_no_change=10_000, tol=0.0, random_state=1)
        estimators = {"gradloom": gradloom.GradloomClassifier, "scikit-learn": MLPClassifier}
        times = {key: [] for key in estimators}
        scores = {}
        for _ in range(options.rounds):
            for key, make in estimators.items():
                estimator = make(**settings)
                begin = time.perf_counter()
                estimator.fit(*train)
                times[key].append(time.perf_counter() - begin)
                scores[key] = estimator.score(*test)
        ratios = [theirs / ours for ours, theirs in zip(times["gradloom"], times["scikit-learn"])]
        speeds = {key: samples * epochs / statistics.median(values) for key, values in times.items()}
        rows[name] = {
            "network": [features, *hidden, classes], "batch": batch, "samples": samples, "epochs": epochs,
            "samples_per_second": speeds, "ratio": statistics.median(ratios), "lowest_ratio": min(ratios), "accuracy": scores,
        }
        shape = "-".join(map(str, rows[name]["network"]))
        print(
            f"{name:6} {shape:18} batch {batch:4}  {speeds['gradloom']:12,.0f} {speeds['scikit-learn']:12,.0f} samples/s  "
            f"ratio {rows[name]['ratio']:.1f} (lowest {min(ratios):.1f})  accuracy {scores['gradloom']:.3f} {scores['scikit-learn']:.3f}",
            flush=True)
    if options.results:
        result = {
            "date": date.today().isoformat(), "processor": processor(), "cores": os.cpu_count(), "rounds": options.rounds,
            "python": platform.python_version(), "scikit_learn": sklearn.__version__, "numpy": numpy.__version__,
            "fits": rows,
        }
        path = options.results / f"python-{result['date']}.json"
        path.write_text(json.dumps(result, indent=2) + "\n")
        print(f"wrote {path}")


def processor():
    """The processor's name, family and model: some have one name."""
    with open("/proc/cpuinfo") as file:
        facts = dict(line.split(":", 1) for line in file if line.startswith(("model", "cpu family")))
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    return f"{facts.get('model name')} (family {facts.get('cpu family')}, model {facts.get('model')})"


if __name__ == "__main__":
    sys.exit(main())
