"""scikit-learn: MLPClassifier and MLPRegressor."""

from __future__ import annotations

import math
import warnings

import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from workload import BETA1, BETA2, CHECKED_STEPS, EPSILON, MOMENTUM, Task, Workload

ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}
NEVER = 1_000_000_000


def can_train(workload: Workload) -> bool:
    """Whether scikit-learn has the workload's activation."""
    return workload.activation in ACTIVATIONS


class Sklearn:
    """Whole epochs of `fit`, which go on from the last ones; part of an epoch where that is long."""

    def __init__(self, task: Task) -> None:
        # Inputs are not searched for NaN: "Computational performance" in scikit-learn's user guide.
        sklearn.set_config(assume_finite=True)
        warnings.simplefilter("ignore", ConvergenceWarning)
        self.task = task
        workload = task.workload
        # Its regression minimises the mean of ½(ŷ − y)² over samples and outputs and descends on ½‖ŷ − y‖².
        regression = workload.output == "identity"
        self._loss_factor = 2.0 * workload.sizes[-1] if regression else 1.0
        # Adam's steps do not depend on the gradient's size.
        adam = workload.optimizer == "adam"
        self._targets = task.targets if workload.output != "sigmoid" else task.targets[:, 0].astype(int)
        self._model = (MLPRegressor if regression else MLPClassifier)(
            hidden_layer_sizes=workload.sizes[1:-1],
            activation=ACTIVATIONS[workload.activation],
            solver="adam" if adam else "sgd",
            alpha=0,
            batch_size=workload.batch,
            learning_rate_init=task.learning_rate * (2 if regression and not adam else 1),
            momentum=MOMENTUM if workload.optimizer == "momentum" else 0,
            nesterovs_momentum=False,
            beta_1=BETA1,
            beta_2=BETA2,
            epsilon=EPSILON,
            warm_start=True,
            tol=0,
            n_iter_no_change=NEVER,
            random_state=1,
        )
        self._set_parameters()

    def _set_parameters(self) -> None:
        """Makes the model's arrays by a first step, and puts the parameters there."""
        first = slice(0, self.task.workload.batch)
        self._model.set_params(max_iter=1).fit(self.task.inputs[first], self._targets[first])
        for coefficients, intercepts, (weights, bias) in zip(
            self._model.coefs_, self._model.intercepts_, self.task.parameters
        ):
            coefficients[...] = weights.T
            intercepts[...] = bias
        del self._model._optimizer

    def train(self, steps: int) -> int:
        workload = self.task.workload
        epochs = math.ceil(steps / workload.batches)
        samples = min(steps, workload.batches) * workload.batch
        self._model.set_params(max_iter=epochs).fit(self.task.inputs[:samples], self._targets[:samples])
        assert math.isfinite(self._model.loss_), "the loss is not finite"
        return epochs * samples // workload.batch

    def losses(self) -> list[float]:
        self._model.set_params(shuffle=False)
        losses = []
        for step in range(CHECKED_STEPS):
            rows = self.task.batch_rows(step)
            self._model.partial_fit(self.task.inputs[rows], self._targets[rows])
            losses.append(self._model.loss_ * self._loss_factor)
        return losses
