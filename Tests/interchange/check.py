#!/usr/bin/env python3
"""Networks that Gradloom exports, in the programs that they are for, and theirs in Gradloom: check.py PROGRAM.

Predictions are compared, and what TensorBoard reads with a run's metrics.
"""

import csv
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from skl2onnx import to_onnx
from sklearn.neural_network import MLPClassifier
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from module import Network

PROGRAM = os.path.abspath(sys.argv[1])
CONFIGURATIONS = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../configs"))
random = numpy.random.default_rng(1)
failures = 0

HEAD = """
optimizer: {kind: momentum, learning_rate: 0.01}
training: {batch: 32, epochs: 2, precision: PRECISION}
"""
# Every activation, every output, several inputs of a layer, parts of the data, standardisation, a factor.
NETWORKS = {
    **{
        f"{activation} {precision}": f"""
data: {{synthetic: {{task: mixture, samples: 400, inputs: 7, classes: 3, seed: 1}}, standardize: true}}
network: {{layers: [{{units: 9, activation: {activation}}}, {{units: 3}}], output: softmax}}
""" + HEAD.replace("PRECISION", precision)
        for activation in ["sigmoid", "relu", "arctan", "tanh", "exp", "softplus"]
        for precision in ["float32", "float64"]
    },
    "two classes": """
data: {synthetic: {task: mixture, samples: 400, inputs: 7, classes: 2, seed: 1}}
network: {layers: [{units: 9, activation: relu}, {units: 1}], output: sigmoid}
""" + HEAD.replace("PRECISION", "float32"),
    "softmax-weighted": """
data: {synthetic: {task: friedman1, samples: 400, inputs: 7, seed: 1}}
network: {layers: [{units: 5, activation: softmax_weighted, components: 3}, {units: 2, activation: tanh, bias: false},
  {units: 1, components: 4}], output: softmax_weighted}
""" + HEAD.replace("PRECISION", "float32"),
    "skip connections": """
data: {synthetic: {task: friedman1, samples: 400, inputs: 7, seed: 1}, standardize: true}
network: {layers: [{name: a, units: 5, activation: tanh}, {name: b.c, units: 6, activation: relu, inputs: [a, input]},
  {name: d, units: 1, inputs: [b.c, input, a]}], output: identity}
""" + HEAD.replace("PRECISION", "float32"),
}


def gradloom(*arguments):
    result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"gradloom {' '.join(map(str, arguments))}: exit code {result.returncode}\n{result.stderr}")
    return result.stdout


def train(text):
    with open("c.yaml", "w") as file:
        file.write(text)
    lines = gradloom("train", "c.yaml", "--quiet", "--json").splitlines()
    return json.loads(lines[-1])["run_directory"]


def compare(name, ours, theirs, tolerance=1e-6):
    """Differences, in units of the largest number."""
    global failures
    difference = numpy.max(numpy.abs(ours - theirs)) / max(1, numpy.max(numpy.abs(ours)))
    fits = ours.shape == theirs.shape and difference <= tolerance
    failures += not fits
    print(f"{'same' if fits else 'OTHER':6} {name}: {difference:.1e}")


def run_onnx(run, x):
    gradloom("export", run, "--output", "model.onnx", "--force")
    model = onnx.load("model.onnx")
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    return dict(zip(names, session.run(None, {"input": x.astype("float32")}))), json.loads(metadata["description"])


