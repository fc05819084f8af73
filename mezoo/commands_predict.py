"""What `mezoo predict` and `mezoo export` do. Imports stand inside, so that a command pays only for what it does."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mezoo.tables_out import print_table, print_text

if TYPE_CHECKING:
    from mezoo.predicted.clock import Clock
    from mezoo.prediction import Found, Prediction

Arguments = argparse.Namespace


def predict(arguments: Arguments) -> int:
    """Ask trained weights about a film and write what was found."""
    _look(arguments)
    from mezoo.fold import quiet_libraries
    from mezoo.predicted import write_all
    from mezoo.predictor import load_model
    from mezoo.progress import make_progress

    progress, film = make_progress(), Path(arguments.film).expanduser()
    quiet_libraries()
    out = _folder(Path(arguments.out).expanduser() if arguments.out else Path("predictions") / film.stem)
    model = load_model(arguments.model, arguments.recognizer, arguments.fold, arguments.device)
    prediction = model.predict(film, arguments.fps, progress.bar)
    written = write_all(prediction, out, film=arguments.video, bars=progress.bar)
    if arguments.json:
        print_text(written.json.read_text(encoding="utf-8"))
        return 0
    _print(prediction)
    for label, path in (("page", written.page), ("table", written.csv), ("ELAN", written.eaf), ("film", written.film)):
        if path is not None:
            print(f"{label}: {path}")
    return 0


def _look(arguments: Arguments) -> None:
    """Tell of a path that is not there before torch is loaded. Raises DataError, RunError."""
    from mezoo.errors import DataError, RunError

    if not Path(arguments.film).expanduser().exists():
        hint = "give a film (avi, mp4, mov, mkv ...), or a folder of numbered images"
        raise DataError(f"there is no film {arguments.film}", hint=hint)
    for place in filter(None, (arguments.model, arguments.recognizer)):
        if not Path(place).expanduser().exists():
            hint = "give the folder of a run (runs/NAME-DIGEST), or one that mezoo export wrote"
            raise RunError(f"there is no {place}", hint=hint)


def _folder(out: Path) -> Path:
    """The folder to write to, made now: an hour of film is not read for nothing. Raises RunError."""
    from mezoo.errors import RunError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write to {out}: {error.strerror}", hint="give another folder with --out") from error
    return out


def _print(prediction: "Prediction") -> None:
    from mezoo.predicted.clock import clock_of

    film, clock = prediction.film, clock_of(prediction.film)
    header = ["kind", "onset", "apex", "offset", "from s", "to s", "score", "votes", "emotion"]
    print_table(film.code, header, [_row(found, clock) for found in prediction.found])
    if not prediction.found:
        print("nothing was spotted")
    for note in prediction.notes:
        print(f"note: {note}")
    for method in prediction.methods:
        members = "one model" if len(method.members) == 1 else f"{len(method.members)} models"
        print(f"{method.name}, {members} trained on {method.trained_on}: {method.measured}")
        if method.synthetic:
            print("SYNTHETIC: these weights have seen drawn faces only and say nothing about people")


def _row(found: "Found", clock: "Clock") -> list[str]:
    spot = found.spot
    seconds = [f"{clock.start(spot.onset):.2f}", f"{clock.end(spot.offset):.2f}"]
    emotion = f"{found.emotion} ({found.chances[found.emotion]:.2f})" if found.chances else ""
    frames = [str(f) for f in (spot.onset, found.apex, spot.offset)]
    return [spot.kind, *frames, *seconds, f"{spot.score:.2f}", str(found.votes), emotion]


def export(arguments: Arguments) -> int:
    """Write one folder to pass on."""
    from mezoo.fold import quiet_libraries
    from mezoo.predictor.export import export as write
    from mezoo.progress import make_progress

    quiet_libraries()
    out = Path(arguments.out).expanduser()
    written = write(Path(arguments.run).expanduser(), out, arguments.fold, arguments.onnx, make_progress().bar)
    size = sum(p.stat().st_size for p in written)
    print(f"{out}: {len(written)} files, {size / 2**20:.1f} MB; read its README.md before you pass it on")
    return 0
