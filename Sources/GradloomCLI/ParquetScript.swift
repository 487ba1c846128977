/// The program that brings Parquet and Arrow files into a data set's directory.
///
/// `gradloom convert` prints it rather than doing the same: pyarrow reads all of these formats' many encodings, and a library
/// for them would be larger than Gradloom. Printed, it is of the same version as the program that reads the directory.
enum ParquetScript {
    static let text = #"""
        #!/usr/bin/env python3
        """Writes a Parquet, Arrow or Feather file as a data set's directory for Gradloom (data.dataset.path).

        Needs pyarrow and numpy: python3 -m pip install pyarrow numpy
        """

        import argparse
        import hashlib
        import json
        import os
        import sys

        import numpy
        import pyarrow
        import pyarrow.compute
        import pyarrow.ipc
        import pyarrow.parquet


        def stop(message):
            sys.exit(f"error: {message}")


        def batches(path, columns, rows):
            """The file's record batches, with these columns alone."""
            with open(path, "rb") as file:
                is_parquet = file.read(4) == b"PAR1"
            if is_parquet:
                yield from pyarrow.parquet.ParquetFile(path).iter_batches(batch_size=rows, columns=columns)
                return
            with pyarrow.memory_map(path) as source:
                try:
                    reader = pyarrow.ipc.open_file(source)
                    parts = (reader.get_batch(index) for index in range(reader.num_record_batches))
                except pyarrow.ArrowInvalid:
                    source.seek(0)
                    parts = pyarrow.ipc.open_stream(source)
                for batch in parts:
                    batch = batch.select(columns)
                    for start in range(0, batch.num_rows, rows):
                        yield batch.slice(start, rows)


        def schema(path):
            with open(path, "rb") as file:
                if file.read(4) == b"PAR1":
                    return pyarrow.parquet.read_schema(path)
            with pyarrow.memory_map(path) as source:
                try:
                    return pyarrow.ipc.open_file(source).schema
                except pyarrow.ArrowInvalid:
                    source.seek(0)
                    return pyarrow.ipc.open_stream(source).schema


