#!/usr/bin/env python3
"""The Python package, installed, with scikit-learn and beside the program: check.py PROGRAM."""

import copy
import glob
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings

import numpy
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import gradloom

PROGRAM = os.path.abspath(sys.argv[1])
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
random = numpy.random.default_rng(1)
failures = 0


def check(what, is_right, detail=""):
    global failures
    failures += not is_right
    print(f"{'ok  ' if is_right else 'FAIL'} {what}{'' if is_right else f': {detail}'}", flush=True)


def raises(kind, text, body):
    try:
        body()
    except kind as error:
        return text in str(error) or f"another sentence: {error}"
    except BaseException as error:
        return f"another error: {error!r}"
    return "no error"


def refused(what, kind, text, body):
    outcome = raises(kind, text, body)
    check(what, outcome is True, outcome)


def samples(count=500):
    x = random.normal(size=(count, 4))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int) + 2 * (x[:, 2] > 0.5)


def run(*arguments, folder):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    result = subprocess.run([PROGRAM, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{arguments}: {result.stderr}")
    return result.stdout


def check_scikit_learn():
    for estimator in (gradloom.GradloomClassifier(), gradloom.GradloomRegressor()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = check_estimator(estimator, on_fail=None)
        for result in results:
            if result["status"] not in ("passed", "skipped"):
                check(f"{type(estimator).__name__} {result['check_name']}", False, repr(result["exception"])[:300])
        passed = sum(result["status"] == "passed" for result in results)
        check(f"check_estimator({type(estimator).__name__}()): {passed} of {len(results)} passed", passed > 50)
    x, y = samples()
    pipeline = make_pipeline(StandardScaler(), gradloom.GradloomClassifier((16,), max_iter=60, learning_rate_init=0.01, batch_size=32))
    check("in a pipeline, cross-validated", cross_val_score(pipeline, x, y, cv=3).mean() > 0.85)
    search = GridSearchCV(
        gradloom.GradloomClassifier(max_iter=60, batch_size=32, learning_rate_init=0.01), {"hidden_layer_sizes": [(4,), (32, 16)]}, cv=2, n_jobs=2).fit(x, y)
    check("in a grid search on two processes", search.best_params_["hidden_layer_sizes"] == (32, 16))


def check_classifier():
    x, y = samples()
    names = numpy.array(["oak", "elm", "ash", "yew"])[y]
    classifier = gradloom.GradloomClassifier(
        (32, 16), max_iter=60, learning_rate_init=0.01, batch_size=32, random_state=0).fit(x, names)
    check("texts as classes", classifier.score(x, names) > 0.95 and classifier.classes_.tolist() == sorted(set(names)))
    again = gradloom.GradloomClassifier(
        (32, 16), max_iter=60, learning_rate_init=0.01, batch_size=32, random_state=0, n_jobs=1).fit(x, names)
    check("the same bits for another number of workers", (again.predict_proba(x) == classifier.predict_proba(x)).all())
    for what, other in [("pickled", pickle.loads(pickle.dumps(classifier))), ("copied", copy.deepcopy(classifier))]:
        check(f"{what}: the same predictions", (other.predict_proba(x) == classifier.predict_proba(x)).all())
    single = gradloom.GradloomClassifier(max_iter=3, random_state=0).fit(x.astype(numpy.float32), y)
    check("float32 stays float32", single.predict_proba(x.astype(numpy.float32)).dtype == numpy.float32)
    strided = gradloom.GradloomClassifier(max_iter=3, random_state=0).fit(numpy.asfortranarray(x), y)
    plain = gradloom.GradloomClassifier(max_iter=3, random_state=0).fit(x, y)
    check("the order of an array in memory changes nothing", (strided.predict_proba(x) == plain.predict_proba(x)).all())

    parts = gradloom.GradloomClassifier((16,), learning_rate_init=0.01, batch_size=25, random_state=0)
    losses = []
    for _ in range(40):
        for part in range(0, len(x), 250):
            parts.partial_fit(x[part:part + 250], y[part:part + 250], classes=[0, 1, 2, 3])
        losses.append(parts.loss_)
    check("partial_fit learns", losses[-1] < 0.4 * losses[0] and parts.n_iter_ == 80, losses[::10])
    refused("partial_fit wants classes", ValueError, "needs classes", lambda: gradloom.GradloomClassifier().partial_fit(x, y))
    stopped = gradloom.GradloomClassifier(
        (32, 16), max_iter=2000, early_stopping=True, learning_rate_init=0.01, random_state=0).fit(x, y)
    check("early_stopping ends it", stopped.n_iter_ < 1500 and len(stopped.validation_loss_curve_) == stopped.n_iter_)

    events = []
    gradloom.GradloomClassifier(max_iter=500, tol=0, callbacks=[events.append, lambda event: event.get("epoch") == 7]).fit(x, y)
    epochs = [event["epoch"] for event in events if event["event"] == "epoch"]
    check("a callback sees epochs, and ends the training", epochs[:7] == list(range(1, 8)) and len(epochs) < 500, epochs)

    def fails(event):
        raise KeyError("mine")

    refused("what a callback raises is raised", KeyError, "mine", lambda: gradloom.GradloomClassifier(callbacks=[fails]).fit(x, y))
    refused(
        "a misspelt key is named", ValueError, "did you mean",
        lambda: gradloom.GradloomClassifier(configuration={"trainng": {"epochs": 3}}).fit(x, y))
    refused(
        "divergence is an error", gradloom.TrainingDiverged, "diverged",
        lambda: gradloom.GradloomRegressor(solver="sgd", learning_rate_init=1e30).fit(x, y.astype(float)))
    refused(
        "validation has the columns of the training", ValueError, "3 feature columns for validation, but 4 for training",
        lambda: gradloom.train(
            {"network": {"layers": [{"units": 4}], "output": "softmax"}}, x, y, validation=(x[:, :3], y)))
    warm = gradloom.GradloomClassifier((8,), max_iter=2, warm_start=True).fit(x, y).set_params(hidden_layer_sizes=(9,))
    refused("warm_start with other layers", ValueError, "warm_start=False", lambda: warm.fit(x, y))
    few = gradloom.GradloomClassifier(max_iter=2, early_stopping=True, n_jobs=-1, callbacks=lambda event: False)
    check("early_stopping on a few samples", few.fit(x[:12], y[:12] > 1).n_iter_ == 2)
    target = x @ [1, 2, 3, 4]
    penalty = dict(hidden_layer_sizes=(), alpha=200, batch_size=500, max_iter=3000, learning_rate_init=0.01, tol=0, n_iter_no_change=1000, random_state=0)
    ours = gradloom.GradloomRegressor(**penalty).fit(x, target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = MLPRegressor(**penalty).fit(x, target)
    check("alpha is scikit-learn's", abs(ours.loss_ / theirs.loss_ - 1) < 0.02, (ours.loss_, theirs.loss_))
    numpy_numbers = {"network": {"layers": [{"units": numpy.int64(4)}], "output": "softmax"}}
    check("NumPy's numbers in a configuration", gradloom.train(numpy_numbers, x, y).outputs == 4)
    refused("no configuration", TypeError, "dictionary", lambda: gradloom.train(None, x, y))
    cosine = gradloom.GradloomClassifier(
        max_iter=10, configuration={"optimizer": {"schedule": {"kind": "cosine"}}}).fit(x, y)
    check("keys of configuration files reach the training", "cosine" in cosine.model_.configuration)


def check_interruption():
    x, y = samples()
    begin = time.monotonic()
    threading.Timer(1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    refused(
        "Ctrl-C ends a training", KeyboardInterrupt, "",
        lambda: gradloom.GradloomClassifier(max_iter=10_000_000, tol=0, n_iter_no_change=10_000_000).fit(x, y))
    check("within seconds", time.monotonic() - begin < 10)


def check_beside_the_program():
    x, y = samples(300)
    with tempfile.TemporaryDirectory() as folder:
        numpy.save(f"{folder}/x.npy", x)
        classifier = gradloom.GradloomClassifier((8,), max_iter=20, standardize=True).fit(x, y)
        classifier.model_.save(f"{folder}/model.safetensors")
        run("predict", "model.safetensors", "--input", "x.npy", "--output", "y.npy", folder=folder)
        check("gradloom predict has the bits of predict_proba", (numpy.load(f"{folder}/y.npy") == classifier.predict_proba(x)).all())
        with open(f"{folder}/c.yaml", "w") as file:
            file.write(
                "data: {synthetic: {task: mixture, samples: 400, inputs: 4, classes: 3}, standardize: true, validation: 0.2}\n"
                "network: {layers: [{units: 8, activation: tanh}, {units: 3}], output: softmax}\n"
                "training: {batch: 32, epochs: 3}\n")
        events = run("train", "c.yaml", "--json", folder=folder).splitlines()
        directory = os.path.join(folder, json.loads(events[-1])["run_directory"])
        model = gradloom.load(directory)
        run("predict", directory, "--input", "x.npy", "--output", "z.npy", folder=folder)
        check("load(run).predict has the bits of gradloom predict", (numpy.load(f"{folder}/z.npy") == model.predict(x)).all())
        check("single samples too", all((model.predict(x[i:i + 1])[0] == model.predict(x)[i]).all() for i in range(20)))
        check("classes as texts", model.predict_classes(x[:5]).shape == (5,) and model.class_names == ["0", "1", "2"])
        refused("another number of features", ValueError, "trained on 4", lambda: model.predict(x[:, :3]))
        refused("a file that is not there", OSError, "no run directory", lambda: gradloom.load(f"{folder}/nowhere"))
        wrong = []
        threads = [threading.Thread(target=lambda: wrong.append((model.predict(x) != model.predict(x)).any())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check("many threads, one model", wrong == [False] * 4)


def check_as_good_as_scikit_learn():
    x, y = samples(2000)
    settings = dict(hidden_layer_sizes=(32,), max_iter=60, batch_size=50, random_state=0, learning_rate_init=0.005)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = MLPClassifier(**settings).fit(x[:1500], y[:1500])
    ours = gradloom.GradloomClassifier(**settings).fit(x[:1500], y[:1500])
    scores = [estimator.score(x[1500:], y[1500:]) for estimator in (ours, theirs)]
    check(f"as right as MLPClassifier ({scores[0]:.3f}, {scores[1]:.3f})", scores[0] > scores[1] - 0.03)


def check_documentation():
    """The blocks of the page run one after the other, as a reader would run them."""
    with open(f"{ROOT}/Sources/Gradloom/Gradloom.docc/ForScikitLearn.md") as file:
        page = file.read()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    with open(max(glob.glob(f"{ROOT}/Benchmarks/results/python-*.json"))) as file:
        for name, row in json.load(file)["fits"].items():
            speeds = row["samples_per_second"]
            shown = f"| {speeds['gradloom']:,.0f} | {speeds['scikit-learn']:,.0f} | {row['ratio']:.1f} |"
            check(f"the page has the newest measurement of {name}", shown in page, shown)
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(f"{ROOT}/configs", f"{folder}/configs")
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", "\n".join(blocks)], cwd=folder, capture_output=True, text=True,
            env={**os.environ, "PATH": f"{os.path.dirname(PROGRAM)}:{os.environ['PATH']}"})
    check(f"{len(blocks)} blocks of the documentation", len(blocks) > 3 and result.returncode == 0, result.stderr)


for part in (
    check_classifier, check_interruption, check_beside_the_program, check_as_good_as_scikit_learn, check_documentation,
    check_scikit_learn,
):
    part()
sys.exit(f"{failures} checks failed" if failures else 0)
