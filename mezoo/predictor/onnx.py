"""Trained networks as ONNX for programs without mezoo; each file is compared with PyTorch before it counts."""

import json
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mezoo.contracts import Bars
from mezoo.errors import MezooError, PluginError, RunError
from mezoo.plugin_objects import make
from mezoo.predictor.onnx_card import Port, Written, card
from mezoo.predictor.trained import Trained
from mezoo.weights import load_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mezoo.models import Model

OPSET = 18
TOLERANCE = 1e-4
"""Largest difference to PyTorch that is accepted, as a share of the largest value of an output."""
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_SAMPLES = 4
_BATCHES = (slice(0, 1), slice(1, _SAMPLES))


@dataclass(frozen=True, slots=True)
class Network:
    """A network to write, four random samples of its inputs by name, and what the file says of itself."""

    title: str
    module: "nn.Module"
    inputs: Mapping[str, "Tensor"]
    facts: Mapping[str, str]

    def some(self, rows: slice) -> dict[str, "Tensor"]:
        """Some of the samples."""
        return {name: tensor[rows] for name, tensor in self.inputs.items()}

    def answers(self, rows: slice) -> dict[str, Any]:
        """What PyTorch says of some of the samples, as arrays by name."""
        import torch

        with torch.no_grad():
            return {name: tensor.numpy() for name, tensor in self.module(**self.some(rows)).items()}


def require() -> None:
    """Raise RunError where a package that ONNX needs is not installed."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise RunError(
            f"--onnx needs {', '.join(PACKAGES)}; not installed: {', '.join(missing)}",
            hint='pip install "mezoo[onnx]"',
        )


def write_networks(trained: Trained, folder: Path, bars: Bars) -> None:
    """Write NAME.onnx for every member into a new `folder`, and a README.md that says what goes in and comes out.

    Raises RunError where a network cannot be written, or answers otherwise than PyTorch.
    """
    folder.mkdir()
    written: list[Written] = []
    told = ""
    with bars("writing ONNX", len(trained.members)) as bar:
        for name, model in _members(trained):
            with _in_a_sentence(trained.method().name):
                network = network_of(model, trained)
                written.append(write(network, folder / f"{name}.onnx"))
                told = type(network.module).forward.__doc__ or ""
            bar.advance(name)
    text = card(trained, written, told, f"opset {OPSET}; more than {TOLERANCE:g} is never written")
    (folder / "README.md").write_text(text, encoding="utf-8")


def network_of(model: "Model", trained: Trained) -> Network:
    """The network of a loaded model. Raises RunError for a model without one."""
    title, found = trained.method().name, model.portable()
    if found is None:
        raise RunError(f"{title} cannot be written as ONNX: it offers no network alone", hint="export without --onnx")
    module, inputs = found
    if {tensor.shape[0] for tensor in inputs.values()} != {_SAMPLES}:
        raise PluginError(f"{title}.portable must give {_SAMPLES} samples of every input")
    made = trained.made
    facts = {
        "method": title,
        "task": trained.task,
        "classes": json.dumps([*made["classes"]]),
        "trained_on": str(made["dataset"]["title"]),
        "synthetic": json.dumps(bool(made["synthetic"])),
    }
    return Network(title, module.eval(), inputs, facts)


def write(network: Network, path: Path) -> Written:
    """Write one network and compare it with PyTorch. Raises RunError if they differ by more than TOLERANCE."""
    written = _written(network, path)
    # Not `> TOLERANCE`: a difference that is no number is not accepted either.
    worst = [f"{name} by {value:.2g}" for name, value in written.differences.items() if not value <= TOLERANCE]
    if worst:
        raise RunError(
            f"{network.title} as ONNX differs from PyTorch: {', '.join(worst)} of the largest value, and at most "
            f"{TOLERANCE:g} is accepted",
            hint="export without --onnx, and report this with the versions of torch and onnxscript",
        )
    return written


@contextmanager
def _in_a_sentence(title: str) -> Generator[None]:
    """Whatever a plugin, the exporter or the runtime raises, as a RunError."""
    try:
        yield
    except MezooError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise RunError(
            f"{title} cannot be written as ONNX ({type(error).__name__}: {reason})",
            hint="export without --onnx; weights of an older mezoo, or an older torch or onnxscript, may be the reason",
        ) from error


def _written(network: Network, path: Path) -> Written:
    import onnx
    import onnxruntime

    proto = _converted(network)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save_model(proto, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs, outputs = (
        tuple(Port(p.name, p.type.removeprefix("tensor(").removesuffix(")"), tuple(p.shape)) for p in ports)
        for ports in (session.get_inputs(), session.get_outputs())
    )
    if any(isinstance(port.shape[0], int) for port in inputs):
        raise PluginError(
            f"{network.title} became ONNX for batches of one size only",
            hint="in `portable`, x.shape[0] stays open where len(x) does not",
        )
    return Written(path, inputs, outputs, _differences(network, session))


def _converted(network: Network) -> Any:
    """The network as an onnx.ModelProto, without a word about the disk it was made on."""
    import onnx
    import torch

    batch = torch.export.Dim("batch")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are about the exporter's own insides
        program = torch.onnx.export(
            network.module,
            kwargs=network.some(_BATCHES[1]),
            dynamo=True,
            dynamic_shapes={name: {0: batch} for name in network.inputs},
            output_names=[*network.answers(_BATCHES[0])],
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    proto: Any = program.model_proto
    graph = proto.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.helper.set_model_props(proto, dict(network.facts))
    return proto


def _differences(network: Network, session: Any) -> dict[str, float]:
    """Of each output the largest difference to PyTorch in two batches of different sizes, as a share of its scale."""
    worst: dict[str, float] = {}
    for rows in _BATCHES:
        expected = network.answers(rows)
        given = {name: tensor.numpy() for name, tensor in network.some(rows).items()}
        for (name, there), here in zip(expected.items(), session.run([*expected], given), strict=True):
            if here.shape != there.shape:
                raise RunError(f"{network.title} as ONNX gives {name} as {here.shape}, PyTorch as {there.shape}")
            share = np.abs(here.astype(np.float64) - there).max() / (np.abs(there).max() or 1.0)
            worst[name] = float(np.maximum(share, worst.get(name, 0.0)))
    return worst


def _members(trained: Trained) -> Iterator[tuple[str, "Model"]]:
    """Each member with its weights, on the CPU, one at a time."""
    from mezoo.models import Recognizer

    for name, path in trained.members.items():
        model: Model = make(trained.model)
        if isinstance(model, Recognizer):
            model.classes = tuple(trained.made["classes"])
        yield name, load_weights(model, path)
