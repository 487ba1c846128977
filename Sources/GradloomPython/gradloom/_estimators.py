"""Estimators for scikit-learn."""

import math
from numbers import Integral, Real

import numpy
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ._model import train

_ACTIVATIONS = {
    "identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "arctan": "arctan",
    "softplus": "softplus", "exp": "exp",
}
# Arrays as the library reads them.
_INPUT_CHECKS = {"dtype": [numpy.float64, numpy.float32], "order": "C"}


class _Estimator(BaseEstimator):
    """What both estimators do. Parameters are called as those of scikit-learn's own networks.

    Parameters
    ----------
    hidden_layer_sizes : the units of every hidden layer.
    activation : that of the hidden layers: identity, logistic, tanh, relu, arctan, softplus or exp.
    solver : adam, adamw, sgd (with momentum, if it is not 0) or nesterov.
    alpha : the weight of the penalty, half the sum of all squared weights, divided by the samples of a minibatch.
    batch_size : the samples of a minibatch; "auto": 200, or all where there are fewer.
    learning_rate_init : the learning rate.
    max_iter : the most epochs.
    tol, n_iter_no_change : training ends when the loss was not better by ``tol`` for so many epochs: that of the training, or
        with ``early_stopping`` that of a part of the samples, ``validation_fraction``, which it does not train on. The best
        parameters are kept then.
    momentum : of sgd and nesterov.
    random_state : decides the first weights, the order of the samples, and the part that validates.
    warm_start : ``fit`` goes on from the last model.
    standardize : whether features are brought to mean 0 and deviation 1, in predictions, too.
    precision : float32, float64, mixed_bfloat16, or "auto": float32 for arrays of float32, otherwise float64, as
        scikit-learn's own networks have it. float32 is twice as fast.
    n_jobs : the workers; None or -1: one for each core. The bits are the same for any number.
    callbacks : a function or several that are called with a dictionary for every event; one that returns true ends the training.
    configuration : more keys of a configuration file, such as {"optimizer": {"schedule": {"kind": "cosine"}}}; they come
        before the parameters above.
    verbose : prints a line for every epoch.
    """

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(_ACTIVATIONS))],
        "solver": [StrOptions({"adam", "adamw", "sgd", "nesterov"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "standardize": ["boolean"],
        "precision": [StrOptions({"auto", "float32", "float64", "mixed_bfloat16"})],
        "n_jobs": [Interval(Integral, 1, None, closed="left"), Options(Integral, {-1}), None],
        "callbacks": ["array-like", callable],
        "configuration": [dict, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self, hidden_layer_sizes=(100,), activation="relu", *, solver="adam", alpha=0.0001, batch_size="auto",
        learning_rate_init=0.001, max_iter=200, tol=1e-4, n_iter_no_change=10, early_stopping=False,
        validation_fraction=0.1, momentum=0.9, random_state=None, warm_start=False, standardize=False,
        precision="auto", n_jobs=None, callbacks=(), configuration=None, verbose=False,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.momentum = momentum
        self.random_state = random_state
        self.warm_start = warm_start
        self.standardize = standardize
        self.precision = precision
        self.n_jobs = n_jobs
        self.callbacks = callbacks
        self.configuration = configuration
        self.verbose = verbose

    # What scikit-learn has to know of targets to check them.
    _target_checks = {}

    # What a kind of estimator knows of its targets: the rows of targets, the units of the last layer, and its output.
    def _targets(self, y):
        raise NotImplementedError

    def _settings(self, samples, units, output, dtype, epochs, trains_on_all, mean_weight):
        """The configuration that the parameters say."""
        hidden = numpy.atleast_1d(self.hidden_layer_sizes).tolist()
        trained = samples if trains_on_all else max(1, samples - math.ceil(samples * self.validation_fraction))
        batch = min(200 if self.batch_size == "auto" else self.batch_size, trained)
        seed = self._seed
        kind = "momentum" if self.solver == "sgd" and self.momentum > 0 else self.solver
        settings = {
            "data": {"standardize": self.standardize},
            "network": {
                "layers": [{"units": width, "activation": _ACTIVATIONS[self.activation]} for width in hidden]
                + [{"units": units}],
                "output": output,
                # Glorot and Bengio's, as scikit-learn's networks have it.
                "initialization": {"kind": "xavier", "distribution": "uniform", "seed": seed},
            },
            "loss": {
                "kind": "half_squared" if output == "identity" else "cross_entropy",
                "l2": self.alpha / 2 / (batch * mean_weight),
            },
            "optimizer": {"kind": kind, "learning_rate": self.learning_rate_init},
            "training": {"batch": batch, "epochs": epochs, "seed": seed, "precision": self._chosen_precision(dtype)},
        }
        if kind in ("momentum", "nesterov"):
            settings["optimizer"]["momentum"] = self.momentum
        if not trains_on_all:
            stratified = output != "identity"
            settings["data"]["validation"] = {
                "fraction": self.validation_fraction, "stratified": stratified, "seed": seed}
            settings["training"]["early_stopping"] = {
                "patience": self.n_iter_no_change, "minimum_improvement": self.tol}
        if self.n_jobs not in (None, -1):
            settings["parallel"] = {"workers": self.n_jobs}
        return _merged(settings, self.configuration or {})

    def _chosen_precision(self, dtype):
        if self.precision != "auto":
            return self.precision
        return "float32" if dtype == numpy.float32 else "float64"

    def _train(self, x, y, sample_weight, *, reset, epochs, initial, trains_on_all):
        x, y = validate_data(self, x, y, reset=reset, **_INPUT_CHECKS, **self._target_checks)
        targets, units, output, class_names = self._targets(y)
        weights, mean_weight = None, 1.0
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, x, dtype=numpy.float64, ensure_non_negative=True)
            if not weights.sum() > 0:
                raise ValueError("sample_weight is 0 for all samples: give one of them a weight above 0")
            # A sample of weight 2 counts as much as two of them: also beside the penalty.
            mean_weight = weights.mean()
            weights = weights / mean_weight
        if initial is None:
            self._seed = int(check_random_state(self.random_state).randint(numpy.iinfo(numpy.int32).max))
            self.loss_curve_, self.validation_loss_curve_, self.n_iter_ = [], [], 0
        settings = self._settings(len(x), units, output, x.dtype, epochs, trains_on_all, mean_weight)
        layers = [layer["units"] for layer in settings["network"]["layers"]]
        if initial is not None and (initial.inputs, self._units) != (x.shape[1], layers):
            raise ValueError(
                f"the last model has {initial.inputs} features and layers of {self._units} units, and this one "
                f"{x.shape[1]} and {layers}: with warm_start=False training begins anew")
        callbacks = [self.callbacks] if callable(self.callbacks) else self.callbacks
        progress = _Progress(self, watches_training=trains_on_all and epochs > 1)
        self.model_ = train(
            settings, x, targets, sample_weight=weights, initial=initial, callbacks=[progress, *callbacks],
            feature_names=getattr(self, "feature_names_in_", None), class_names=class_names)
        self._units = layers
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else numpy.nan
        self.n_layers_ = len(settings["network"]["layers"]) + 1
        self.n_outputs_ = units
        self.out_activation_ = output
        return self

    def _fit(self, x, y, sample_weight):
        self._validate_params()
        initial = self.model_ if self.warm_start and hasattr(self, "model_") else None
        return self._train(
            x, y, sample_weight, reset=True, epochs=self.max_iter, initial=initial,
            trains_on_all=not self.early_stopping)

    def _partial_fit(self, x, y, sample_weight):
        self._validate_params()
        is_first = not hasattr(self, "model_")
        return self._train(
            x, y, sample_weight, reset=is_first, epochs=1, initial=None if is_first else self.model_, trains_on_all=True)

    def _outputs(self, x):
        check_is_fitted(self)
        x = validate_data(self, x, reset=False, **_INPUT_CHECKS)
        return self.model_.predict(x)


class _Progress:
    """Keeps the losses of epochs, and ends a training that no longer improves."""

    def __init__(self, estimator, watches_training):
        self._estimator, self._watches_training = estimator, watches_training
        self._best, self._epochs_without_improvement = numpy.inf, 0

    def __call__(self, event):
        if event["event"] != "epoch":
            return False
        estimator, loss = self._estimator, event["loss"]
        estimator.n_iter_ += 1
        estimator.loss_curve_.append(loss)
        if event["validation_loss"] is not None:
            estimator.validation_loss_curve_.append(event["validation_loss"])
        if estimator.verbose:
            held = "" if event["validation_loss"] is None else f"  validation loss {event['validation_loss']:.6g}"
            print(
                f"epoch {event['epoch']}  loss {loss:.6g}{held}  {event['samples_per_second']:,.0f} samples/s", flush=True)
        if not self._watches_training:
            return False
        self._epochs_without_improvement = 0 if loss < self._best - estimator.tol else self._epochs_without_improvement + 1
        self._best = min(self._best, loss)
        return self._epochs_without_improvement >= estimator.n_iter_no_change


class GradloomClassifier(ClassifierMixin, _Estimator):
    """A dense network for classes: softmax and cross entropy, or of two classes one sigmoid unit."""

    def _targets(self, y):
        indices = numpy.searchsorted(self.classes_, y)
        is_known = self.classes_[numpy.minimum(indices, len(self.classes_) - 1)] == y
        if not numpy.all(is_known):
            unknown = numpy.unique(y[~is_known])
            raise ValueError(f"y has labels that are not in classes: {unknown.tolist()}")
        names = [str(name) for name in self.classes_]
        binary = len(names) <= 2
        return indices.astype(numpy.int64), 1 if binary else len(names), "sigmoid" if binary else "softmax", (
            names if len(names) > 1 else None)

    def fit(self, X, y, sample_weight=None):
        """Trains on samples × features and their classes."""
        check_classification_targets(y)
        classes = numpy.unique(numpy.asarray(y))
        if not self.warm_start or not hasattr(self, "classes_"):
            self.classes_ = classes
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Trains for one epoch, from where the last call ended; the first one is told all classes."""
        check_classification_targets(y)
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("the first call of partial_fit needs classes, all that there will be")
            self.classes_ = numpy.unique(classes)
        elif classes is not None and not numpy.array_equal(self.classes_, numpy.unique(classes)):
            raise ValueError(f"classes are {numpy.unique(classes).tolist()}, and were {self.classes_.tolist()}")
        return self._partial_fit(X, y, sample_weight)

    def predict_proba(self, X):
        """The probability of every class: samples × classes."""
        outputs = self._outputs(X)
        if len(self.classes_) == 1:
            return numpy.ones((len(outputs), 1), outputs.dtype)
        return outputs if outputs.shape[1] > 1 else numpy.hstack([1 - outputs, outputs])

    def predict_log_proba(self, X):
        """The logarithm of these probabilities."""
        return numpy.log(self.predict_proba(X))

    def predict(self, X):
        """The class of every sample."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]


class GradloomRegressor(RegressorMixin, _Estimator):
    """A dense network for numbers: the squared error, of one target or several."""

    _target_checks = {"multi_output": True, "y_numeric": True}

    def _targets(self, y):
        self._is_flat = y.ndim == 1
        targets = numpy.asarray(y, numpy.float32 if y.dtype == numpy.float32 else numpy.float64)
        return targets, 1 if y.ndim == 1 else y.shape[1], "identity", None

    def fit(self, X, y, sample_weight=None):
        """Trains on samples × features and their targets, samples or samples × targets."""
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X, y, sample_weight=None):
        """Trains for one epoch, from where the last call ended."""
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X):
        """The prediction for every sample."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._is_flat else outputs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _merged(settings, more):
    """``settings`` with the keys of ``more``, mapping by mapping."""
    merged = dict(settings)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
