"""JAX: a jitted step with donated buffers, and the same step in a scan over many. Factors are float32 or bfloat16."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy

from workload import BETA1, BETA2, CHECKED_STEPS, EPSILON, MOMENTUM, Array, Task

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "arctan": jnp.arctan}
Layers = list[tuple[jax.Array, jax.Array]]
Training = dict[str, Any]
Factors = tuple[jax.Array, jax.Array]


def _multiplied(left: jax.Array, right: jax.Array, axes: tuple[int, int]) -> jax.Array:
    """Sums over an axis of each of the factors, in float32 whatever the factors are."""
    dimensions = (((axes[0],), (axes[1],)), ((), ()))
    return jax.lax.dot_general(left, right, dimensions, preferred_element_type=jnp.float32)


def _forward(values: jax.Array, weights: jax.Array) -> tuple[jax.Array, Factors]:
    factors = (values.astype(jnp.bfloat16), weights.astype(jnp.bfloat16))
    return _multiplied(*factors, (1, 0)), factors


def _backward(factors: Factors, deltas: jax.Array) -> tuple[jax.Array, jax.Array]:
    values, weights = factors
    rounded = deltas.astype(jnp.bfloat16)
    return _multiplied(rounded, weights, (1, 1)), _multiplied(values, rounded, (0, 0))


# JAX's own derivative of a product of bfloat16 would multiply with deltas in float32.
_rounded_product = jax.custom_vjp(lambda values, weights: _forward(values, weights)[0])
_rounded_product.defvjp(_forward, _backward)
PRODUCTS: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "float32": jnp.matmul, "bfloat16": _rounded_product,
}


def _loss(task: Task, layers: Layers, inputs: jax.Array, targets: jax.Array) -> jax.Array:
    values = inputs
    for number, (weights, bias) in enumerate(layers):
        if number > 0:
            values = ACTIVATIONS[task.workload.activation](values)
        values = PRODUCTS[task.products](values, weights) + bias
    if task.workload.output == "softmax":
        chosen = jnp.take_along_axis(values, targets[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(values, axis=1) - chosen)
    if task.workload.output == "sigmoid":
        return jnp.mean(jnp.sum(jax.nn.softplus(values) - targets * values, axis=1))
    return jnp.mean(jnp.sum(jnp.square(values - targets), axis=1))


def _first_training(task: Task) -> Training:
    layers = [(jnp.asarray(weights.T), jnp.asarray(bias)) for weights, bias in task.parameters]
    states = {"sgd": 0, "momentum": 1, "adam": 2}[task.workload.optimizer]
    zeros = [jax.tree.map(jnp.zeros_like, layers) for _ in range(states)]
    return {"layers": layers, "states": zeros, "step": jnp.zeros((), jnp.float32)}


def _updated(task: Task, training: Training, gradients: Layers) -> Training:
    layers, rate = training["layers"], task.learning_rate
    step = training["step"] + 1
    if task.workload.optimizer == "sgd":
        updated, states = jax.tree.map(lambda p, g: p - rate * g, layers, gradients), []
    elif task.workload.optimizer == "momentum":
        velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, training["states"][0], gradients)
        updated, states = jax.tree.map(lambda p, v: p - rate * v, layers, velocity), [velocity]
    else:
        first = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, training["states"][0], gradients)
        second = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, training["states"][1], gradients)
        correction1, correction2 = 1 / (1 - BETA1**step), 1 / (1 - BETA2**step)

        def adam(values: jax.Array, mean: jax.Array, square: jax.Array) -> jax.Array:
            return values - rate * correction1 * mean / (jnp.sqrt(correction2 * square) + EPSILON)

        updated, states = jax.tree.map(adam, layers, first, second), [first, second]
    return {"layers": updated, "states": states, "step": step}


class JaxStep:
    """One call of a jitted function for every step."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.inputs = jnp.asarray(task.inputs)
        integers = task.workload.output == "softmax"
        self.targets = jnp.asarray(task.targets.astype(numpy.int32) if integers else task.targets)
        self.training = _first_training(task)
        self.generator = numpy.random.default_rng(3)
        self.jitted = jax.jit(self.stepped, donate_argnums=0)

    def stepped(
        self, training: Training, inputs: jax.Array, targets: jax.Array, rows: jax.Array
    ) -> tuple[Training, jax.Array]:
        """The training after a step on the samples `rows`, and the loss before it."""
        batch = inputs.at[rows].get(mode="promise_in_bounds")
        batch_targets = targets.at[rows].get(mode="promise_in_bounds")
        loss_of = partial(_loss, self.task)
        loss, gradients = jax.value_and_grad(loss_of)(training["layers"], batch, batch_targets)
        return _updated(self.task, training, gradients), loss

    def shuffled(self) -> Array:
        """Batches × samples of a batch: the order of one epoch."""
        order = self.generator.permutation(len(self.task.inputs)).astype(numpy.int32)
        return order.reshape(-1, self.task.workload.batch)

    def train(self, steps: int) -> int:
        done = 0
        while done < steps:
            for rows in self.shuffled()[: steps - done]:
                self.training, loss = self.jitted(self.training, self.inputs, self.targets, rows)
                done += 1
        # Waits for the steps, which run asynchronously.
        assert math.isfinite(loss.item()), "the loss is not finite"
        return done

    def losses(self) -> list[float]:
        samples = numpy.arange(len(self.task.inputs), dtype=numpy.int32)
        losses = []
        for step in range(CHECKED_STEPS):
            rows = samples[self.task.batch_rows(step)]
            self.training, loss = self.jitted(self.training, self.inputs, self.targets, rows)
            losses.append(loss.item())
        return losses


class JaxScan(JaxStep):
    """One call for all steps of an epoch, or for as many steps as are asked for."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.scanned = jax.jit(self.epoch, donate_argnums=0)

    def epoch(
        self, training: Training, inputs: jax.Array, targets: jax.Array, order: jax.Array
    ) -> tuple[Training, jax.Array]:
        """The training after the batches `order`, and the losses of its steps."""
        return jax.lax.scan(lambda state, rows: self.stepped(state, inputs, targets, rows), training, order)

    def train(self, steps: int) -> int:
        done = 0
        while done < steps:
            order = self.shuffled()
            # Another length would be compiled anew: whole epochs, unless an epoch is long.
            if steps < len(order):
                order = order[:steps]
            self.training, losses = self.scanned(self.training, self.inputs, self.targets, order)
            done += len(order)
        assert numpy.isfinite(numpy.asarray(losses)).all(), "a loss is not finite"
        return done

    def losses(self) -> list[float]:
        samples = numpy.arange(len(self.task.inputs), dtype=numpy.int32)
        order = numpy.stack([samples[self.task.batch_rows(step)] for step in range(CHECKED_STEPS)])
        _, losses = self.scanned(self.training, self.inputs, self.targets, order)
        return numpy.asarray(losses).tolist()
