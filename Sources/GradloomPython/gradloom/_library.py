"""The dynamic library, as gradloom.h describes it."""

import ctypes
import os
import pathlib

import numpy


class GradloomError(RuntimeError):
    """The machine does not allow what was asked for."""


class TrainingDiverged(ArithmeticError):
    """The loss of a step was not a finite number."""


class TrainingStopped(RuntimeError):
    """A training was stopped before its first step."""


class Array(ctypes.Structure):
    """Rows × columns elements, row after row: gradloom_array."""

    _fields_ = [
        ("start", ctypes.c_void_p),
        ("rows", ctypes.c_int64),
        ("columns", ctypes.c_int64),
        ("element", ctypes.c_int32),
    ]

    @classmethod
    def of(cls, array):
        """The elements of a NumPy array where they lie. The array has to live as long as this one."""
        columns = 1 if array.ndim == 1 else array.shape[1]
        return cls(array.ctypes.data, array.shape[0], columns, ELEMENTS[array.dtype])


class Samples(ctypes.Structure):
    """gradloom_samples"""

    _fields_ = [
        ("inputs", ctypes.POINTER(Array)),
        ("targets", ctypes.POINTER(Array)),
        ("weights", ctypes.POINTER(ctypes.c_double)),
        ("validation_inputs", ctypes.POINTER(Array)),
        ("validation_targets", ctypes.POINTER(Array)),
        ("feature_names", ctypes.c_char_p),
        ("class_names", ctypes.c_char_p),
    ]


ELEMENTS = {
    numpy.dtype(name): number
    for number, name in enumerate(["float32", "float64", "int32", "int64", "uint8"])
}

REPORT = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_char_p, ctypes.c_void_p)
_ERRORS = {1: ValueError, 2: TrainingDiverged, 3: OSError, 4: TrainingStopped, 5: GradloomError}


def _opened():
    path = os.environ.get("GRADLOOM_LIBRARY") or pathlib.Path(__file__).parent / "lib" / "libGradloomC.so"
    library = ctypes.CDLL(str(path))
    message = ctypes.POINTER(ctypes.c_void_p)
    handle, handles, text = ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_char_p
    signatures = {
        "gradloom_train": [text, ctypes.POINTER(Samples), handle, REPORT, ctypes.c_void_p, handles, message],
        "gradloom_model_open": [text, handles, message],
        "gradloom_model_save": [handle, text, message],
        "gradloom_model_predict": [handle, ctypes.POINTER(Array), ctypes.c_void_p, ctypes.c_int32, message],
    }
    for name, arguments in signatures.items():
        getattr(library, name).argtypes = arguments
        getattr(library, name).restype = ctypes.c_int32
    library.gradloom_model_facts.argtypes = [handle]
    library.gradloom_model_facts.restype = ctypes.c_void_p
    for name in ("gradloom_model_free", "gradloom_free"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
        getattr(library, name).restype = None
    return library


library = _opened()


def call(name, *arguments):
    """Calls a function that can fail, and raises what it says."""
    message = ctypes.c_void_p()
    status = getattr(library, name)(*arguments, ctypes.byref(message))
    if status:
        raise _ERRORS[status](text(message))


def text(pointer):
    """The text at an address, which is freed."""
    value = pointer.value if isinstance(pointer, ctypes.c_void_p) else pointer
    try:
        return ctypes.string_at(value).decode() if value else ""
    finally:
        library.gradloom_free(value)
