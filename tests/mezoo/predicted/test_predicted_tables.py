import csv
import json

import numpy as np
import pytest

from mezoo.predicted import write_csv, write_json
from mezoo.predicted.clock import clock_of
from mezoo.scoring.intervals import read_videos
from mezoo.scoring.tables import Options


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return [*csv.DictReader(file)]


def test_the_table_tells_frames_and_seconds(made, tmp_path):
    named = made.found(10, 19, 0.5, apex=12, votes=2, chances={"joy": 0.75, "fear": 0.25})
    write_csv(tmp_path / "spots.csv", made.prediction(made.found(50, 59, kind="macro"), named))
    first, second = table(tmp_path / "spots.csv")
    assert first == {
        "video": "a film",
        "kind": "micro",
        "onset": "10",
        "offset": "19",
        "apex": "12",
        "score": "0.5000",
        "votes": "2",
        "onset_s": "0.4000",
        "apex_s": "0.4800",
        "offset_s": "0.8000",
        "emotion": "joy",
        "p_joy": "0.7500",
        "p_fear": "0.2500",
    }
    assert (second["kind"], second["emotion"], second["p_joy"]) == ("macro", "", "")


def test_mezoo_score_reads_the_table(made, tmp_path, mezoo):
    spots = (made.found(10, 19), made.found(30, 34), made.found(50, 79, kind="macro"))
    write_csv(tmp_path / "spots.csv", made.prediction(*spots))
    truth = tmp_path / "truth.csv"
    truth.write_text("video,kind,onset,offset\na film,micro,11,19\na film,macro,50,79\n", encoding="utf-8")
    read = read_videos(truth, tmp_path / "spots.csv", Options())
    assert [len(events) for events in read.predicted.values()] == [3]
    code, out, err = mezoo("score", "--task", "spotting", "--truth", truth, "--pred", tmp_path / "spots.csv", "--json")
    assert code == 0, err
    scores = json.loads(out)
    assert (scores["micro"]["tp"], scores["micro"]["n_pred"], scores["macro"]["f1"]) == (1, 2, 1.0)


def test_a_film_without_intervals_is_a_table_without_rows(made, tmp_path):
    write_csv(tmp_path / "spots.csv", made.prediction())
    assert table(tmp_path / "spots.csv") == []
    assert (tmp_path / "spots.csv").read_text().startswith("video,kind,onset,offset,apex,score,votes,onset_s")


def strict(path):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_the_json_holds_everything(made, tmp_path):
    p = made.prediction(
        made.found(10, 19, votes=2),
        face=made.face(lost=((40, 44),)),
        facts={"at": np.float32(0.5), "size": np.array([1, 2]), "bad": float("nan")},
        notes=("a note",),
    )
    p.curves["micro"][3] = np.nan
    p.curves["micro"][4] = 0.123456
    write_json(tmp_path / "p.json", p)
    told = strict(tmp_path / "p.json")
    assert told["schema"] == 1
    assert told["film"] | {"path": ""} == told["film"]
    assert (told["film"]["n_frames"], told["film"]["fps"], told["film"]["seconds"]) == (100, 25.0, 4.0)
    assert told["found"][0]["offset_s"] == 0.8
    assert told["found"][0]["votes"] == 2
    assert told["curves"]["micro"][3:5] == [None, 0.1235]
    assert set(told["members"]) == {"00", "01", "02"}
    assert len(told["members"]["00"]["macro"]) == len(told["positions"]) == 100
    assert told["methods"][0]["limits"] == ["Not for decisions about people."]
    assert told["face"]["lost"] == [[40, 44]]
    assert told["face"]["frames_lost"] == 5
    assert len(told["face"]["boxes"]) == 95
    assert told["facts"] == {"at": 0.5, "size": [1, 2], "bad": None}
    assert told["notes"] == ["a note"]


def test_seconds_are_those_of_the_film(made, tmp_path):
    p = made.prediction(made.found(60, 69), frames=made.Timed(100), fps=99 / 5.92)
    write_csv(tmp_path / "spots.csv", p)
    (row,) = table(tmp_path / "spots.csv")
    assert (row["onset_s"], row["offset_s"]) == ("2.8000", "3.6000")
    write_json(tmp_path / "p.json", p)
    assert strict(tmp_path / "p.json")["film"]["even_rate"] is False


@pytest.mark.parametrize("frame", [-5, 0, 99, 500])
def test_a_clock_stays_inside_its_film(made, frame):
    clock = clock_of(made.prediction().film)
    assert 0 <= clock.start(frame) < clock.end(frame) <= clock.seconds == 4.0
    assert clock.even


def test_an_axis_of_frames_finds_a_time(made):
    clock = clock_of(made.prediction(frames=made.Timed(100), fps=99 / 5.92).film)
    assert clock.share(clock.start(50)) == pytest.approx(0.5)
    assert clock.share(1.0) == pytest.approx(0.25)


def test_a_rate_that_was_stated_counts_more_than_the_file_but_not_for_a_player(made):
    slow = made.prediction(frames=made.Timed(100), fps=200.0).film
    assert clock_of(slow).start(60) == pytest.approx(0.3)
    assert clock_of(slow, as_played=True).start(60) == pytest.approx(2.8)
