#!/usr/bin/env python3
"""Measures with scikit-learn what Gradloom's tests measure: record.py FILE compares with what is recorded in FILE,
record.py --write FILE records it. Needs the packages of requirements.txt."""

import argparse
import json
import math
import sys
import warnings

import numpy
import sklearn
from sklearn import metrics
from sklearn.calibration import calibration_curve

# Another processor or another version adds in another order.
TOLERANCE = 1e-13


def classification(name, classes, labels, predictions):
    every = list(range(classes))

    def scores(average):
        return metrics.precision_recall_fscore_support(
            labels, predictions, labels=every, average=average, zero_division=0)

    each = scores(None)
    return {
        "name": name, "classes": classes, "labels": labels, "predictions": predictions,
        "precision": each[0].tolist(), "recall": each[1].tolist(), "f1_score": each[2].tolist(),
        "support": each[3].tolist(), "macro_avg": list(map(float, scores("macro")[:3])),
        "weighted_avg": list(map(float, scores("weighted")[:3])),
        "confusion_matrix": metrics.confusion_matrix(labels, predictions, labels=every).tolist()}


def binary(name, targets, probabilities):
    decisions = [int(p >= 0.5) for p in probabilities]
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        targets, decisions, labels=[0, 1], average=None, zero_division=0)
    shares, means = calibration_curve(targets, probabilities, n_bins=10)
    return {
        "name": name, "targets": targets, "probabilities": probabilities, "precision": float(precision[1]),
        "recall": float(recall[1]), "f1_score": float(f1[1]),
        "roc_auc_score": number(metrics.roc_auc_score(targets, probabilities)) if len(set(targets)) > 1 else None,
        "average_precision_score": float(metrics.average_precision_score(targets, probabilities)),
        "log_loss": float(metrics.log_loss(targets, probabilities, labels=[0, 1])),
        "brier_score_loss": float(metrics.brier_score_loss(targets, probabilities, labels=[0, 1], pos_label=1)),
        "mean_predicted_values": means.tolist(), "fractions_of_positives": shares.tolist()}


def regression(name, targets, predictions):
    def both(measure):
        each = measure(targets, predictions, multioutput="raw_values")
        average = measure(targets, predictions, multioutput="uniform_average")
        return [number(value) for value in [*numpy.ravel(each), average]]

    return {
        "name": name, "targets": targets, "predictions": predictions,
        "mean_absolute_error": both(metrics.mean_absolute_error),
        "root_mean_squared_error": both(metrics.root_mean_squared_error),
        "r2_score": both(metrics.r2_score) if len(targets) > 1 else [None] * (len(targets[0]) + 1)}


def number(value):
    return None if math.isnan(value) else float(value)


def all_cases():
    random = numpy.random.default_rng(5)

    def rounded(values, digits):
        return numpy.round(values, digits).tolist()

    labels = random.integers(0, 4, 60)
    noisy = numpy.where(random.random(60) < 0.6, labels, random.integers(0, 4, 60))
    answers = random.integers(0, 2, 80)
    scores = 1 / (1 + numpy.exp(-random.normal(1.5 * (answers - 0.5), 1.0)))
    targets = random.normal(0, 2, (50, 3))
    predictions = targets + random.normal(0, [0.1, 1, 4], (50, 3))
    return {
        "classification": [
            classification("four classes", 4, labels.tolist(), noisy.tolist()),
            classification("two classes", 2, (labels % 2).tolist(), (noisy % 2).tolist()),
            classification("a class without samples, and one that is never predicted", 5, [0, 0, 1, 2, 2, 2],
                           [0, 3, 1, 0, 3, 1]),
            classification("one class is predicted for all", 3, [0, 1, 2, 2, 1, 1], [1] * 6),
            classification("all are right", 3, [0, 1, 2, 2], [0, 1, 2, 2]),
            classification("all are wrong", 2, [0, 0, 1], [1, 1, 0]),
        ],
        "binary": [
            binary("scores", answers.tolist(), scores.tolist()),
            binary("ties", answers.tolist(), rounded(scores, 1)),
            binary("edges of bins", ([0, 1] * 6)[:11], [i * 0.1 if i < 10 else 1.0 for i in range(11)]),
            binary("constant predictions", [0, 1, 1, 0, 1], [0.3] * 5),
            binary("certain, and wrong twice", [0, 1, 1, 0], [0.0, 1.0, 0.0, 1.0]),
            binary("in the right order", [0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9]),
            binary("in the wrong order", [1, 1, 0, 0], [0.1, 0.2, 0.6, 0.9]),
            binary("one half", [0, 1, 1], [0.5, 0.5, 0.25]),
            binary("only no", [0, 0, 0], [0.2, 0.7, 0.2]),
            binary("only yes", [1, 1, 1], [0.2, 0.7, 0.7]),
            binary("tiny probabilities", [0, 1, 0, 1], [1e-300, 1e-17, 1e-15, 1 - 1e-16]),
        ],
        "regression": [
            regression("three targets", targets.tolist(), predictions.tolist()),
            regression("far from 0", (targets[:, :1] + 1e6).tolist(), (predictions[:, :1] + 1e6).tolist()),
            regression("the mean is predicted", [[1.0], [2.0], [3.0]], [[2.0]] * 3),
            regression("constant targets, wrong and right", [[0.25, 5.0]] * 7, [[0.5, 5.0]] * 7),
            regression("all are right", [[1.5, -2.0], [0.5, 3.0]], [[1.5, -2.0], [0.5, 3.0]]),
            regression("worse than the mean", [[0.0], [1.0]], [[5.0], [-5.0]]),
            regression("one sample", [[1.0]], [[3.0]]),
        ]}


def text(cases):
    """One line for each case."""
    kinds = [f'"{kind}": [\n' + ",\n".join(map(json.dumps, rows)) + "\n]" for kind, rows in cases.items()]
    made_by = f"Tests/measures/record.py, scikit-learn {sklearn.__version__}"
    return '{"format": "measures/1", "made_by": ' + json.dumps(made_by) + ",\n" + ",\n".join(kinds) + "}\n"


def deviation(one, other):
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return max(map(deviation, one, other), default=0)
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) / max(abs(other), 1)
    return 0 if one == other else math.inf


def compare(cases, recorded):
    largest, place, count = 0, None, 0
    for kind, rows in cases.items():
        if [row["name"] for row in rows] != [row["name"] for row in recorded[kind]]:
            sys.exit(f"the recorded cases of {kind} have other names: record them with --write")
        for new, old in zip(rows, recorded[kind]):
            count += 1
            for key in new:
                difference = deviation(new[key], old.get(key))
                if difference > largest:
                    largest, place = difference, f"{kind}, {new['name']}, {key}"
    print(f"{count} cases by scikit-learn {sklearn.__version__}: the largest deviation from what was recorded is "
          f"{largest:.1e}" + (f" ({place})" if place else ""))
    if not largest <= TOLERANCE:
        sys.exit(f"error: that is more than {TOLERANCE}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--write", action="store_true", help="write FILE instead of comparing with it")
    arguments = parser.parse_args()
    # Measures of a class without samples are among what is recorded.
    warnings.filterwarnings("ignore")
    cases = all_cases()
    if arguments.write:
        with open(arguments.file, "w", encoding="utf-8") as file:
            file.write(text(cases))
        return
    with open(arguments.file, encoding="utf-8") as file:
        compare(cases, json.load(file))


if __name__ == "__main__":
    main()
