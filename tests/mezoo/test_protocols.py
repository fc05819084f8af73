"""Protocols: named, hashed, with fixed denominators; and the folds of each split."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo import Video
from mezoo.errors import DataError, RecipeError
from mezoo.protocols import PROTOCOLS, find, named, terms
from mezoo.splits import folds_of, inner_validation, subject_of

LONG = {"cas_me_sq": {"micro": 57, "macro": 300}, "samm_long": {"micro": 159, "macro": 343}}


def test_denominators_are_those_of_the_papers():
    assert find("megc2021").denominators == LONG
    composite = find("megc2019")
    totals = [sum(parts[name] for parts in composite.denominators.values()) for name in composite.classes]
    assert totals == [250, 109, 83]
    sizes = {name: sum(sum(parts.values()) for parts in p.denominators.values()) for name, p in PROTOCOLS.items()}
    expected = {"casme2_5": 246, "casme2_5_2019": 249, "casme2_7": 255, "samm_5": 136, "samm_8": 159, "smic_3": 164}
    assert {name: sizes[name] for name in expected} == expected
    assert {name: sizes[name] for name in ("samm_3", "megc2019", "casme2_3")} == {
        "samm_3": 133,
        "megc2019": 442,
        "casme2_3": 147,
    }


def test_every_protocol_is_cited_and_its_hash_is_its_rule():
    assert all(p.source and p.title for p in PROTOCOLS.values())
    digests = [p.digest for p in PROTOCOLS.values()]
    assert len(set(digests)) == len(digests)
    one = find("megc2019")
    assert replace(one, title="x", source="y").digest == one.digest
    assert replace(one, split="lodo", name=one.name).digest != one.digest


def test_class_maps_agree_with_the_classes():
    from mezoo.datasets import find as dataset
    from mezoo.datasets.class_maps import class_map

    for name, of, by in (
        ("casme2_5", "casme2", "casme2_5"),
        ("samm_5", "samm", "samm_5"),
        ("megc2019", "megc2019", "native"),
        ("casme2_7", "casme2", "native"),
        ("samm_8", "samm", "native"),
        ("smic_3", "smic", "native"),
        ("smic_3", "smic", "megc2019_3"),
    ):
        assert set(class_map(by, dataset(of).info.emotions).classes) == set(find(name).classes), name


def test_data_find_their_protocol_by_their_counts():
    assert named("spotting", "loso", LONG).name == "megc2021"
    assert named("spotting", "loso", {"samm_long": LONG["samm_long"]}).name == "megc2020_samm_long"
    assert named("spotting", "lodo", LONG) is None
    slow = {"smic": {"negative": 24, "positive": 28, "surprise": 19}}
    assert named("recognition", "loso", slow, ("negative", "positive", "surprise")).name == "smic_vis_nir_3"
    assert terms("spotting", "loso", LONG, ()).id == "megc2021"


def test_other_denominators_are_refused_unless_named():
    fewer = {"samm_long": {"micro": 159, "macro": 312}}
    with pytest.raises(RecipeError, match="312 macro found; megc2020_samm_long has samm_long: 159 micro, 343 macro"):
        terms("spotting", "loso", fewer, ())
    own = terms("spotting", "loso", fewer, (), "without_long_ones")
    assert own.id == "without_long_ones"
    assert own.digest != terms("spotting", "loso", {"samm_long": {"micro": 159, "macro": 311}}, (), "x").digest
    with pytest.raises(RecipeError, match="is a known protocol"):
        terms("spotting", "loso", fewer, (), "megc2021")
    assert terms("spotting", "loso", {"mine": {"micro": 3}}, ()).id == "loso_mine"
    with pytest.raises(RecipeError, match="known: megc2020"):
        find("megc2030")


def videos(*keys):
    return [Video(dataset, subject, f"v{i}", 1.0, ()) for i, (dataset, subject) in enumerate(keys)]


people = st.lists(st.tuples(st.sampled_from(["casme2", "samm", "smic"]), st.sampled_from("1234")), min_size=2)


@given(people, st.sampled_from(["loso", "lodo", "lovo"]))
def test_folds_part_the_videos_and_nobody_is_on_both_sides(keys, split):
    every = videos(*keys)
    group = {"loso": subject_of, "lodo": lambda v: v.dataset, "lovo": lambda v: v.key}[split]
    of = {v.key: group(v) for v in every}
    if len(set(of.values())) < 2:
        with pytest.raises(DataError):
            folds_of(every, split)
        return
    folds = folds_of(every, split)
    assert sorted(k for f in folds for k in f.test) == sorted(of)
    assert len({f.name for f in folds}) == len(folds) == len(set(of.values()))
    for fold in folds:
        assert len({of[k] for k in fold.test}) == 1
        assert not {of[k] for k in fold.test} & {of[k] for k in fold.train}
        assert sorted((*fold.train, *fold.test)) == sorted(of)


def test_releases_of_the_same_people_are_left_out_together():
    folds = folds_of(videos(("samm", "6"), ("samm_long", "6"), ("casme2", "1")), "lodo")
    assert [f.name for f in folds] == ["casme2", "samm-samm_long"]


def test_strangers_of_one_number_stay_apart_when_subjects_are_drawn():
    every = videos(("casme2", "1"), ("samm", "1"), ("casme2", "2"), ("samm", "2"), ("samm", "3"))
    (fold, *_) = folds_of(every, "loso")
    owners = {v.key: subject_of(v) for v in every}
    for seed in range(8):
        train, validation = inner_validation(fold, owners, 1, seed)
        assert len({owners[k] for k in validation}) == 1
        assert sorted((*train, *validation)) == sorted(fold.train)


def test_a_split_where_subjects_leak_is_marked(mezoo, tmp_path, cache):
    import json

    code, out, err = mezoo("fit", "toy_sides", "--synthetic", "--runs", tmp_path, "--set", "protocol.use=lovo")
    assert code == 0, err
    result = json.loads(next(tmp_path.glob("*/result.json")).read_text())
    assert len(result["subjects"]) == 16
    assert "other videos of a tested subject are trained on" in result["leaks"][0]
    assert "LEAK" in out
    assert result["protocol"]["split"] == "lovo"
    assert result["protocol"]["id"] == "stand_in_toy"
    people = json.loads(next(tmp_path.glob("*/folds/*/fold.json")).read_text())["people"]
    assert len(people["test"]) == 1
    assert people["test"][0] in people["train"]
