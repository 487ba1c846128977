"""Trained networks, and their training."""

import ctypes
import json
import os
import tempfile
import threading

import numpy

from . import _library
from ._library import Array, Samples


def _matrix(values, name):
    """An array of numbers that the library reads where it lies; a copy only where there is no other way."""
    array = numpy.asarray(values)
    if array.dtype not in _library.ELEMENTS:
        try:
            array = array.astype(numpy.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} has values that are no numbers; of classes give indices, and their class_names") from error
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} has {array.ndim} dimensions, expected samples × columns")
    return numpy.ascontiguousarray(array)


class Model:
    """A trained network. It never changes; any number of threads may predict with it."""

    def __init__(self, handle):
        self._handle = handle
        self._facts = json.loads(_library.text(_library.library.gradloom_model_facts(handle)))

    def __del__(self):
        handle, self._handle = getattr(self, "_handle", None), None
        if handle:
            _library.library.gradloom_model_free(handle)

    @property
    def inputs(self):
        """The number of features of a sample."""
        return self._facts["inputs"]

    @property
    def outputs(self):
        """The number of outputs."""
        return self._facts["outputs"]

    @property
    def dtype(self):
        """The type of predictions: that of the training."""
        return numpy.dtype(numpy.float64 if self._facts["float64"] else numpy.float32)

    @property
    def class_names(self):
        """The classes in the order of the outputs, as texts; None: this is no classification."""
        return self._facts.get("class_names")

    @property
    def feature_names(self):
        """The names of the features, where they are known."""
        return self._facts.get("feature_names")

    @property
    def configuration(self):
        """What was trained, as the text of a configuration file."""
        return self._facts["configuration"]

    @property
    def facts(self):
        """All that is known of the model, as a dictionary."""
        return dict(self._facts)

    def predict(self, x):
        """The outputs for samples × features: samples × outputs. With a softmax, the probability of every class."""
        inputs = _matrix(x, "x")
        if inputs.ndim != 2:
            raise ValueError(f"x has the shape {inputs.shape}, expected samples × {self.inputs}")
        predictions = numpy.empty((inputs.shape[0], self.outputs), self.dtype)
        if inputs.shape[0] == 0:
            return predictions
        _library.call(
            "gradloom_model_predict", self._handle, ctypes.byref(Array.of(inputs)), predictions.ctypes.data,
            _library.ELEMENTS[self.dtype])
        return predictions

    def predict_classes(self, x):
        """The class of every sample, as a text."""
        if self.class_names is None:
            raise ValueError("this network is no classifier: use predict")
        outputs = self.predict(x)
        indices = outputs.argmax(axis=1) if self.outputs > 1 else (outputs[:, 0] >= 0.5).astype(int)
        return numpy.asarray(self.class_names)[indices]

    def save(self, path):
        """Writes the model into one safetensors file, which commands take in the place of a run directory."""
        _library.call("gradloom_model_save", self._handle, os.fsencode(path))

    def __repr__(self):
        return f"<gradloom.Model: {self.inputs} inputs, {self.outputs} outputs>"

    def __getstate__(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            self.save(path)
            with open(path, "rb") as file:
                return {"file": file.read(), "facts": self._facts}

    def __setstate__(self, state):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            with open(path, "wb") as file:
                file.write(state["file"])
            self._handle = _open(path)
        self._facts = state["facts"]


def _open(path):
    handle = ctypes.c_void_p()
    _library.call("gradloom_model_open", os.fsencode(path), ctypes.byref(handle))
    return handle


def load(path):
    """The model in a file of ``Model.save``, or that of a run directory."""
    return Model(_open(path))


def train(
    configuration, x, y, *, sample_weight=None, validation=None, initial=None, callbacks=(), feature_names=None,
    class_names=None,
):
    """Trains what ``configuration`` says, a dictionary with the keys of a configuration file, on NumPy arrays.

    ``data`` in it may have every key but a source. ``validation`` is a pair of arrays. ``initial`` is a model of the same
    network to go on from. Each of ``callbacks`` is called with a dictionary for every event; one that returns true ends the
    training after its current step, as Ctrl-C does.
    """
    if not isinstance(configuration, dict):
        raise TypeError(f"configuration is a {type(configuration).__name__}, expected a dictionary of a configuration's keys")
    if validation is not None and not (isinstance(validation, (tuple, list)) and len(validation) == 2):
        raise TypeError("validation is no pair of arrays; a fraction is configuration['data']['validation']")
    inputs, targets = _matrix(x, "x"), _matrix(y, "y")
    if inputs.ndim != 2:
        raise ValueError(f"x has the shape {inputs.shape}, expected samples × features")
    held = () if validation is None else tuple(_matrix(part, "validation") for part in validation)
    weights = None if sample_weight is None else numpy.ascontiguousarray(sample_weight, numpy.float64)
    if weights is not None and weights.shape != inputs.shape[:1]:
        raise ValueError(f"sample_weight has the shape {weights.shape}, expected {inputs.shape[:1]}")
    settings = dict(configuration)
    settings["data"] = {**settings.get("data", {}), "custom": {"name": "x"}}
    if held:
        settings["data"]["validation"] = {"custom": {"name": "validation"}}
    arrays = [Array.of(array) for array in (inputs, targets, *held)]
    pointers = [ctypes.pointer(array) for array in arrays] + [None] * (4 - len(arrays))
    samples = Samples(
        pointers[0], pointers[1],
        None if weights is None else weights.ctypes.data_as(ctypes.POINTER(ctypes.c_double)), pointers[2], pointers[3],
        None if feature_names is None else json.dumps(list(feature_names)).encode(),
        None if class_names is None else json.dumps(list(class_names)).encode())
    return _Training(json.dumps(settings, default=_plain).encode(), samples, initial, callbacks).model()


def _plain(value):
    """What NumPy's numbers are in a configuration."""
    if isinstance(value, (numpy.generic, numpy.ndarray)):
        return value.tolist()
    raise TypeError(f"a configuration has no value of the type {type(value).__name__}: {value!r}")


class _Training:
    """A training on a thread of its own: the calling one stays open for Ctrl-C."""

    def __init__(self, configuration, samples, initial, callbacks):
        self._configuration, self._samples = configuration, samples
        self._initial, self._callbacks = initial, callbacks
        self._stops = False
        self._error = None
        self._handle = ctypes.c_void_p()

    def model(self):
        thread = threading.Thread(target=self._run, name="gradloom")
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.1)
        except BaseException as interruption:
            self._stops, self._error = True, interruption
            thread.join()
        # Frees what a training that ended otherwise has left.
        model = Model(self._handle) if self._handle else None
        if self._error is not None:
            raise self._error
        return model

    def _run(self):
        try:
            _library.call(
                "gradloom_train", self._configuration, ctypes.byref(self._samples),
                self._initial._handle if self._initial is not None else None, _library.REPORT(self._report), None,
                ctypes.byref(self._handle))
        except BaseException as error:
            self._error = self._error or error

    def _report(self, event, _context):
        try:
            event = json.loads(event)
            for callback in self._callbacks:
                self._stops = bool(callback(event)) or self._stops
        except BaseException as error:
            self._error, self._stops = error, True
        return int(self._stops)
