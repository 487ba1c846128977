"""One library that reads a CSV file once for every line of the input: worker.py LIBRARY FILE."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy


def polars(path: str) -> Callable[[], Any]:
    import polars as library

    header = library.scan_csv(path).collect_schema().names()
    schema = {name: library.Float32 for name in header[:-1]} | {header[-1]: library.Int32}
    return lambda: library.read_csv(path, schema=schema)


def pyarrow(path: str) -> Callable[[], Any]:
    import pyarrow as library
    from pyarrow import csv

    with open(path, encoding="utf-8") as file:
        header = file.readline().strip().split(",")
    types = {name: library.float32() for name in header[:-1]} | {header[-1]: library.int32()}
    return lambda: csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types))


def pandas(path: str) -> Callable[[], Any]:
    import pandas as library

    with open(path, encoding="utf-8") as file:
        header = file.readline().strip().split(",")
    types = {name: "float32" for name in header[:-1]} | {header[-1]: "int32"}
    return lambda: library.read_csv(path, dtype=types)


READERS = {"polars": polars, "pyarrow": pyarrow, "pandas": pandas}


def columns(table: Any) -> list[numpy.ndarray]:
    """The feature columns."""
    if hasattr(table, "column_names"):
        return [table.column(name).to_numpy() for name in table.column_names[:-1]]
    return [table[name].to_numpy() for name in list(table.columns)[:-1]]


def main() -> None:
    read = READERS[sys.argv[1]](sys.argv[2])
    for _ in sys.stdin:
        start = time.perf_counter()
        table = read()
        seconds = time.perf_counter() - start
        features = columns(table)
        for column in features:
            assert column.dtype == numpy.float32, column.dtype
        result = {
            "seconds": seconds, "samples": len(features[0]), "features": len(features),
            "sum": float(sum(column.sum(dtype=numpy.float64) for column in features)),
        }
        print(json.dumps(result), flush=True)
        del table, features


if __name__ == "__main__":
    main()
