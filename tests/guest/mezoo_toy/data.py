"""Films of 4x4 pixels that brighten during an expression, more on its left or on its right."""

import json
from pathlib import Path

import numpy as np

from mezoo import DataError, Dataset, Expression, Video, datasets


class ToyFrames:
    """Noise, brighter inside the expressions."""

    def __init__(self, file: Path, seed: int, events: list[list[int]], gain: float) -> None:
        rng = np.random.default_rng(seed)
        level = np.full(120, 60.0)
        slope = np.zeros((120, 4))
        for number, (onset, offset) in enumerate(events):
            level[onset : offset + 1] += 60 * gain
            slope[onset : offset + 1] = np.array([-1, -1, 1, 1]) * 20 * gain * (-1) ** (number + seed)
        self.file = file
        noise = rng.normal(0, 6, (120, 4, 4))
        self.images = (level[:, None, None] + slope[:, None] + noise).clip(0, 255).astype(np.uint8)

    def __len__(self) -> int:
        return len(self.images)

    def read(self, index: int, *, grey: bool = False) -> np.ndarray:
        return self.images[index] if grey else np.repeat(self.images[index][..., None], 3, axis=2)

    def number(self, index: int) -> int:
        return index + 1

    def files(self) -> tuple[Path, ...]:
        return (self.file,)


class Toy(Dataset):
    """Four subjects with two films each."""

    info = datasets.DatasetInfo(
        "Toy films", "none", "nobody", "it is generated", "toy.json", fps=30, emotions=("left", "right")
    )

    def __init__(self, root: Path, limit: int | None = None) -> None:
        self.root, self.limit = root, limit

    def videos(self) -> list[Video]:
        file = self.root / "toy.json"
        if not file.is_file():
            raise DataError(f"no toy.json in {self.root}", hint="use --synthetic")
        table = json.loads(file.read_text())
        return [self._video(file, i, row, table["gain"]) for i, row in enumerate(table["rows"])][: self.limit]

    def _video(self, file: Path, index: int, row: dict, gain: float) -> Video:
        frames = ToyFrames(file, index, row["events"], gain)
        sides = ("left", "right") if index % 2 else ("right", "left")
        events = tuple(Expression(f"e{i}", "micro", a, b, None, sides[i]) for i, (a, b) in enumerate(row["events"]))
        return Video("toy", row["subject"], f"v{index}", 30.0, frames, events)

    def verify(self) -> datasets.Verification:
        count = {"videos": len(self.videos())}
        return datasets.Verification(count, count, (datasets.Excluded("v0", "nothing", "kept"),))

    @classmethod
    def write_synthetic(cls, out: Path, spec, bars=datasets.no_bars) -> None:
        rng = np.random.default_rng(spec.seed)
        out.mkdir(parents=True)
        rows = []
        with bars("films", 1) as bar:
            bar.advance("all")
        for subject in range(spec.subjects or 4):
            for _ in range(2):
                first, second = sorted(rng.choice(5, 2, replace=False) * 20 + 5)
                rows.append({"subject": f"{subject:02d}", "events": [[int(f), int(f) + 9] for f in (first, second)]})
        (out / "toy.json").write_text(json.dumps({"gain": spec.intensity, "rows": rows}))
        (out / "SYNTHETIC.json").write_text("{}")
