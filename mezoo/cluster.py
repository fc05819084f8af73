"""Tasks on a Ray cluster: each item on some node, what is lost with its node again on another. Ray loads when asked.

Every node has the same environment, and sees the same folders under the same paths.
"""

import os
import platform
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from mezoo.errors import MezooError, RunError

TRIES = 4
"""How often an item is begun that is lost each time."""
LEAST = 16
"""Items in flight at least, where nobody says how many: a cluster that grows on demand has to see a queue."""
BEAT_S = 0.5
PROBE_S = 60.0
"""How long a node may take to answer before work is handed out without its answer."""
SEEN_S = 3.0
"""How long a file that was just written may take to be seen on another node."""
_PASSED_ON = ("MEZOO_", "WANDB_", "TORCH_")
"""Environment variables that tasks take over from the command."""
_SAME = "every node needs the same packages, and the data under the same path"
_REASONS = {
    "NodeDiedError": "its node died or cannot be reached",
    "OutOfMemoryError": "its node ran out of memory",
    "WorkerCrashedError": "its process died",
}


@dataclass(frozen=True, slots=True)
class Errand:
    """What is done with every item, wherever: `prepare(given)` once a process, then `call(tool, item)`.

    Both are functions of a module; what goes in and out is pickled. `places` are folders that every node must see.
    """

    prepare: Callable[[Any], Any]
    call: Callable[[Any, Any], Any]
    given: Any
    places: tuple[Path, ...]
    cpus: int = 1
    gpus: float = 0


class Event(NamedTuple):
    """`given` to the cluster; `done` with a value; lost and begun `again`, or `lost` for good, and why.

    `look`: time passes. `note`: something to tell the user.
    """

    kind: Literal["given", "done", "again", "lost", "look", "note"]
    item: Any = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Site:
    """What a task needs to know of the command: its folder, its environment, and which file shows that disks agree."""

    mark: str
    folder: str
    environment: Mapping[str, str]
    places: tuple[Path, ...]

    def enter(self) -> None:
        """Work as the command does. Raises RunError on a node that does not see its folders."""
        os.environ.update(self.environment)
        with suppress(OSError):  # paths may all be absolute, then the folder is not needed
            os.chdir(self.folder)
        end = time.monotonic() + SEEN_S
        while unseen := [place for place in self.places if not (place / self.mark).is_file()]:
            if time.monotonic() > end:
                raise RunError(
                    f"node {platform.node()} does not see {unseen[0]}",
                    hint="--runs and $MEZOO_CACHE must be folders that all nodes share, under the same path",
                )
            time.sleep(0.2)


def need_ray() -> None:
    """Raise RunError where Ray is not installed."""
    if find_spec("ray") is None:
        raise RunError("the executor ray needs Ray, which is not installed", hint='pip install "mezoo[ray]"')


def connect() -> Any:
    """The module `ray`, joined to the cluster of $RAY_ADDRESS, else to one on this machine that ends with the command.

    Raises RunError for an address where no cluster answers.
    """
    need_ray()
    address = os.environ.get("RAY_ADDRESS")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not address:  # read when Ray is loaded: its servers then listen on the loopback interface only
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    ray: Any = import_module("ray")
    if ray.is_initialized():
        return ray
    # Ray prints the inner state of nodes that die on standard output, where results go; no option keeps it from that.
    printing: Any = import_module("ray._private.worker")
    printing._worker_logs_enabled = False
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if not address:
        ray.init(address="local", num_cpus=_cores(), include_dashboard=False, **quiet)
        return ray
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise RunError(
            f"no cluster to join at RAY_ADDRESS={address}: {_first_line(error)}",
            hint="ray status tells how it is; without RAY_ADDRESS this machine alone is used",
        ) from error
    return ray


def has_gpus() -> bool:
    """Whether any node of the cluster has a GPU."""
    return connect().cluster_resources().get("GPU", 0) > 0


def spread(errand: Errand, items: Sequence[Any], most: int | None) -> Generator[Event]:
    """Do an errand for every item, at most `most` at once (None: some more than there are cores).

    An item whose process or node dies is begun again, `TRIES` times in all. Closed early, it cancels what is running.
    Raises the MezooError that `prepare` or `call` raise; RunError for the rest, and for a node without `places`.
    """
    ray = connect()
    with _marked(errand.places) as mark:
        passed = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
        site = Site(mark, os.getcwd(), passed, tuple(place.absolute() for place in errand.places))
        _probe(ray, site, errand)
        yield from _room(ray, errand)
        yield from _events(ray, site, errand, deque(items), most or max(LEAST, 2 * _cpus(ray)))


