"""The trainings that are recorded: configurations of Gradloom, and what their targets are."""

# Four inputs and eleven samples in batches of four: an epoch has two full batches and one of three samples.
INPUTS, SAMPLES, BATCH, STEPS = 4, 11, 4, 50
LAYERS = [{"units": 6, "activation": "tanh"}, {"units": 3}]


def case(name, targets="classes", layers=LAYERS, output="softmax", loss=None, optimizer=None):
    configuration = {
        "network": {"layers": layers, "output": output},
        "loss": {"kind": "cross_entropy", **(loss or {})},
        "optimizer": {"kind": "sgd", "learning_rate": 0.1, **(optimizer or {})},
        "training": {"batch": BATCH, "steps": STEPS, "epochs": STEPS},
    }
    return {"name": name, "targets": targets, "configuration": configuration}


OPTIMIZERS = {
    "sgd": {"kind": "sgd", "learning_rate": 0.2},
    "momentum": {"kind": "momentum", "learning_rate": 0.05},
    "momentum 0.5": {"kind": "momentum", "learning_rate": 0.1, "momentum": 0.5},
    "nesterov": {"kind": "nesterov", "learning_rate": 0.05},
    "nesterov 0.5": {"kind": "nesterov", "learning_rate": 0.1, "momentum": 0.5},
    "adam": {"kind": "adam", "learning_rate": 0.02},
    "adam, betas 0.7 and 0.95": {"kind": "adam", "learning_rate": 0.02, "beta1": 0.7, "beta2": 0.95},
    "adam, epsilon 0.01": {"kind": "adam", "learning_rate": 0.02, "epsilon": 0.01},
    "adamw": {"kind": "adamw", "learning_rate": 0.02},
    "adamw, decay 0.3": {"kind": "adamw", "learning_rate": 0.02, "weight_decay": 0.3, "epsilon": 0.001},
    "adamw, decay 0": {"kind": "adamw", "learning_rate": 0.02, "weight_decay": 0},
}

SCHEDULES = {
    "constant": {"kind": "constant"},
    "step": {"kind": "step", "factor": 0.7},
    "step, every third epoch": {"kind": "step", "factor": 0.5, "every_epochs": 3},
    "exponential": {"kind": "exponential", "factor": 0.8},
    "cosine": {"kind": "cosine"},
    "cosine to 0.1": {"kind": "cosine", "floor": 0.1},
    "one cycle": {"kind": "one_cycle"},
    "one cycle, 0.2 to 0.05, peak at 0.4": {
        "kind": "one_cycle", "initial_factor": 0.2, "floor": 0.05, "peak_fraction": 0.4},
}

# Output map, loss and targets of everything that can be trained.
LOSSES = [
    ("softmax", "cross_entropy", "classes"), ("softmax", "cross_entropy", "shares"),
    ("softmax", "squared_sum", "classes"), ("softmax", "half_squared", "shares"),
    ("sigmoid", "cross_entropy", "decisions"), ("sigmoid", "cross_entropy", "shares"),
    ("sigmoid", "squared_sum", "decisions"), ("sigmoid", "half_squared", "decisions"),
    ("identity", "squared_sum", "values"), ("identity", "half_squared", "values"),
    ("softmax_weighted", "squared_sum", "values"), ("softmax_weighted", "half_squared", "values"),
]

ACTIVATIONS = [
    {"activation": "identity"}, {"activation": "sigmoid"}, {"activation": "relu"},
    {"activation": "relu", "relu_at_zero": 1}, {"activation": "arctan"}, {"activation": "tanh"},
    {"activation": "exp"}, {"activation": "softplus"}, {"activation": "softmax_weighted", "components": 3},
]

GRAPH = [
    {"name": "a", "units": 5, "activation": "tanh"},
    {"name": "b", "units": 4, "activation": "softplus", "inputs": ["a", "input"]},
    {"name": "c", "units": 3, "activation": "sigmoid", "inputs": ["a"], "bias": False},
    {"name": "out", "units": 3, "inputs": ["b", "c"]},
]


def all_cases():
    cases = []
    for name, optimizer in OPTIMIZERS.items():
        cases.append(case(name, optimizer=optimizer))
        if name != optimizer["kind"]:
            continue
        clipped = {**optimizer, "clip_norm": 0.4}
        cases += [
            case(f"{name}, l2", loss={"l2": 0.02}, optimizer=optimizer),
            case(f"{name}, clipped", optimizer=clipped),
            case(f"{name}, l2, clipped", loss={"l2": 0.02}, optimizer=clipped),
        ]
    for name, schedule in SCHEDULES.items():
        optimizer = {"kind": "momentum", "learning_rate": 0.05}
        cases += [
            case(f"schedule {name}", optimizer={**optimizer, "schedule": schedule}),
            case(f"schedule {name}, warm-up",
                 optimizer={**optimizer, "schedule": {**schedule, "warmup_steps": 7}}),
        ]
    cases.append(case("adam, one cycle, clipped", optimizer={
        **OPTIMIZERS["adam"], "clip_norm": 0.4, "schedule": {"kind": "one_cycle"}}))
    for output, kind, targets in LOSSES:
        layers = [LAYERS[0], {"units": 3, **({"components": 2} if output == "softmax_weighted" else {})}]
        for reduction in ["mean", "sum"]:
            cases.append(case(
                f"{output} {kind} of {targets}, {reduction}", targets, layers, output,
                {"kind": kind, "reduction": reduction},
                {"learning_rate": 0.1 if reduction == "mean" else 0.02}))
    for activation in ACTIVATIONS:
        words = " ".join(str(value) for value in activation.values())
        cases.append(case(f"activation {words}", layers=[{"units": 6, **activation}, {"units": 3}]))
    cases += [
        case("no bias", layers=[{**LAYERS[0], "bias": False}, {"units": 3, "bias": False}]),
        case("skip connections", layers=GRAPH, loss={"l2": 0.01}, optimizer=OPTIMIZERS["adamw"]),
    ]
    return cases
