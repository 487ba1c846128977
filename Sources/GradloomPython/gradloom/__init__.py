"""Gradloom: dense neural networks trained on CPU cores.

``GradloomClassifier`` and ``GradloomRegressor`` are scikit-learn estimators. ``load`` opens a model that a program saved, or
the run directory of a training of the command line, for predictions. ``train`` trains what a configuration says.
"""

from ._library import GradloomError, TrainingDiverged
from ._model import Model, load, train

__all__ = ["GradloomClassifier", "GradloomError", "GradloomRegressor", "Model", "TrainingDiverged", "load", "train"]
__version__ = "0.1.0"


def __getattr__(name):
    # scikit-learn is loaded by whoever wants an estimator.
    if name in ("GradloomClassifier", "GradloomRegressor"):
        from . import _estimators

        return getattr(_estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
