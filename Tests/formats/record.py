#!/usr/bin/env python3
"""Writes ../LoomDataTests/FormatFixtures.swift: small files as the real libraries save them."""

import base64
import gzip
import io
import pathlib
import tempfile
import textwrap

import h5py
import numpy
import sklearn
from sklearn.datasets import dump_svmlight_file

X = numpy.array([[1.5, -2], [3, 0.25], [0, 7]], dtype="float32")
Y = numpy.array([0, 1, 1])
IMAGES = numpy.arange(12, dtype="uint8").reshape(3, 2, 2) * 23
CSV = b"a,b,y\n1.5,-2,0\n3,0.25,1\n0,7,1\n"


def saved(save, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def two_members():
    # The text in two members, with a name in the first header, as `gzip FILE; gzip -c REST >> FILE.gz` makes them.
    file = io.BytesIO()
    with gzip.GzipFile("part.csv", "wb", mtime=0, fileobj=file) as member:
        member.write(CSV[:14])
    return file.getvalue() + gzip.compress(CSV[14:], mtime=0)


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.astype("uint8").tobytes()


def svmlight():
    file = io.BytesIO()
    dump_svmlight_file(X, Y, file, zero_based=False, comment="three samples")
    return file.getvalue()


def hdf5():
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "x.h5")
        with h5py.File(path, "w") as file:
            group = file.create_group("train")
            group["x"] = X
            group["y"] = Y
            group.create_dataset("packed", data=X.astype("float64"), chunks=(2, 1), compression="gzip", shuffle=True)
            file["images"] = IMAGES
            file["text"] = "no numbers"
        return gzip.compress(path.read_bytes(), mtime=0)


FIXTURES = {
    "twoMembers": ("gzip of Python: the CSV text in two members", two_members),
    "npz": ("numpy.savez", lambda: saved(numpy.savez, x=X, y=Y, images=IMAGES)),
    "npzDeflated": ("numpy.savez_compressed", lambda: saved(numpy.savez_compressed, x=X, y=Y, images=IMAGES)),
    "idxImages": ("the header of MNIST's images, and 3 × 2 × 2 bytes", lambda: idx(IMAGES)),
    "idxLabels": ("the header of MNIST's labels, and 3 bytes", lambda: idx(Y)),
    "svmlight": ("sklearn.datasets.dump_svmlight_file", svmlight),
    "hdf5Gzipped": ("h5py; compressed with gzip, which HDF5 itself is not", hdf5),
}

lines = [
    "import Foundation",
    "",
    f"/// Small files as numpy {numpy.__version__}, h5py {h5py.__version__} and scikit-learn {sklearn.__version__} save them: Tests/formats/record.py writes this file.",
    "enum FormatFixtures {",
    "    private static func bytes(_ base64: String) -> Data {",
    "        Data(base64Encoded: base64, options: .ignoreUnknownCharacters) ?? Data()",
    "    }",
]
for name, (comment, make) in FIXTURES.items():
    text = textwrap.fill(base64.b64encode(make()).decode(), 100).replace("\n", "\n        ")
    lines += ["", f"    // {comment}", f"    static let {name} = bytes(", '        """', f"        {text}", '        """)']
path = pathlib.Path(__file__).parent.parent / "LoomDataTests" / "FormatFixtures.swift"
text = "\n".join(lines + ["}", ""])
text = text.replace(" save them: Tests/formats", " save\n/// them: Tests/formats")
path.write_text(text)
