"""What is installed, and what must not be installed together. Imports none of it."""

import platform
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version

from mezoo.doctor.finding import Finding

LIBRARIES = (
    *("mezoo", "torch", "torchvision", "lightning", "numpy", "scipy", "numba", "av", "decord", "wandb"),
    *("opencv-contrib-python", "safetensors", "timm", "torch-geometric", "mediapipe"),
)
OPENCV = ("opencv-python", "opencv-contrib-python", "opencv-python-headless", "opencv-contrib-python-headless")
STOLEN = ("2.6.2", "2.6.3")
"""Releases of lightning that carried code which stole passwords; they were withdrawn."""
Installed = Callable[[str], str | None]


def installed(name: str) -> str | None:
    """Version of a distribution, None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def versions(find: Installed = installed) -> Iterator[Finding]:
    """Python, the system and the libraries that numbers depend on."""
    yield Finding("python", f"{platform.python_version()} at {sys.executable}, {platform.platform()}")
    known = {name: find(name) for name in LIBRARIES}
    yield Finding("libraries", ", ".join(f"{name} {found}" for name, found in known.items() if found))


def requirements() -> Iterator[Finding]:
    """What mezoo asks for and does not get. Says nothing where the parser of such sentences is not installed."""
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        return
    try:
        asked = requires("mezoo") or []
    except PackageNotFoundError:
        yield Finding("requirements", "mezoo runs from its source and is not installed: nothing to compare", "note")
        return
    missing: list[str] = []
    for text in asked:
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            found = installed(wanted.name)
            if found is None or not wanted.specifier.contains(found, prereleases=True):
                missing.append(f"{wanted.name}{wanted.specifier} ({found or 'not installed'})")
    if missing:
        yield Finding("requirements", "; ".join(missing), "wrong", "pip install --upgrade mezoo")
    else:
        yield Finding("requirements", "all are installed in versions that mezoo was made for")


def bad_together(find: Installed = installed) -> Iterator[Finding]:
    """Combinations that are known to steal, to crash, or to break each other's files."""
    for name in ("lightning", "pytorch-lightning"):
        if find(name) in STOLEN:
            what = f"{name} {find(name)} carried code that steals passwords"
            yield Finding("lightning", what, "wrong", f"pip install '{name}!=2.6.2,!=2.6.3', and change your passwords")
    several = {name: found for name in OPENCV if (found := find(name))}
    if len(several) > 1:
        yield _several(several)
    elif not several:
        yield Finding("opencv", "none of its wheels is installed", "wrong", "pip install opencv-contrib-python")
    if find("decord") is None:
        what = "decord is not installed: films are read by PyAV, to the same frames, more slowly"
        yield Finding("decord", what, "note", "pip install decord, where there is a wheel (Linux x86-64, Windows)")
    yield from _torch_pair(find)


def _several(found: Mapping[str, str]) -> Finding:
    named = " and ".join(f"{name} {number}" for name, number in found.items())
    what = f"{named} write the same folder cv2, and the last one wins in parts"
    hint = f"pip uninstall {' '.join(found)}; then pip install opencv-contrib-python"
    return Finding("opencv", what, "wrong", hint)


def _torch_pair(find: Installed) -> Iterator[Finding]:
    """torchvision is built for one torch, and crashes with another."""
    torch = find("torch")
    if torch is None or find("torchvision") is None:
        return
    for text in requires("torchvision") or []:
        wanted = re.fullmatch(r"torch\s*\(?\s*(?P<how>==|>=)\s*(?P<which>[\d.]+)\)?", text)
        if wanted and not _meets(torch, wanted["how"], wanted["which"]):
            what = f"torchvision {find('torchvision')} is built for torch {wanted['which']}, torch {torch} is installed"
            yield Finding("torchvision", what, "wrong", "pip install --upgrade torch torchvision")


def _meets(found: str, how: str, which: str) -> bool:
    given, wanted = ([int(n) for n in re.findall(r"\d+", v.partition("+")[0])[:3]] for v in (found, which))
    return given == wanted if how == "==" else given >= wanted
