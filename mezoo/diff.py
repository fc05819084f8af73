"""Where two runs part: data index, features, labels, split, parameters, seed, versions, predictions, in this order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mezoo.claims import Members, Refused, read_folder, read_zip
from mezoo.claims.archive import load_json
from mezoo.claims.facts import load_yaml, member
from mezoo.claims.tables import read_table
from mezoo.errors import RunError

State = Literal["equal", "differs", "unknown"]
Items = Mapping[str, Any]
"""What a layer is made of: plain data by name (a key of a recipe, a video, a fold)."""
ABSENT = "absent"
_NAMES = {"dataset", "subject", "video", "clip"}
_Rows = dict[str, list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is not the same in both; `ABSENT` where one run has it not."""

    name: str
    a: Any
    b: Any

    def parting(self) -> tuple[Any, Any]:
        """What to show of both: of equally many rows the cells of the first pair that differs, else all."""
        if not (_is_rows(self.a) and _is_rows(self.b)):
            return self.a, self.b
        if len(self.a) != len(self.b):
            return f"{len(self.a)} rows", f"{len(self.b)} rows"
        a, b = next((a, b) for a, b in zip(self.a, self.b, strict=True) if a != b)
        left, right = (", ".join(f"{c} {row[c]}" for c in row if a.get(c) != b.get(c)) for row in (a, b))
        return left, right


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of two runs. `reason` says why it could not be compared."""

    name: str
    state: State
    items: tuple[Item, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """The files of a run, from its folder or from a claim."""

    path: Path
    members: Members
    parsed: dict[str, Any] = field(default_factory=dict[str, Any])

    def json(self, name: str) -> dict[str, Any]:
        """A JSON file. Raises Refused where it is missing or damaged."""
        return self._read(name, load_json)

    def recipe(self) -> dict[str, Any]:
        """The resolved recipe. Raises Refused."""
        return self._read("recipe.yaml", load_yaml)

    def _read(self, name: str, load: Callable[[str, bytes], Any]) -> dict[str, Any]:
        if name not in self.parsed:
            data = load(name, member(self.members, name))
            if not isinstance(data, dict):
                raise Refused("form", f"{name} holds no keys")
            self.parsed[name] = data
        return self.parsed[name]

    def folds(self) -> dict[str, dict[str, Any]]:
        """`fold.json` by name of the fold."""
        files = [n for n in self.members if n.startswith("folds/") and n.endswith("/fold.json")]
        return {n.split("/")[1]: self.json(n) for n in sorted(files)}

    def rows(self, name: str) -> _Rows:
        """Rows of a table by video, in the order of the file. Raises Refused."""
        found: _Rows = {}
        for row in read_table(self.members, name, ("dataset", "subject")).rows:
            cells = {c: v for c, v in row.cells.items() if c not in _NAMES}
            found.setdefault(row.key, []).append(cells)
        return found

    @property
    def spotting(self) -> bool:
        """Whether its videos are long ones."""
        return "clips" not in self.recipe()


def open_run(path: Path) -> Run:
    """A run folder or a claim. Raises RunError for anything else."""
    if path.is_dir():
        if (members := read_folder(path)) and "run.json" in members:
            return Run(path, members)
        raise RunError(f"{path} is no run folder: it holds no run.json", hint="give the folder that mezoo fit names")
    try:
        return Run(path, read_zip(path))
    except Refused as error:
        raise RunError(f"{path} cannot be read: {error.reason.what}", hint="mezoo verify says more") from error


def diff(a: Run, b: Run) -> list[Layer]:
    """Every layer of two runs, the deepest first."""
    return [_layer(name, of, a, b) for name, of in LAYERS.items()]


def first(layers: list[Layer]) -> Layer | None:
    """The first layer that differs."""
    return next((layer for layer in layers if layer.state == "differs"), None)


def _layer(name: str, of: Callable[[Run], Items], a: Run, b: Run) -> Layer:
    sides: list[Items] = []
    for run in (a, b):
        try:
            sides.append(of(run))
        except Refused as error:
            return Layer(name, "unknown", reason=f"{run.path}: {error.reason.what}")
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            return Layer(name, "unknown", reason=f"{run.path}: not of the form that mezoo writes ({error!r})")
    items = tuple(_differences(*sides))
    return Layer(name, "differs" if items else "equal", items)


def _differences(a: Items, b: Items) -> list[Item]:
    found: list[Item] = []
    for name in sorted({*a, *b}):
        left, right = _common(a.get(name, ABSENT), b.get(name, ABSENT))
        if left != right or type(left) is not type(right):
            found.append(Item(name, left, right))
    return found


def _common(a: Any, b: Any) -> tuple[Any, Any]:
    """Rows without the columns that only one side has: a claim holds no more annotation than a score needs."""
    if not (_is_rows(a) and _is_rows(b)):
        return a, b
    shared = [c for c in a[0] if c in b[0]]
    left, right = ([{c: row[c] for c in shared} for row in rows] for rows in (a, b))
    return left, right


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def flat(data: Any, path: str = "") -> dict[str, Any]:
    """Nested mappings as `key.key`: value; an empty one leaves nothing."""
    if not isinstance(data, Mapping):
        return {path: data}
    return {k: v for key, inner in data.items() for k, v in flat(inner, f"{path}.{key}" if path else str(key)).items()}


def _data(run: Run) -> Items:
    """The dataset as it was asked for, and every video or clip with its frames."""
    recipe = run.recipe()
    clips = {k: v for k, v in (recipe.get("clips") or {}).items() if k != "classes"}
    asked = {"dataset": {**recipe["dataset"]}, "clips": clips, "synthetic": recipe.get("synthetic", {})}
    asked["dataset"].pop("root", None)
    columns = ("fps", "n_frames") if run.spotting else ("first", "last", "n_frames")
    table = run.rows("videos.csv" if run.spotting else "clips.csv")
    return {"task": recipe["task"], **flat(asked), **{k: _only(rows, columns) for k, rows in table.items()}}


def _only(rows: list[dict[str, str]], columns: tuple[str, ...]) -> list[dict[str, str]]:
    return [{c: row[c] for c in columns if c in row} for row in rows]


def _features(run: Run) -> Items:
    made = run.json("result.json")["features"]
    return flat(
        {"features": {k: v for k, v in made.items() if k != "arguments"}} | {"recipe": run.recipe()["features"]}
    )


def _labels(run: Run) -> Items:
    """Classes, whether training labels were shuffled, and the annotation by video."""
    recipe = run.recipe()
    asked = {"clips.classes": (recipe.get("clips") or {}).get("classes"), "protocol": recipe["protocol"]["labels"]}
    table = run.rows("truth.csv" if run.spotting else "clips.csv")
    frames = {"first", "last", "n_frames"}
    kept = {key: [{c: v for c, v in r.items() if c not in frames} for r in rows] for key, rows in table.items()}
    return {"class map": asked["clips.classes"], "training labels": asked["protocol"], **kept}


def _split(run: Run) -> Items:
    """The split, the epoch rule, and of every fold who was trained on and what was left out."""
    protocol = run.recipe()["protocol"]
    asked = {f"protocol.{k}": v for k, v in protocol.items() if k not in {"seed", "labels"}}
    folds = run.folds()
    parts = {name: {k: fold.get(k) for k in ("people", "videos", "state")} for name, fold in folds.items()}
    return asked | flat({f"fold {name}": part for name, part in parts.items()})


def _parameters(run: Run) -> Items:
    recipe = run.recipe()
    count = run.json("result.json")["model"].get("parameters")
    asked = {name: recipe.get(name, {}) for name in ("model", "trainer", "init")}
    return {**flat(asked), "parameters of the model": count}


def _seed(run: Run) -> Items:
    return {"protocol.seed": run.recipe()["protocol"]["seed"]}


def _versions(run: Run) -> Items:
    model = run.json("result.json")["model"]
    return flat({**run.json("environment.json"), "model": {k: model.get(k) for k in ("distribution", "version")}})


def _predictions(run: Run) -> Items:
    """Rows by video; of recognised clips without the truth, which is a label."""
    table = run.rows("predictions.csv")
    return {key: [{c: v for c, v in row.items() if c != "truth"} for row in rows] for key, rows in table.items()}


LAYERS: Mapping[str, Callable[[Run], Items]] = {
    "data index": _data,
    "features": _features,
    "labels": _labels,
    "split": _split,
    "parameters": _parameters,
    "seed": _seed,
    "versions": _versions,
    "predictions": _predictions,
}
