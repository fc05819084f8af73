"""What a GPU gives: steps of two networks in several settings, and optical flow in batches, beside one CPU core.

    python benchmarks/gpu.py [--device cuda] [--json benchmarks/gpu.json]

Ratios of medians over interleaved rounds; the device is named in the table and in the JSON.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROUNDS, STEPS = 5, 10
Step = Callable[[], object]


def main() -> int:
    """Measure and print; 2 where the device is not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--json", default="")
    parser.add_argument("--small", action="store_true", help="sizes for a look on a CPU")
    arguments = parser.parse_args()
    if arguments.device.startswith("cuda") and not torch.cuda.is_available():
        print("there is no GPU here; --device cpu --small shows that the script works", file=sys.stderr)
        return 2
    device = torch.device(arguments.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "cpu"
    rows = [*resnet(device, small=arguments.small), *auwgcn(device), *flow(device, small=arguments.small)]
    print(f"{name}, torch {torch.__version__}")
    print(f"{'what':<44}{'ms':>10}{'spread':>20}{'x first':>9}")
    for row in rows:
        spread = f"{row['min']:.1f} - {row['max']:.1f}"
        print(f"{row['what']:<44}{row['ms']:>10.1f}{spread:>20}{row['ratio']:>9.2f}")
    if arguments.json:
        Path(arguments.json).write_text(
            json.dumps({"device": name, "torch": torch.__version__, "rows": rows}, indent=1)
        )
    return 0


def resnet(device: torch.device, *, small: bool) -> list[dict[str, Any]]:
    """A training step of ResNet34-LSTM on 8 clips of 10 pictures: layout, precision, compilation."""
    from mezoo_resnet_lstm.network import ResNetLSTM, Sizes

    side, clips = (56, 2) if small else (224, 8)
    size = Sizes("resnet34", (64, 128, 256, 512), True, "pairs", 16, 3.0, 3, False, 256, 0.0, 0.0)
    batch = torch.rand(clips, 10, side, side, 3, device=device)
    labels = torch.randint(0, 5, (clips,), device=device)

    def step_of(layout: torch.memory_format, precision: torch.dtype | None, *, compiled: bool = False) -> Step:
        torch.manual_seed(0)
        network = ResNetLSTM(size, 5, None).to(device).to(memory_format=layout)  # pyright: ignore
        if compiled:
            network.compile()
        optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)

        def step() -> None:
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device.type, precision or torch.bfloat16, enabled=precision is not None):
                loss = torch.nn.functional.cross_entropy(network(batch.movedim(-1, 2)).float(), labels)
            loss.backward()
            optimizer.step()

        return step

    ways = {
        "float32": step_of(torch.contiguous_format, None),
        "float32, channels last": step_of(torch.channels_last, None),
        "bf16, channels last": step_of(torch.channels_last, torch.bfloat16),
    }
    if not small:
        ways["bf16, channels last, compiled"] = step_of(torch.channels_last, torch.bfloat16, compiled=True)
    return measured("ResNet34-LSTM step", ways, device)


def auwgcn(device: torch.device) -> list[dict[str, Any]]:
    """A training step of AUW-GCN on 128 windows."""
    from mezoo_auwgcn.network import Network

    network = Network(torch.eye(12)).to(device)
    motion = torch.rand(128, 270, 12, 2, device=device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        network(motion).square().mean().backward()
        optimizer.step()

    return measured("AUW-GCN step", {"float32": step}, device)


def flow(device: torch.device, *, small: bool) -> list[dict[str, Any]]:
    """TV-L1 of 64 pairs of 128 x 128: one CPU core's fused sweep, and the batch on the device."""
    from mezoo_flow.extractor import one_by_one
    from mezoo_flow.tvl1 import Settings, fast_solver
    from mezoo_flow.tvl1_torch import torch_solver

    rng = np.random.default_rng(0)
    pairs, side = (4, 64) if small else (64, 128)
    base = torch.nn.functional.avg_pool2d(torch.from_numpy(rng.normal(size=(pairs, 1, side + 8, side + 8))), 9, 1, 4)
    pictures = ((base - base.min()) / (base.max() - base.min()) * 255).byte().numpy()[:, 0]
    first, second = pictures[:, 4:-4, 4:-4].copy(), pictures[:, 4:-4, 5:-3].copy()
    settings = Settings()
    core, batch = one_by_one(fast_solver(settings)), torch_solver(settings, str(device))
    ways: dict[str, Step] = {
        "fused sweep, one core": lambda: core(first, second),
        f"batch on {device.type}": lambda: batch(first, second),
    }
    return measured(f"TV-L1, {pairs} pairs", ways, device, steps=1)


def measured(what: str, ways: dict[str, Step], device: torch.device, steps: int = STEPS) -> list[dict[str, Any]]:
    """Milliseconds a step of each way, in turn, round after round; the first round warms up and is dropped."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(ROUNDS + 1):
        for name, step in ways.items():
            begun = time.perf_counter()
            for _ in range(steps):
                step()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if round_:
                times[name].append(1000 * (time.perf_counter() - begun) / steps)
    first = statistics.median(next(iter(times.values())))
    return [
        {
            "what": f"{what}: {name}",
            "ms": statistics.median(found),
            "min": min(found),
            "max": max(found),
            "ratio": first / statistics.median(found),
        }
        for name, found in times.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
