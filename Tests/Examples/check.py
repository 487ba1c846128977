#!/usr/bin/env python3
"""The example server, asked over HTTP, beside `gradloom predict`: check.py FOLDER-OF-BOTH-PROGRAMS."""

import array
import contextlib
import csv
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

PROGRAMS = os.path.abspath(sys.argv[1])
CONFIGURATIONS = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../configs"))
BODY_LIMIT = 1 << 20
failures = 0


def check(what, passed, found=None):
    global failures
    failures += not passed
    print(f"{'ok' if passed else 'WRONG':6} {what}{'' if passed else f': {found}'}")


def gradloom(*arguments):
    result = subprocess.run([f"{PROGRAMS}/gradloom", *arguments], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"gradloom {' '.join(arguments)}: exit code {result.returncode}\n{result.stderr}")


def trained(name, *settings):
    """The run directory of a short training."""
    arguments = [argument for setting in (f"run.directory={name}", *settings) for argument in ("--set", setting)]
    gradloom("train", f"{CONFIGURATIONS}/{name}.yaml", "--quiet", *arguments)
    return glob.glob(f"{name}/*")[0]


class Server:
    """A server of `model` on a free port of the loopback interface, for the time of a `with` block."""

    def __init__(self, model):
        self.process = subprocess.Popen(
            [f"{PROGRAMS}/prediction-server", "--model", model, "--port", "0"], stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        line = self.process.stdout.readline()
        if not line.startswith("listening on http://127.0.0.1:"):
            sys.exit(f"the server does not listen, but says: {line!r}")
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def connection(self):
        return contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=30))

    def ask(self, method, path, body=None, connection=None):
        """Status and decoded answer."""
        if connection is None:
            with self.connection() as connection:
                return self.ask(method, path, body, connection)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        return response.status, json.loads(content) if content else None

    def predict(self, samples, connection=None):
        status, answer = self.ask("POST", "/predict", json.dumps({"samples": samples}), connection)
        assert status == 200, (status, answer)
        return answer


def float32(rows):
    """The numbers as float32 has them: both programs write as many digits as tell them apart."""
    return [array.array("f", map(float, row)).tolist() for row in rows]


def samples(path, columns):
    with open(path) as file:
        return [[float(row[name]) for name in columns] for row in csv.DictReader(file)]


def expected(run, data):
    """What `gradloom predict` says: the names of the classes, the class of every sample, and its outputs."""
    gradloom("predict", run, "--input", data, "--output", "predictions.csv", "--force")
    with open("predictions.csv") as file:
        header, *rows = csv.reader(file)
    return header, rows


def check_classifier(run):
    data = f"{CONFIGURATIONS}/data/digits.csv"
    header, rows = expected(run, data)
    with open(data) as file:
        columns = [name for name in next(csv.reader(file)) if name != "label"]
    digits = samples(data, columns)
    classes, outputs = [row[0] for row in rows], float32(row[1:] for row in rows)
    with Server(run) as server:
        status, facts = server.ask("GET", "/model")
        names = {"classes": [str(digit) for digit in range(10)], "features": columns, "targets": ["label"]}
        its = {"inputs": 64, "outputs": 10, **names}
        check("facts of the model", (status, facts) == (200, its), facts)

        def worker(first):
            """Asks for every eighth sample alone, over one connection."""
            with server.connection() as connection:
                return [server.predict([digits[index]], connection) for index in range(first, len(digits), 8)]

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(worker, range(8)))
        ordered = [answers[index % 8][index // 8] for index in range(len(digits))]
        others = [
            (index, answer, classes[index], outputs[index]) for index, answer in enumerate(ordered)
            if answer["classes"] != [classes[index]] or float32(answer["predictions"]) != [outputs[index]]]
        check("single samples, eight clients", not others, f"{len(others)} of {len(digits)} differ, first {others[:1]}")
        answer = server.predict(digits[:500])
        check(
            "many samples in one request",
            answer["classes"] == classes[:500] and float32(answer["predictions"]) == outputs[:500])
        check("no samples", server.predict([]) == {"predictions": [], "classes": []})
        check_mistakes(server, digits[0])
        check_end(server, digits[0], outputs[0])


def check_mistakes(server, sample):
    form = 'the body must be {"samples": [[number, …], …]}, with numbers that float32 has room for'
    for what, body, sentence in [
        ("a feature too many", {"samples": [sample, [*sample, 0]]},
         "samples[1]: the sample has 65 features, but the network has 64 inputs"),
        ("no features", {"samples": [[]]}, "samples[0]: the sample has 0 features, but the network has 64 inputs"),
        ("no JSON", "samples", form),
        ("an empty body", "", form),
        ("another key", {"sample": [sample]}, form),
        ("one sample that is no list of samples", {"samples": sample}, form),
        ("a text", {"samples": [["a"] * 64]}, form),
        ("null", {"samples": [[None] * 64]}, form),
        ("a number beyond float32", {"samples": [[1e39] * 64]}, form),
        ("a prediction beyond float32", {"samples": [[3e38, -3e38] * 32]},
         "samples[0]: the features are too large for a prediction"),
    ]:
        answer = server.ask("POST", "/predict", body if isinstance(body, str) else json.dumps(body))
        check(f"400: {what}", answer == (400, {"error": {"message": sentence}}), answer)
    status, _ = server.ask("POST", "/predict", b" " * (BODY_LIMIT + 1))
    check("413: a body above the limit", status == 413, status)
    status, _ = server.ask("GET", "/nowhere")
    check("404: another path", status == 404, status)


def check_end(server, sample, output):
    """A connection without a request does not keep the server from ending."""
    with server.connection() as idle:
        answer = server.predict([sample], idle)
        check("predictions after mistakes", float32(answer["predictions"]) == [output])
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(timeout=30)
    check("SIGTERM ends it", code == 0, f"exit code {code}")


def check_regression():
    run = trained("friedman1", "training.epochs=1", "data.synthetic.samples=500")
    features = [[(7 * row + 3 * column) % 11 / 10 for column in range(10)] for row in range(20)]
    with open("features.csv", "w") as file:
        csv.writer(file).writerows([[f"x{column}" for column in range(10)], *features])
    _, rows = expected(run, "features.csv")
    with Server(run) as server:
        answer = server.predict(features)
        # It was trained in float64.
        close = all(
            abs(prediction[0] - float(row[-1])) < 1e-5 * max(1, abs(float(row[-1])))
            for prediction, row in zip(answer["predictions"], rows, strict=True))
        check("a regression", close and list(answer) == ["predictions"], answer)


def check_refusals(run):
    for what, arguments, sentence in [
        ("a model that is not there", ["--model", "nowhere"], "nowhere"),
        ("a file that is no model", ["--model", f"{CONFIGURATIONS}/digits.yaml"], "neither a run directory nor a file"),
        ("a port that is none", ["--model", run, "--port", "65536"], "--port must be from 0 to 65535"),
    ]:
        result = subprocess.run(
            [f"{PROGRAMS}/prediction-server", *arguments], capture_output=True, text=True, timeout=30)
        check(f"refused: {what}", result.returncode != 0 and sentence in result.stderr, result)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    run = trained("digits", "training.epochs=3")
    check_classifier(run)
    check_regression()
    check_refusals(run)
sys.exit(f"{failures} checks failed" if failures else 0)
