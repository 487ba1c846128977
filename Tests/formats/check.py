#!/usr/bin/env python3
"""Files of the real libraries, read by Gradloom, and Gradloom's directories, read by them: check.py PROGRAM."""

import gzip
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy
import pyarrow
import pyarrow.feather
import pyarrow.parquet
from sklearn.datasets import dump_svmlight_file, load_svmlight_file
from torchvision.datasets import mnist

PROGRAM = os.path.abspath(sys.argv[1])
ROWS, FEATURES = 3001, 17
random = numpy.random.default_rng(1)
X = random.normal(size=(ROWS, FEATURES)).astype("float32")
LABELS = random.integers(0, 5, ROWS)
IMAGES = random.integers(0, 256, (ROWS, 6, 5), dtype="uint8")
failures = 0


def gradloom(*arguments, fails=False):
    result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    if (result.returncode != 0) != fails:
        sys.exit(f"gradloom {' '.join(map(str, arguments))}: exit code {result.returncode}\n{result.stderr}")
    return result


def loaded(directory):
    """What numpy makes of a directory."""
    with open(f"{directory}/dataset.json") as file:
        manifest = json.load(file)
    parts = [numpy.load(f"{directory}/{shard['inputs']['file']}", mmap_mode="r") for shard in manifest["shards"]]
    assert all(part.offset % 64 == 0 for part in parts), "elements begin at a multiple of 64 bytes"
    inputs = numpy.concatenate(parts).astype("float64") * manifest["inputs"]["scale"]
    targets = numpy.concatenate(
        [numpy.load(f"{directory}/{shard['targets']['file']}") for shard in manifest["shards"]])
    return inputs, targets, manifest


def check(name, inputs, targets, *arguments):
    """Converts with `arguments` and compares what numpy reads of the directory with what was written."""
    global failures
    gradloom("convert", *arguments, "out", "--shard-rows", 1000, "--force")
    gradloom("convert", "--verify", "out")
    x, y, manifest = loaded("out")
    same = numpy.array_equal(x, inputs) and numpy.array_equal(y.reshape(len(y), -1), targets.reshape(len(y), -1))
    failures += not same
    print(f"{'same' if same else 'OTHER':6} {name}")
    return manifest


def idx(array):
    extents = b"".join(extent.to_bytes(4, "big") for extent in array.shape)
    return bytes([0, 0, 8, array.ndim]) + extents + array.astype("uint8").tobytes()


def check_arrays():
    double = X.astype("float64")
    numpy.save("x.npy", X)
    numpy.save("y.npy", LABELS)
    check("numpy.save", X, LABELS, "x.npy", "--targets", "y.npy")
    numpy.save("part-2.npy", X[:5])
    numpy.save("part-10.npy", X[5:])
    with open("parts.yaml", "w") as file:
        file.write("data: {npy: {inputs: 'part-*.npy', targets: y.npy}}\nnetwork: {layers: [{units: 5}], output: softmax}\n")
    check("numpy.save, two files", X, LABELS, "parts.yaml")
    numpy.savez("a.npz", x=X, y=LABELS, images=IMAGES)
    check("numpy.savez", X, LABELS, "a.npz", "--inputs", "x", "--targets", "y")
    numpy.savez_compressed("b.npz", x=double, y=LABELS, images=IMAGES)
    check("numpy.savez_compressed", double, LABELS, "b.npz", "--inputs", "x", "--targets", "y", "--float64")
    flat = IMAGES.reshape(ROWS, -1).astype("float64")
    check("numpy.savez_compressed, images", flat, LABELS, "b.npz", "--inputs", "images", "--targets", "y")
    with h5py.File("a.h5", "w") as file:
        file["x"], file["train/y"] = X, LABELS
        file.create_dataset("packed", data=X, chunks=(100, 5), compression="gzip", shuffle=True)
        file.create_dataset("big", data=double, dtype=">f8", chunks=True, compression="gzip", fletcher32=True)
        file["images"] = IMAGES
    for name in ("x", "packed", "big"):
        check(f"h5py, {name}", X.astype("float64"), LABELS, "a.h5", "--inputs", name, "--targets", "train/y", "--float64")
    check("h5py, images", flat, LABELS, "a.h5", "--inputs", "images", "--targets", "train/y")


