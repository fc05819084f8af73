"""What another program must know of ONNX files, as Markdown: what goes in, what comes out, how exact it is."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from mezoo.predictor.trained import Trained


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output as a file has it; `dtype` is ONNX's word, an open size in `shape` is a name."""

    name: str
    dtype: str
    shape: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A file; `differences` are the largest to PyTorch of each output, as a share of its largest value."""

    path: Path
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    differences: Mapping[str, float]


def card(trained: Trained, written: Sequence[Written], told: str, terms: str) -> str:
    """The README of a folder of ONNX files; `told` explains inputs and outputs, `terms` opset and tolerance."""
    made, one = trained.made, written[0]
    mark = "**SYNTHETIC: trained on drawn faces. It says nothing about people.**\n\n" if made["synthetic"] else ""
    given = ", ".join(f'"{port.name}": {port.name}' for port in one.inputs)
    return (
        f"# {trained.method().name} as ONNX\n\n{mark}"
        "The network alone, with the scaling of its input inside. It takes features of "
        f"`{made['features']['name']}` as they are: ../recipe.yaml says how these are made, and ../README.md what the "
        "weights may be used for.\n\n"
        f'```python\nimport onnxruntime\n\nnetwork = onnxruntime.InferenceSession("{one.path.name}")\n'
        f"answers = network.run(None, {{{given}}})\n```\n\n"
        f"## What goes in and comes out\n\n{_ports(one)}\n{inspect.cleandoc(told)}\n\n{_classes(trained)}"
        f"## Measured\n\nThe largest difference between onnxruntime {version('onnxruntime')} and PyTorch "
        f"{version('torch').partition('+')[0]}, on a CPU, random input, batches of 1 and 3, as a share of the largest "
        f"value of an output ({terms}).\n\n{_measured(written)}"
    )


def _ports(one: Written) -> str:
    ports = [("in", port) for port in one.inputs] + [("out", port) for port in one.outputs]
    rows = (f"| {way} | `{p.name}` | {p.dtype} | ({', '.join(map(str, p.shape))}) |\n" for way, p in ports)
    return f"| | name | type | shape |\n|---|---|---|---|\n{''.join(rows)}"


def _classes(trained: Trained) -> str:
    classes = ", ".join(trained.made["classes"])
    named = f"Classes, in this order: {classes}.\n\n" if classes else ""
    if len(trained.members) == 1:
        return named
    rule = (
        "takes the mean of their probabilities"
        if trained.task == "recognition"
        else "believes an interval that at least half of them find"
    )
    return f"{named}Each file has the weights of one fold; mezoo asks all of them and {rule}.\n\n"


def _measured(written: Sequence[Written]) -> str:
    names = [*written[0].differences]
    head = f"| file | MB | {' | '.join(names)} |\n|{'---|' * (len(names) + 2)}\n"
    rows = (
        f"| {w.path.name} | {w.path.stat().st_size / 2**20:.1f} | "
        f"{' | '.join(f'{w.differences[name]:.1e}' for name in names)} |\n"
        for w in written
    )
    return f"{head}{''.join(rows)}"
