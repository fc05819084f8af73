"""The house keeps its walls: who may import whom, and what must not import torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = [
    {"signals", "machine"},
    {"errors", "records", "files", "side_by_side", "source"},
    {
        "answers",
        "arrays",
        "frames",
        "intervals",
        "yaml_marks",
        "envelope",
        "tables",
        "tables_out",
        "spots",
        "synthetic",
    }
    | {"tensor_file", "films", "sampling", "svg", "prediction", "outline", "promises", "disk", "unwritten", "heap"},
    {"metrics", "registry", "fold_folder", "cluster"},
    {"protocols", "statistics", "result", "contracts", "models", "signatures", "run_folder"},
    {"datasets"},
    {"clips", "splits", "recipe", "store", "progress", "scoring", "weights"},
    {"joint_recipe", "recipe_text", "plugin_objects", "data", "stand_in", "tasks", "transfer"},
    {"plan", "inference", "learning", "extraction", "claims"},
    {"fold", "summary", "report", "view", "diff", "leaderboard", "predictor"},
    {"tracking"},
    {"jobs"},
    {"executors"},
    {"run", "predicted"},
    {"notebook"},
    {"inputs", "audit", "costs", "joint", "doctor"},
    {"testing", "recipe_schema", "completion"},
    {"scaffold"},
    {"commands"},
    {"commands_audit", "commands_claims", "commands_data", "commands_features", "commands_fit", "commands_predict"}
    | {
        "commands_leaderboard",
        "commands_doctor",
        "commands_plan",
        "commands_plugins",
        "commands_report",
        "commands_score",
    },
    {"arguments"},
    {"cli"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
HEAVY = {"torch", "lightning", "torchvision", "timm", "torch_geometric", "torchmetrics", "wandb"}


def files(folder: str) -> list[Path]:
    return sorted(p for p in (ROOT / folder).rglob("*.py") if "__pycache__" not in p.parts)


def imports(file: Path, *, top_only: bool = False) -> list[tuple[str, tuple[str, ...]]]:
    """(module, names) of every import of a file; relative ones as '.'-led text."""
    found: list[tuple[str, tuple[str, ...]]] = []
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(a.name, ()) for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(("." * node.level + (node.module or ""), tuple(a.name for a in node.names)))
    return found


def room(module: str) -> str:
    return module.split(".")[1]


def test_every_module_has_a_place():
    modules = {p.relative_to(ROOT / "mezoo").parts[0].removesuffix(".py") for p in files("mezoo")} - {"__init__"}
    assert modules == set(RANK)


@pytest.mark.parametrize("file", [f for f in files("mezoo") if f != ROOT / "mezoo/__init__.py"], ids=lambda p: p.name)
def test_imports_go_down(file):
    own = file.relative_to(ROOT / "mezoo").parts[0].removesuffix(".py")
    for module, names in imports(file):
        targets = [f"mezoo.{n}" for n in names] if module == "mezoo" else [module]
        for target in targets:
            if target.startswith("mezoo.") and room(target) in RANK and room(target) != own:
                assert RANK[room(target)] < RANK[own], f"{own} imports {room(target)}"


@pytest.mark.parametrize("file", files("plugins"), ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_plugins_meet_mezoo_only_at_its_door(file):
    folder = file.relative_to(ROOT / "plugins").parts[0]
    others = {p.name for p in (ROOT / "plugins").iterdir() if p.is_dir()} - {folder}
    for module, _ in imports(file):
        top = module.split(".")[0]
        assert not module.startswith("mezoo."), f"{file.name}: import from mezoo, not from {module}"
        assert top not in others, f"{file.name} imports another plugin: {top}"


def test_the_door_offers_what_it_says():
    import mezoo

    for name in mezoo.__all__:
        assert getattr(mezoo, name) is not None
    with pytest.raises(AttributeError, match="offers"):
        _ = mezoo.nothing


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["list"], ["check", "mesnet_samm"], ["show", "mesnet_samm"], ["data", "info", "samm_long"]],
)
def test_light_commands_do_not_import_torch(arguments):
    code = (
        "import sys; from mezoo.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        f"heavy = {HEAVY!r} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_listing_imports_no_plugin(mezoo_process):
    code = (
        "import sys; from mezoo.cli import main; main(['list'])\n"
        "loaded = [m for m in sys.modules if m.startswith('mezoo_')]; assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