def check_idx():
    for name, array in (("images", IMAGES), ("labels", LABELS)):
        with open(f"{name}-ubyte", "wb") as file:
            file.write(idx(array))
        with gzip.open(f"{name}-ubyte.gz", "wb") as file:
            file.write(idx(array))
    images = mnist.read_image_file("images-ubyte").numpy()
    labels = mnist.read_label_file("labels-ubyte").numpy()
    scaled = images.reshape(ROWS, -1).astype("float64") * (1 / 255)
    for suffix in ("", ".gz"):
        manifest = check(
            f"torchvision's MNIST reader{suffix}", scaled, labels, f"images-ubyte{suffix}", "--targets",
            f"labels-ubyte{suffix}", "--scale", "1/255")
    assert manifest["inputs"]["element"] == "|u1", "bytes stay bytes"


def check_text():
    dump_svmlight_file(X, LABELS, "a.svm", zero_based=False, comment="written here")
    x, y = load_svmlight_file("a.svm", n_features=FEATURES, zero_based=False)
    check("scikit-learn, svmlight", x.toarray(), y, "a.svm", "--float64")
    sparse = numpy.where(X > 1, X, 0)
    dump_svmlight_file(sparse, LABELS, "b.svm", zero_based=False)
    x, y = load_svmlight_file("b.svm", n_features=FEATURES + 3, zero_based=False)
    check("scikit-learn, sparse", x.toarray(), y, "b.svm", "--float64", "--features", FEATURES + 3)
    with gzip.open("a.csv.gz", "wt") as file:
        file.write(",".join([*(f"f{index}" for index in range(FEATURES)), "class"]) + "\n")
        for row, label in zip(X.astype("float64").tolist(), LABELS):
            file.write(",".join(map(repr, row)) + f",{label}\n")
    check("gzip, .csv.gz", X.astype("float64"), LABELS, "a.csv.gz", "--label", "class", "--float64")


def check_arrow():
    with open("convert.py", "w") as file:
        file.write(gradloom("convert", "--parquet-script").stdout)
    names = [f"f{index}" for index in range(FEATURES)]
    words = numpy.array(["ant", "bee", "cat", "dog", "eel"])[LABELS]
    table = pyarrow.table({name: X[:, index] for index, name in enumerate(names)} | {"class": LABELS, "word": words})
    pyarrow.parquet.write_table(table, "a.parquet", row_group_size=700)
    pyarrow.feather.write_feather(table, "a.feather", compression="lz4")
    with pyarrow.ipc.new_stream("a.arrows", table.schema) as stream:
        stream.write_table(table, max_chunksize=333)
    for source in ("a.parquet", "a.feather", "a.arrows"):
        for label in ("class", "word"):
            rest = table.drop_columns([{"class": "word", "word": "class"}[label]])
            if source == "a.parquet":
                pyarrow.parquet.write_table(rest, "one.parquet", row_group_size=700)
                path = "one.parquet"
            elif source == "a.feather":
                pyarrow.feather.write_feather(rest, "one.feather", compression="lz4")
                path = "one.feather"
            else:
                with pyarrow.ipc.new_stream("one.arrows", rest.schema) as stream:
                    stream.write_table(rest, max_chunksize=333)
                path = "one.arrows"
            directory = f"{source}-{label}"
            command = [sys.executable, "convert.py", path, directory, "--label", label, "--shard-rows", "1000"]
            subprocess.run(command, check=True)
            gradloom("convert", "--verify", directory)
            # And from there once more, by Gradloom: what it reads is what it writes.
            check(f"pyarrow, {path} by {label}", X, LABELS, directory)
    refused = subprocess.run([sys.executable, "convert.py", "a.parquet", "c"], capture_output=True, text=True)
    assert refused.returncode == 1 and "the column word holds string" in refused.stderr, refused.stderr


def check_refusals():
    """What others write and Gradloom does not read is named."""
    with h5py.File("empty.h5", "w") as file:
        file["only/this"] = X
    message = gradloom("convert", "empty.h5", "no", "--inputs", "x", "--targets", "y", fails=True).stderr
    assert "there is no data set 'x'; the data sets are: only/this" in message, message
    with open("cut.csv.gz", "wb") as file, open("a.csv.gz", "rb") as whole:
        file.write(whole.read()[:-1000])
    message = gradloom("convert", "cut.csv.gz", "no", fails=True).stderr
    assert "break off" in message, message


with tempfile.TemporaryDirectory() as directory:
    os.chdir(directory)
    check_arrays()
    check_idx()
    check_text()
    check_arrow()
    check_refusals()
sys.exit(f"{failures} of the above differ" if failures else 0)