def run_torch(run, x):
    gradloom("export", run, "--output", "model.safetensors", "--force")
    with safe_open("model.safetensors", framework="pt") as file:
        description = json.loads(file.metadata()["description"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    kind = next(tensor.dtype for name, tensor in tensors.items() if name.endswith(".weight"))
    module = Network(description, "standardization.mean" in tensors).to(kind)
    if "standardization" in module._modules:
        module.standardization.to(torch.float64)
    module.load_state_dict(tensors)
    gradloom("export", run, "--output", "model.npz", "--force")
    with numpy.load("model.npz") as archive:
        assert json.loads(archive["description.json"]) == description
        assert all(numpy.array_equal(archive[name], tensor.numpy()) for name, tensor in tensors.items())
    with torch.no_grad():
        return module(torch.from_numpy(x).to(kind)).numpy()


def check(name, text):
    run = train(text)
    features = inputs_of(run)
    x = random.normal(size=(211, features)).astype("float32")
    numpy.save("x.npy", x)
    gradloom("predict", run, "--input", "x.npy", "--output", "y.npy", "--force")
    ours = numpy.load("y.npy")
    results, description = run_onnx(run, x)
    compare(f"{name}, onnxruntime", ours, results["prediction"])
    compare(f"{name}, torch", ours, run_torch(run, x))
    if "label" in results:
        classes = ours.argmax(1) if ours.shape[1] > 1 else (ours[:, 0] >= 0.5).astype(int)
        compare(f"{name}, labels", numpy.array(description["classes"])[classes], results["label"])


def inputs_of(run):
    """The features of a run."""
    gradloom("export", run, "--output", "model.npz", "--force")
    with numpy.load("model.npz") as archive:
        return json.loads(archive["description.json"])["inputs"]


def check_table():
    """Categories, missing values, labels that are texts."""
    colours = ["red", "green", "blue"]
    rows = []
    for _ in range(300):
        colour, x, z = random.choice(colours), random.normal(), random.normal()
        label = ["no", "yes, of course"][int(x + (colour == "red") > 0.5)]
        rows.append([f"{x:.4f}", colour if random.random() > 0.1 else "", f"{z:.4f}" if random.random() > 0.2 else "", label])
    with open("t.csv", "w", newline="") as file:
        csv.writer(file).writerows([["x", "colour", "z", "answer"], *rows])
    run = train("""
data: {csv: {path: t.csv, label: answer, missing: mean, categories: [colour]}, standardize: true}
network: {layers: [{units: 8, activation: tanh}, {units: 2}], output: softmax}
""" + HEAD.replace("PRECISION", "float32"))
    gradloom("predict", run, "--input", "t.csv", "--output", "y.csv", "--force")
    with open("y.csv", newline="") as file:
        lines = list(csv.reader(file))[1:]
    gradloom("export", run, "--output", "model.onnx", "--force")
    metadata = {entry.key: entry.value for entry in onnx.load("model.onnx").metadata_props}
    columns = json.loads(metadata["columns"])
    table = []
    for row in rows:
        cells = []
        for cell, column in zip(row, columns):
            if cell == "":
                cells.append(numpy.nan)
            elif "categories" in column:
                cells.append(column["categories"].index(cell))
            else:
                cells.append(float(cell))
        table.append(cells)
    results, _ = run_onnx(run, numpy.array(table))
    compare("table, onnxruntime", numpy.array([[float(cell) for cell in line[1:]] for line in lines]), results["prediction"])
    same = [line[0] for line in lines] == list(results["label"])
    global failures
    failures += not same
    print(f"{'same' if same else 'OTHER':6} table, labels")


def check_tensorboard():
    """What TensorBoard reads is what the metrics say."""
    global failures
    run = train(NETWORKS["relu float32"] + "run: {tensorboard: true, histograms: true}\n")
    events = EventAccumulator(run, size_guidance={"scalars": 0, "histograms": 0}).Reload()
    with open(f"{run}/metrics.jsonl") as file:
        epochs = [event for event in map(json.loads, file) if event["event"] == "epoch"]
    tags = {"loss/training": "loss", "accuracy/training": "accuracy", "speed/samples_per_second": "samples_per_second"}
    fits = set(events.Tags()["scalars"]) == {*tags, "learning_rate"}
    for tag, key in tags.items():
        points = [(point.step, point.value) for point in events.Scalars(tag)]
        fits = fits and points == [(epoch["step"], float(numpy.float32(epoch[key]))) for epoch in epochs]
    sizes = {"layer1.weights": 63, "layer1.bias": 9, "layer2.weights": 27, "layer2.bias": 3}
    fits = fits and set(events.Tags()["histograms"]) == set(sizes)
    for tag, count in sizes.items():
        fits = fits and all(
            point.histogram_value.num == count and sum(point.histogram_value.bucket) == count
            for point in events.Histograms(tag))
    failures += not fits
    print(f"{'same' if fits else 'OTHER':6} events in TensorBoard")


def check_documentation():
    """The Python of the documentation, run as it stands, on the network that it speaks of."""
    root = os.path.dirname(CONFIGURATIONS)
    os.symlink(CONFIGURATIONS, "configs")
    lines = gradloom("train", "configs/digits.yaml", "--quiet", "--json").splitlines()
    run = json.loads(lines[-1])["run_directory"]
    for name in ["digits.onnx", "digits.safetensors"]:
        gradloom("export", run, "--output", name)
    gradloom("predict", run, "--input", "configs/data/digits.csv", "--output", "digits.npy")
    expected = numpy.load("digits.npy").argmax(1)
    with open(f"{root}/Sources/Gradloom/Gradloom.docc/OtherPrograms.md") as file:
        blocks = re.findall(r"```python\n(.*?)```", file.read(), re.DOTALL)
    runtime, module = {}, {}
    exec(blocks[0], runtime)
    compare("documentation, ONNX Runtime", expected, runtime["label"])
    exec(blocks[1], module)
    compare("documentation, PyTorch", expected, module["predict"](torch.from_numpy(runtime["x"])).numpy())


def check_article():
    """The commands and the Python of the article for PyTorch users, block after block, which asserts what it says."""
    global failures
    root = os.path.dirname(CONFIGURATIONS)
    with open(f"{root}/Sources/Gradloom/Gradloom.docc/ForPyTorch.md") as file:
        blocks = re.findall(r"```(sh|bash|python)\n(.*?)```", file.read(), re.DOTALL)
    shell = {**os.environ, "PATH": f"{os.path.dirname(PROGRAM)}:{os.environ['PATH']}"}
    namespace, problem = {}, "" if len(blocks) == 4 else f"{len(blocks)} blocks"
    for language, block in blocks:
        if language == "python":
            try:
                exec(block, namespace)
            except AssertionError:
                problem = "an assertion of its Python fails"
        else:
            result = subprocess.run(["bash", "-euo", "pipefail", "-c", block], env=shell, capture_output=True, text=True)
            problem = problem or result.stderr[-2000:] * (result.returncode != 0)
    # The parameters went to PyTorch and back.
    if not problem:
        ours, theirs = load_file("from-torch.safetensors"), load_file("trained.safetensors")
        for name, tensor in ours.items():
            same = torch.equal(tensor, theirs[name.replace(".weights", ".weight")])
            problem = problem or f"{name} is another" * (not same)
    failures += problem != ""
    print(f"{'OTHER' if problem else 'same':6} documentation, the article for PyTorch users {problem}")


IMPORTING = """
data: {synthetic: {task: mixture, samples: 400, inputs: 7, classes: 3, seed: 1}}
network: {layers: [{name: hidden, units: 9, activation: tanh}, {units: 3}], output: softmax}
""" + HEAD.replace("PRECISION", "float32")


def check_import(name, expected, x, file, *options):
    """Predictions of what was imported: a rate that changes no weight makes a run of it."""
    with open("base.yaml", "w") as base:
        base.write(IMPORTING)
    gradloom("import", file, "--config", "base.yaml", "--output", "imported.yaml", "--force", *options)
    lines = gradloom("train", "imported.yaml", "--quiet", "--json", "--set", "optimizer.learning_rate=1e-30").splitlines()
    gradloom("predict", json.loads(lines[-1])["run_directory"], "--input", "x.npy", "--output", "y.npy", "--force")
    compare(name, expected, numpy.load("y.npy"))


def check_imports():
    x = random.normal(size=(211, 7)).astype("float32")
    numpy.save("x.npy", x)
    module = torch.nn.Sequential(torch.nn.Linear(7, 9), torch.nn.Tanh(), torch.nn.Linear(9, 3), torch.nn.Softmax(1))
    with torch.no_grad():
        expected = module(torch.from_numpy(x)).numpy()
    torch.onnx.export(module.eval(), (torch.from_numpy(x),), "torch.onnx", input_names=["x"], external_data=False, verbose=False)
    check_import("a module of PyTorch in ONNX", expected, x, "torch.onnx")
    state = module.state_dict()
    save_file(state, "state.safetensors")
    numpy.savez("state.npz", **{key: tensor.numpy() for key, tensor in state.items()})
    for file in ["state.safetensors", "state.npz"]:
        check_import(f"a module of PyTorch, {file}", expected, x, file, "--map", "hidden=0", "--map", "layer2=2")
    classifier = MLPClassifier((9, 5), activation="logistic", max_iter=20, random_state=1).fit(x, random.integers(0, 3, len(x)))
    options = {id(classifier): {"zipmap": False}}
    with open("sklearn.onnx", "wb") as file:
        file.write(to_onnx(classifier, x[:1], options=options).SerializeToString())
    check_import(
        "a classifier of scikit-learn in ONNX", classifier.predict_proba(x), x, "sklearn.onnx", "--prediction", "probabilities")


with tempfile.TemporaryDirectory() as directory:
    os.chdir(directory)
    for network_name, network in NETWORKS.items():
        check(network_name, network)
    for path in sorted(glob.glob(f"{CONFIGURATIONS}/seeds/*.yaml")):
        with open(path) as file:
            text = file.read()
        if "threshold" not in text:
            check(os.path.basename(path), text.replace("path: ", f"path: {CONFIGURATIONS}/seeds/"))
    check_table()
    check_tensorboard()
    check_imports()
    check_documentation()
    check_article()
sys.exit(failures > 0)