        def is_text(kind):
            if pyarrow.types.is_dictionary(kind):
                kind = kind.value_type
            return pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)


        def numbers(batch, names, first_row, kind):
            result = numpy.empty((batch.num_rows, len(names)), kind)
            for index, name in enumerate(names):
                column = batch.column(batch.schema.get_field_index(name))
                if column.null_count:
                    row = first_row + column.is_null().to_pylist().index(True)
                    stop(f"{name}, row {row} (counted from 0): the value is missing; fill it in, or leave the row out")
                result[:, index] = column.to_numpy(zero_copy_only=False)
                bad = numpy.flatnonzero(~numpy.isfinite(result[:, index]))
                if len(bad):
                    stop(f"{name}, row {first_row + bad[0]} (counted from 0): NaN, infinite, or too large for float32")
            return result


        def write(path, save):
            """Makes a file appear whole or not at all; its size and SHA-256."""
            temporary = path + ".tmp"
            with open(temporary, "w+b") as file:
                save(file)
                file.flush()
                os.fsync(file.fileno())
                file.seek(0)
                digest = hashlib.sha256()
                while piece := file.read(1 << 20):
                    digest.update(piece)
                size = file.tell()
            os.replace(temporary, path)
            return {"file": os.path.basename(path), "bytes": size, "sha256": digest.hexdigest()}


        def target_form(targets, state):
            """Looks at more rows of several target columns."""
            sums = targets.sum(axis=1, dtype="float64")
            binary = bool(numpy.isin(targets, (0, 1)).all())
            state["decisions"] = state.get("decisions", True) and binary
            state["one_hot"] = state.get("one_hot", True) and binary and bool((sums == 1).all())
            shares = bool((targets >= 0).all()) and bool((abs(sums - 1) <= 1e-3).all())
            state["shares"] = state.get("shares", True) and shares


        def main():
            parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
            parser.add_argument("input")
            parser.add_argument("output")
            parser.add_argument("--label", help="the column of labels: whole numbers, numbers or text")
            parser.add_argument("--targets", nargs="+", default=[], help="several target columns")
            parser.add_argument("--shard-rows", type=int, default=100_000)
            options = parser.parse_args()
            if options.label and options.targets:
                stop("--label and --targets exclude each other")
            if options.shard_rows < 1:
                stop("--shard-rows is at least 1")

            fields = schema(options.input)
            if len(set(fields.names)) < len(fields.names):
                stop("several columns have the same name: give each a name of its own")
            targets = options.targets or ([options.label] if options.label else [])
            if len(set(targets)) < len(targets):
                stop("a target column is given twice")
            for name in targets:
                if name not in fields.names:
                    stop(f"there is no column {name}; the columns are {', '.join(fields.names)}")
            features = [name for name in fields.names if name not in targets]
            label = fields.field(targets[0]).type if len(targets) == 1 else None
            text = label is not None and is_text(label)
            for name in features + ([] if text else targets):
                kind = fields.field(name).type
                if not (pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind) or pyarrow.types.is_boolean(kind)):
                    stop(f"the column {name} holds {kind}, expected numbers; convert it or leave it out")
            try:
                os.mkdir(options.output)
            except FileExistsError:
                stop(f"{options.output} exists: name a new directory")

            classes = None
            if text:
                found = set()
                for batch in batches(options.input, targets, options.shard_rows):
                    found.update(pyarrow.compute.unique(batch.column(0)).to_pylist())
                if None in found:
                    stop(f"{targets[0]}: labels are missing")
                classes = sorted(found)
                index = {name: number for number, name in enumerate(classes)}
            whole = text or (label is not None and not pyarrow.types.is_floating(label))
            kind = "<i4" if whole else "<f4"

            shards, rows, state = [], 0, {}
            smallest, largest = float("inf"), float("-inf")
            waiting, waiting_rows = [], 0

            def write_shard(table):
                nonlocal rows, smallest, largest
                number = len(shards)
                x = numbers(table, features, rows, "<f4")
                path = os.path.join(options.output, f"inputs-{number:05}.npy")
                shard = {"rows": len(x), "inputs": write(path, lambda file: numpy.save(file, x))}
                if targets:
                    if text:
                        names = table.column(table.schema.get_field_index(targets[0])).to_pylist()
                        y = numpy.array([[index[name]] for name in names], kind)
                    else:
                        y = numbers(table, targets, rows, "float64")
                        smallest, largest = min(smallest, y.min()), max(largest, y.max())
                        if whole and max(-smallest, largest) >= 2**31:
                            stop(f"{targets[0]}: a label is beyond 32 bits")
                        y = y.astype(kind)
                        if len(targets) > 1:
                            target_form(y, state)
                    path = os.path.join(options.output, f"targets-{number:05}.npy")
                    shard["targets"] = write(path, lambda file: numpy.save(file, y))
                shards.append(shard)
                rows += len(x)

            def pieces(final):
                nonlocal waiting, waiting_rows
                while waiting_rows >= options.shard_rows or (final and waiting_rows):
                    table = pyarrow.Table.from_batches(waiting)
                    head = table.slice(0, options.shard_rows).combine_chunks().to_batches()[0]
                    waiting = table.slice(options.shard_rows).to_batches()
                    waiting_rows -= head.num_rows
                    write_shard(head)

            for batch in batches(options.input, fields.names, options.shard_rows):
                waiting.append(batch)
                waiting_rows += batch.num_rows
                pieces(final=False)
            pieces(final=True)
            if not rows:
                stop("the file has no rows")

            manifest = {
                "format": "gradloom-dataset", "version": 1, "rows": rows, "features": len(features),
                "shard_rows": min(options.shard_rows, rows), "inputs": {"element": "<f4", "scale": 1},
                "feature_names": features, "provenance": {"source": os.path.abspath(options.input), "details": {}},
                "shards": shards,
            }
            if targets:
                manifest["targets"] = {"element": kind, "columns": len(targets), "form": "real", "names": targets}
                if text:
                    manifest["targets"] |= {"form": "class_indices", "classes": len(classes), "class_names": classes}
                elif whole:
                    manifest["targets"] |= {"form": "integers", "range": [int(smallest), int(largest)]}
                elif len(targets) > 1:
                    form = next((form for form in ("one_hot", "decisions", "shares") if state[form]), "real")
                    manifest["targets"]["form"] = form
            text = json.dumps(manifest, indent=2).encode()
            write(os.path.join(options.output, "dataset.json"), lambda file: file.write(text))


        if __name__ == "__main__":
            main()
        """#
}
