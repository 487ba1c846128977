"""PyTorch: eager, and compiled with torch.compile. In float32, under autocast, or with products of medium precision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from workload import BETA1, BETA2, CHECKED_STEPS, EPSILON, MOMENTUM, Task

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "arctan": torch.atan}


class _Activation(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._function = ACTIVATIONS[name]

    def forward(self, inputs: Tensor) -> Tensor:
        return self._function(inputs)


def _loss(output: str, logits: Tensor, targets: Tensor) -> Tensor:
    if output == "softmax":
        return functional.cross_entropy(logits, targets)
    if output == "sigmoid":
        return functional.binary_cross_entropy_with_logits(logits, targets)
    return functional.mse_loss(logits, targets, reduction="sum") / len(targets)


def _precision(products: str) -> AbstractContextManager[object]:
    """The context of the forward pass: under autocast, each operation has the type that PyTorch chose for it."""
    return torch.autocast("cpu", torch.bfloat16) if products == "autocast" else nullcontext()


class _TorchTrainer:
    """Samples and their order, which both forms share."""

    def __init__(self, task: Task) -> None:
        torch.set_num_threads(task.threads)
        torch.set_flush_denormal(True)
        if task.products == "medium":
            torch.set_float32_matmul_precision("medium")
        self.task = task
        self.inputs = torch.from_numpy(task.inputs)
        self.targets = torch.from_numpy(task.targets)
        self._batches = self._shuffled()

    def _shuffled(self) -> Iterator[Tensor]:
        while True:
            yield from torch.randperm(len(self.inputs)).split(self.task.workload.batch)

    def step(self, rows: Tensor) -> Tensor:
        """Trains on the samples `rows`; the loss before the update."""
        raise NotImplementedError

    def train(self, steps: int) -> int:
        for _ in range(steps):
            loss = self.step(next(self._batches))
        assert math.isfinite(loss.item()), "the loss is not finite"
        return steps

    def losses(self) -> list[float]:
        rows = torch.arange(len(self.inputs))
        return [self.step(rows[self.task.batch_rows(step)]).item() for step in range(CHECKED_STEPS)]


class EagerTorch(_TorchTrainer):
    """A Sequential, autograd and a fused optimizer of torch.optim."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        modules: list[nn.Module] = []
        for weights, bias in task.parameters:
            linear = nn.Linear(weights.shape[1], weights.shape[0])
            linear.weight.data.copy_(torch.from_numpy(weights))
            linear.bias.data.copy_(torch.from_numpy(bias))
            modules += [linear, _Activation(task.workload.activation)]
        self._model = nn.Sequential(*modules[:-1])
        self._optimizer = self._made_optimizer()

    def _made_optimizer(self) -> torch.optim.Optimizer:
        parameters, rate = self._model.parameters(), self.task.learning_rate
        if self.task.workload.optimizer == "adam":
            return torch.optim.Adam(parameters, rate, (BETA1, BETA2), EPSILON, fused=True)
        momentum = MOMENTUM if self.task.workload.optimizer == "momentum" else 0.0
        return torch.optim.SGD(parameters, rate, momentum, fused=True)

    def step(self, rows: Tensor) -> Tensor:
        inputs, targets = self.inputs.index_select(0, rows), self.targets.index_select(0, rows)
        self._optimizer.zero_grad()
        with _precision(self.task.products):
            loss = _loss(self.task.workload.output, self._model(inputs), targets)
        loss.backward()
        self._optimizer.step()
        return loss.detach()


class CompiledTorch(_TorchTrainer):
    """One graph for the whole step, gather and update included, behind Inductor's C++ wrapper."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._parameters = [torch.from_numpy(values.copy()) for layer in task.parameters for values in layer]
        states = {"sgd": 0, "momentum": 1, "adam": 2}[task.workload.optimizer]
        self._states = [[torch.zeros_like(values) for values in self._parameters] for _ in range(states)]
        self._step_number = torch.zeros(())
        self._compiled = torch.compile(self._whole_step, fullgraph=True, options={"cpp_wrapper": True})

    def _loss_of(self, parameters: list[Tensor], inputs: Tensor, targets: Tensor) -> Tensor:
        workload = self.task.workload
        values = inputs
        with _precision(self.task.products):
            for layer in range(0, len(parameters), 2):
                if layer > 0:
                    values = ACTIVATIONS[workload.activation](values)
                values = functional.linear(values, parameters[layer], parameters[layer + 1])
            return _loss(workload.output, values, targets)

    def _whole_step(
        self, parameters: list[Tensor], states: list[list[Tensor]], step_number: Tensor, inputs: Tensor,
        targets: Tensor, rows: Tensor
    ) -> Tensor:
        gradients, loss = torch.func.grad_and_value(self._loss_of)(
            parameters, inputs.index_select(0, rows), targets.index_select(0, rows)
        )
        with torch.no_grad():
            self._update(parameters, gradients, states, step_number)
        return loss

    def _update(
        self, parameters: list[Tensor], gradients: list[Tensor], states: list[list[Tensor]], step_number: Tensor
    ) -> None:
        rate = self.task.learning_rate
        if self.task.workload.optimizer == "sgd":
            for values, gradient in zip(parameters, gradients):
                values.sub_(rate * gradient)
        elif self.task.workload.optimizer == "momentum":
            for values, gradient, velocity in zip(parameters, gradients, states[0]):
                velocity.mul_(MOMENTUM).add_(gradient)
                values.sub_(rate * velocity)
        else:
            step_number.add_(1)
            rate1, root2 = rate / (1 - BETA1**step_number), (1 - BETA2**step_number).sqrt()
            for values, gradient, first, second in zip(parameters, gradients, *states):
                first.mul_(BETA1).add_((1 - BETA1) * gradient)
                second.mul_(BETA2).add_((1 - BETA2) * gradient * gradient)
                values.sub_(rate1 * first / (second.sqrt() / root2 + EPSILON))

    def step(self, rows: Tensor) -> Tensor:
        return self._compiled(
            self._parameters, self._states, self._step_number, self.inputs, self.targets, rows
        )