def _events(ray: Any, site: Site, errand: Errand, left: deque[Any], most: int) -> Iterator[Event]:
    # In a list, as what is given is fetched once a process and not once a task; no retries of Ray's own, since those
    # of a task that takes too much memory never end.
    given = [ray.put((errand.prepare, errand.call, errand.given))]
    task = ray.remote(_serve).options(num_cpus=errand.cpus, num_gpus=errand.gpus, max_retries=0)
    running: dict[Any, Any] = {}
    tries: dict[int, int] = {}
    try:
        while left or running:
            while left and len(running) < most:
                item = left.popleft()
                running[task.remote(site, given, item)] = item
                yield Event("given", item)
            done, _ = ray.wait([*running], timeout=BEAT_S)
            yield Event("look")
            for reference in done:
                item = running.pop(reference)
                event = _answer(ray, reference, item)
                tries[id(item)] = tries.get(id(item), 1) + (event.kind == "lost")
                if event.kind == "lost" and tries[id(item)] <= TRIES:
                    left.appendleft(item)
                    event = event._replace(kind="again")
                    yield from _room(ray, errand)
                yield event
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        if running:
            ray.wait([*running], num_returns=len(running), timeout=10)


def _answer(ray: Any, reference: Any, item: Any) -> Event:
    try:
        return Event("done", item, ray.get(reference))
    except ray.exceptions.RayTaskError as error:
        raise _told(error) from error
    except ray.exceptions.RayError as error:
        return Event("lost", item, _REASONS.get(type(error).__name__, f"{type(error).__name__}: {_first_line(error)}"))


def _told(error: Any) -> MezooError:
    """What a task raised, for the user."""
    if isinstance(error.cause, MezooError):
        return error.cause
    return RunError(f"a task cannot begin: {_first_line(error.cause)}", hint=_SAME)


_tools: dict[str, Any] = {}


def _serve(site: Site, given: Sequence[Any], item: Any) -> Any:
    """A task: `call` of an errand, with the tool that its `prepare` made in this process."""
    try:
        if site.mark not in _tools:
            _tools.clear()
            site.enter()
            prepare, call, what = import_module("ray").get(given[0])
            _tools[site.mark] = call, prepare(what)
        call, tool = _tools[site.mark]
        return call(tool, item)
    except MezooError:
        raise
    except Exception as error:
        what = f"a task on node {platform.node()} failed: {type(error).__name__}: {_first_line(error)}"
        raise RunError(what, hint=_SAME) from error


def _probe(ray: Any, site: Site, errand: Errand) -> None:
    """Ask every node that may get work whether it sees the folders. Raises RunError for one that does not."""
    policy: Any = import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
    task, free = ray.remote(_look), {"num_cpus": 0, "max_retries": 0}  # a busy node answers too
    nodes = [policy(node["NodeID"], soft=False) for node in _able(ray, errand)]
    asked = [task.options(scheduling_strategy=node, **free).remote(site) for node in nodes]
    for reference in ray.wait(asked, num_returns=len(asked), timeout=PROBE_S)[0] if asked else ():
        _answer(ray, reference, None)


def _room(ray: Any, errand: Errand) -> Iterator[Event]:
    """A note, if no node can ever take a task: a cluster that grows may still get one."""
    if not _able(ray, errand):
        yield Event("note", value=f"waiting for a node with {errand.cpus} CPUs and {errand.gpus:g} GPUs: there is none")


def _able(ray: Any, errand: Errand) -> list[Any]:
    needed = {"CPU": errand.cpus, "GPU": errand.gpus}
    return [n for n in ray.nodes() if n["Alive"] and all(n["Resources"].get(k, 0) >= v for k, v in needed.items())]


def _look(site: Site) -> None:
    site.enter()


@contextmanager
def _marked(places: Sequence[Path]) -> Generator[str]:
    """Put an empty file of a new name into folders, for other nodes to find."""
    name = f".seen-{uuid4().hex}"
    try:
        for place in places:
            place.mkdir(parents=True, exist_ok=True)
            (place / name).touch()
        yield name
    finally:
        for place in places:
            (place / name).unlink(missing_ok=True)


def _cpus(ray: Any) -> int:
    return int(ray.cluster_resources().get("CPU", 0))


def _cores() -> int | None:
    """Cores that this process may use, which a scheduler may have made fewer than there are; None: Ray counts."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
