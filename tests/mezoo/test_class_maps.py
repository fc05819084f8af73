import pytest

from mezoo import DataError, Expression
from mezoo.datasets.class_maps import AU_LABELS, CLASS_MAPS, class_map, objective_class


def shown(emotion="", aus="", objective=None):
    return Expression("e", "micro", 0, 9, emotion=emotion, aus=aus, objective=objective)


@pytest.mark.parametrize(
    ("dataset", "emotion", "label"),
    [
        ("casme2", "disgust", "negative"),
        ("casme2", "repression", "negative"),
        ("casme2", "happiness", "positive"),
        ("casme2", "sadness", None),
        ("casme2", "fear", None),
        ("casme2", "others", None),
        ("samm", "sadness", "negative"),
        ("samm", "contempt", "negative"),
        ("samm", "others", None),
        ("samm", "surprise", "surprise"),
        ("smic", "positive", "positive"),
        ("mmew", "happiness", None),
    ],
)
def test_megc_2019_depends_on_the_dataset(dataset, emotion, label):
    assert class_map("megc2019_3").label(dataset, shown(emotion)) == label


@pytest.mark.parametrize(
    ("name", "emotion", "label"),
    [
        ("casme2_5", "fear", None),
        ("casme2_5", "others", "others"),
        ("casme2_4", "repression", "others"),
        ("casme2_4", "fear", "negative"),
        ("samm_5", "disgust", None),
        ("casme_4", "tense", "tense"),
        ("cas_me_sq_3", "others", None),
        ("cas_me_sq_4", "others", "others"),
        ("cas_me_cubed_3", "anger", "negative"),
    ],
)
def test_maps_of_emotions(name, emotion, label):
    assert class_map(name).label("any", shown(emotion)) == label


def test_native_takes_the_owners_words():
    native = class_map("native", ("tense", "fear"))
    assert native.counts("casme", [shown("fear"), shown("fear"), shown("joy")]) == {"tense": 0, "fear": 2}


@pytest.mark.parametrize(
    ("aus", "number"),
    [
        ("12", 1), ("L6+R12A", 1), ("1+2", 2), ("4", 3), ("4+7", 3), ("9", 4), ("4+9", 4), ("1", 5), ("15+17", 5),
        ("20", 6), ("1+2+4", 6), ("14", 7), ("4+10", 7), ("4+ref(10)", 3), ("ref(12)", 1), ("", None), ("?", None),
    ],
)  # fmt: skip
def test_objective_rule(aus, number):
    assert objective_class(aus) == number


def test_the_column_wins_over_the_rule():
    assert class_map("objective_7").label("casme2", shown(aus="4+L10", objective=4)) == "IV"
    assert class_map("objective_7").label("casme2", shown(aus="4+L10")) == "VII"
    assert class_map("objective_5").label("casme2", shown(aus="14")) is None


def test_action_units_as_many_labels():
    label = dict(zip(AU_LABELS.units, AU_LABELS.label(shown(aus="R12+ref(6)")), strict=True))
    assert {unit for unit, there in label.items() if there} == {6, 12}
    assert sum(AU_LABELS.label(shown(aus="R12+ref(6)"), doubtful=False)) == 1
    assert AU_LABELS.counts([shown(aus="4"), shown(aus="4+7")])[4] == 2


def test_every_map_is_cited_and_gives_only_its_classes():
    for one in CLASS_MAPS.values():
        assert len(one.source) > 20
        assert len(set(one.classes)) == len(one.classes)
        assert {label for table in one.emotions.values() for label in table.values()} <= set(one.classes)


def test_an_unknown_map_says_which_there_are():
    with pytest.raises(DataError, match="no class map 'emotion'") as caught:
        class_map("emotion")
    assert "megc2019_3" in str(caught.value)


def test_a_recipe_knows_the_same_names():
    from mezoo.datasets.class_maps import CLASS_MAPS
    from mezoo.envelope import CLASS_MAPS as NAMES

    assert set(NAMES) == {"native", *CLASS_MAPS}
