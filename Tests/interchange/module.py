"""A PyTorch module of an exported network, built from its description."""

import torch
from torch import nn

ACTIVATIONS = {
    "identity": lambda z: z, "sigmoid": torch.sigmoid, "relu": torch.relu, "arctan": torch.atan, "tanh": torch.tanh,
    "exp": torch.exp, "softplus": nn.functional.softplus, "threshold": lambda z: (z >= 0).to(z.dtype),
}


class Standardization(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features, dtype=torch.float64))
        self.register_buffer("deviation", torch.ones(features, dtype=torch.float64))

    def forward(self, x):
        return (x - self.mean) / self.deviation


class Network(nn.Module):
    """Load the tensors of the file with `load_state_dict`; `standardized` says whether they have a standardisation."""

    def __init__(self, description, standardized=False):
        super().__init__()
        self._description = description
        if standardized:
            self.standardization = Standardization(description["inputs"])
        for layer in description["layers"]:
            rows = layer["units"] * layer["components"]
            self.add_module(layer["name"], nn.Linear(layer["input_count"], rows, bias=layer["bias"]))

    def forward(self, x):
        if "standardization" in self._modules:
            x = self.standardization(x).to(x.dtype)
        values = {}
        for layer in self._description["layers"]:
            inputs = [
                values[source["layer"]] if "layer" in source
                else x[:, source["first_feature"]:][:, :source["feature_count"]]
                for source in layer["inputs"]
            ]
            z = self._modules[layer["name"]](torch.cat(inputs, dim=1))
            values[layer["name"]] = self._activate(layer["activation"], z, layer)
        return self._predict(z, layer)

    @staticmethod
    def _activate(name, z, layer):
        if name == "softmax_weighted":
            components = z.reshape(-1, layer["units"], layer["components"])
            return (components * components.softmax(2)).sum(2)
        return ACTIVATIONS[name](z)

    def _predict(self, z, layer):
        kind = self._description["output"]
        return z.softmax(1) if kind == "softmax" else self._activate(kind, z, layer)
