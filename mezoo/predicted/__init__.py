"""Everything that is written from a prediction: a page, a table, JSON, an ELAN file, and the film with marks on it."""

from dataclasses import dataclass
from pathlib import Path

from mezoo.contracts import Bars, no_bars
from mezoo.predicted import told
from mezoo.predicted.elan import write_eaf
from mezoo.predicted.film import write_mp4
from mezoo.predicted.page import write_page
from mezoo.predicted.tables import write_csv, write_json
from mezoo.prediction import Prediction

__all__ = ["Outputs", "write_all", "write_csv", "write_eaf", "write_json", "write_mp4", "write_page"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the files are; `film` is None where it was not asked for."""

    page: Path
    csv: Path
    json: Path
    eaf: Path
    film: Path | None = None


def write_all(prediction: Prediction, out: Path, *, film: bool = False, bars: Bars = no_bars) -> Outputs:
    """Write `prediction.html`, `spots.csv`, `prediction.json` and `<film>.eaf` into `out`, each as a whole or not.

    `film`: write `annotated.mp4` too, which reads every frame again. The page comes last: what it names is there.
    """
    eaf = out / f"{told.stem(prediction)}.eaf"
    made = Outputs(
        out / "prediction.html",
        out / "spots.csv",
        out / "prediction.json",
        eaf,
        out / "annotated.mp4" if film else None,
    )
    write_csv(made.csv, prediction)
    write_json(made.json, prediction)
    write_eaf(made.eaf, prediction)
    if made.film is not None:
        write_mp4(prediction, made.film, bars)
    write_page(made.page, prediction, _beside(made), bars)
    return made


def _beside(made: Outputs) -> dict[str, str]:
    """What the page says of the files in its folder."""
    words = {
        made.csv: "the intervals as a table, as mezoo score --task spotting --pred reads them",
        made.json: "everything: intervals, curves, methods, where the face was, notes",
        made.eaf: "annotation for ELAN, to be looked through and corrected by hand over the film",
    }
    words |= {made.film: "the film with the face, the curve and what was found drawn on it"} if made.film else {}
    return {path.name: told_of for path, told_of in words.items()}
