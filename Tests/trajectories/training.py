"""One training in PyTorch, in float64: its own classes and functions where Gradloom's definitions agree with them, and
Gradloom's definitions in PyTorch's operations where they do not. `used` collects which."""

import math

import torch
import torch.nn.functional as F
from torch.optim import lr_scheduler

from cases import BATCH, INPUTS, SAMPLES, STEPS

STEPS_PER_EPOCH = -(-SAMPLES // BATCH)
BY_HAND = "by hand: "


def numbers(seed, count):
    """Multiples of 2⁻¹⁵ from −1 to 1, by a linear congruential generator: the same in every language."""
    state, result = seed, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        result.append((state >> 16) / 32768 - 1)
    return result


def matrix(seed, rows, columns, scale=1.0):
    values = torch.tensor(numbers(seed, rows * columns), dtype=torch.float64)
    return (scale * values).reshape(rows, columns)


def target_values(kind, outputs):
    """Rows of targets: one class each, one half for it and shares of the rest, decisions, or numbers."""
    values = matrix(2, SAMPLES, outputs)
    if kind == "values":
        return values
    if kind == "decisions":
        return (values >= 0).double()
    # The class with the largest number.
    one_hot = F.one_hot(values.argmax(1), outputs).double()
    return one_hot if kind == "classes" else (one_hot + 1) / (outputs + 1)


class Training:
    def __init__(self, case):
        settings = case["configuration"]
        self.network, self.loss_settings = settings["network"], settings["loss"]
        self.rule = settings["optimizer"]
        self.used = set()
        self.clipped_steps = 0
        self.inputs = matrix(1, SAMPLES, INPUTS)
        self.make_parameters()
        self.targets = target_values(case["targets"], self.network["layers"][-1]["units"])
        self.has_classes = case["targets"] == "classes"
        self.make_optimizer()
        self.make_schedule()

    # Parameters

    def make_parameters(self):
        self.parameters, self.sources = {}, []
        widths = {"input": INPUTS}
        before = "input"
        for index, layer in enumerate(self.network["layers"]):
            name = layer.get("name", f"layer{index + 1}")
            rows = layer["units"] * layer.get("components", 1)
            sources = layer.get("inputs", [before])
            self.sources.append((name, sources))
            for source in sources:
                tensor = f"{name}.weights" + (f".{source}" if len(sources) > 1 else "")
                self.parameters[tensor] = matrix(100 + len(self.parameters), rows, widths[source], 0.5)
            if layer.get("bias", True):
                self.parameters[f"{name}.bias"] = matrix(100 + len(self.parameters), 1, rows, 0.25)[0]
            widths[name], before = layer["units"], name
        for tensor in self.parameters.values():
            tensor.requires_grad_()
        self.weights = [value for name, value in self.parameters.items() if ".weights" in name]
        self.biases = [value for name, value in self.parameters.items() if ".bias" in name]

    # Forward

    def activate(self, layer, z):
        kind = layer.get("activation", "identity")
        if kind == "softmax_weighted":
            return self.softmax_weighted(z, layer["components"])
        if kind == "relu" and layer.get("relu_at_zero") == 1:
            self.used.add(BY_HAND + "relu with the derivative 1 at 0")
            return torch.where(z >= 0, z, 0)
        function = {
            "identity": lambda z: z, "sigmoid": torch.sigmoid, "relu": torch.relu, "arctan": torch.atan,
            "tanh": torch.tanh, "exp": torch.exp, "softplus": F.softplus}[kind]
        if kind != "identity":
            self.used.add(f"{'torch.nn.functional' if kind == 'softplus' else 'torch'}.{function.__name__}")
        return function(z)

    def softmax_weighted(self, z, components):
        self.used.add(BY_HAND + "softmax-weighted units")
        a = z.reshape(len(z), -1, components)
        return (torch.softmax(a, 2) * a).sum(2)

    def logits(self, x):
        outputs = {"input": x}
        for layer, (name, sources) in zip(self.network["layers"], self.sources):
            z = 0
            for source in sources:
                tensor = f"{name}.weights" + (f".{source}" if len(sources) > 1 else "")
                z = z + F.linear(outputs[source], self.parameters[tensor])
            if f"{name}.bias" in self.parameters:
                z = z + self.parameters[f"{name}.bias"]
            outputs[name] = z if layer is self.network["layers"][-1] else self.activate(layer, z)
        return z

    # Loss

    def data_loss(self, z, targets):
        kind, reduction = self.loss_settings["kind"], self.loss_settings.get("reduction", "mean")
        output = self.network["output"]
        # PyTorch's means are over samples and outputs, Gradloom's over samples alone.
        outputs = targets.shape[1] if reduction == "mean" else 1
        if kind == "cross_entropy" and output == "softmax":
            self.used.add("torch.nn.functional.cross_entropy")
            return F.cross_entropy(z, targets.argmax(1) if self.has_classes else targets, reduction=reduction)
        if kind == "cross_entropy":
            self.used.add("torch.nn.functional.binary_cross_entropy_with_logits")
            return outputs * F.binary_cross_entropy_with_logits(z, targets, reduction=reduction)
        if output == "softmax_weighted":
            prediction = self.softmax_weighted(z, self.network["layers"][-1]["components"])
        else:
            prediction = {"softmax": lambda z: torch.softmax(z, 1), "sigmoid": torch.sigmoid,
                          "identity": lambda z: z}[output](z)
        self.used.add("torch.nn.functional.mse_loss")
        factor = 0.5 if kind == "half_squared" else 1
        return factor * outputs * F.mse_loss(prediction, targets, reduction=reduction)

    def penalty(self):
        return self.loss_settings.get("l2", 0) * sum((weight**2).sum() for weight in self.weights)

    # Optimizer

    @property
    def adds_penalty_to_loss(self):
        """PyTorch's weight_decay is added after clipping, and is AdamW's decoupled decay: the penalty is neither."""
        return "clip_norm" in self.rule or self.rule["kind"] == "adamw"

    def make_optimizer(self):
        kind, rate = self.rule["kind"], self.rule["learning_rate"]
        decay = 0 if self.adds_penalty_to_loss else 2 * self.loss_settings.get("l2", 0)
        if kind == "adamw":
            decay = self.rule.get("weight_decay", 0.01)
        # Biases have neither penalty nor decay.
        groups = [{"params": self.weights, "weight_decay": decay}]
        if self.biases:
            groups.append({"params": self.biases, "weight_decay": 0})
        if kind in ("adam", "adamw"):
            make = torch.optim.Adam if kind == "adam" else torch.optim.AdamW
            self.optimizer = make(
                groups, lr=rate, betas=(self.rule.get("beta1", 0.9), self.rule.get("beta2", 0.999)),
                eps=self.rule.get("epsilon", 1e-8))
        else:
            momentum = 0 if kind == "sgd" else self.rule.get("momentum", 0.9)
            self.optimizer = torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=kind == "nesterov")
        self.used.add(f"torch.optim.{type(self.optimizer).__name__}")

    def clip(self):
        """clip_grad_norm_ would divide by the norm plus 1e-6."""
        limit = self.rule.get("clip_norm")
        if limit is None:
            return
        self.used.add(BY_HAND + "clipping without the 1e-6 of clip_grad_norm_")
        gradients = [value.grad for value in self.parameters.values()]
        norm = torch.nn.utils.get_total_norm(gradients)
        if norm > limit:
            self.clipped_steps += 1
            for gradient in gradients:
                gradient.mul_(limit / norm)

    # Schedule

    def make_schedule(self):
        schedule = self.rule.get("schedule", {"kind": "constant"})
        warmup = schedule.get("warmup_steps", 0)
        steps = STEPS - warmup
        if schedule["kind"] == "one_cycle" and warmup > 0:
            self.used.add(BY_HAND + "warm-up to the first rate of one_cycle")
            self.scheduler = lr_scheduler.LambdaLR(
                self.optimizer, lambda step: self.warmed_one_cycle(schedule, step, warmup, steps))
            return
        main = self.curve(schedule, steps)
        if main is not None:
            self.used.add(f"torch.optim.lr_scheduler.{type(main).__name__}")
        if warmup > 0:
            self.used.add("torch.optim.lr_scheduler.LinearLR")
            ramp = lr_scheduler.LinearLR(self.optimizer, 1 / warmup, 1, warmup - 1)
            main = main or lr_scheduler.ConstantLR(self.optimizer, 1, 0)
            main = lr_scheduler.SequentialLR(self.optimizer, [ramp, main], [warmup])
        self.scheduler = main

    def curve(self, schedule, steps):
        factor, floor = schedule.get("factor", 0.1), schedule.get("floor", 0)
        match schedule["kind"]:
            case "constant":
                return None
            case "step":
                return lr_scheduler.StepLR(
                    self.optimizer, schedule.get("every_epochs", 1) * STEPS_PER_EPOCH, factor)
            case "exponential":
                # Along the steps, not from epoch to epoch.
                return lr_scheduler.ExponentialLR(self.optimizer, factor ** (1 / STEPS_PER_EPOCH))
            case "cosine":
                # The last step has the last rate.
                return lr_scheduler.CosineAnnealingLR(
                    self.optimizer, steps - 1, self.rule["learning_rate"] * floor)
            case "one_cycle":
                first, peak = schedule.get("initial_factor", 0.04), schedule.get("peak_fraction", 0.3)
                # PyTorch's peak is at step pct_start · steps − 1, Gradloom's at peak_fraction · (steps − 1).
                return lr_scheduler.OneCycleLR(
                    self.optimizer, self.rule["learning_rate"], steps, pct_start=(peak * (steps - 1) + 1) / steps,
                    div_factor=1 / first, final_div_factor=first / floor if floor else math.inf,
                    cycle_momentum=False)

    @staticmethod
    def warmed_one_cycle(schedule, step, warmup, steps):
        first, peak = schedule.get("initial_factor", 0.04), schedule.get("peak_fraction", 0.3)
        if step < warmup:
            return first * (step + 1) / warmup
        place = (step - warmup) / (steps - 1)
        start, end, part = (first, 1, place / peak) if place < peak else (
            1, schedule.get("floor", 0), (place - peak) / (1 - peak))
        return end + (start - end) * (1 + math.cos(math.pi * part)) / 2

    # Steps

    def run(self):
        """The loss of every batch before its step, penalty included."""
        losses = []
        for step in range(STEPS):
            start = step % STEPS_PER_EPOCH * BATCH
            x, targets = self.inputs[start:start + BATCH], self.targets[start:start + BATCH]
            self.optimizer.zero_grad()
            data_loss, penalty = self.data_loss(self.logits(x), targets), self.penalty()
            losses.append((data_loss + penalty).item())
            (data_loss + penalty if self.adds_penalty_to_loss else data_loss).backward()
            self.clip()
            self.optimizer.step()
            if self.scheduler is not None:
                self.scheduler.step()
        return losses
