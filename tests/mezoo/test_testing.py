"""The contract checks find what they say they find, and pass what keeps its promises."""

import socket
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import numpy as np
import pytest

from mezoo import Dataset, datasets, testing
from mezoo.errors import PluginError
from mezoo.testing import dataset_checks, model_checks


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """One cache for the whole file."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MEZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield tmp_path_factory.mktemp("cases")
    patch.undo()


def case(name, kind, places):
    (plugin,) = testing.named(name, kind)
    return testing.case_of(plugin, folder=places / f"{kind}-{name}")


@pytest.fixture(scope="module")
def side(places):
    return case("toy_side", "model", places)


def failed(checks, looked_at):
    return {o.check: o.detail for o in testing.outcomes(checks, looked_at) if o.verdict == "FAIL"}


@pytest.mark.parametrize(("kind", "name"), [("dataset", "toy"), ("feature", "toy_sides"), ("model", "toy_side")])
def test_what_keeps_its_promises_passes(places, kind, name):
    assert failed(testing.checks_of(kind), case(name, kind, places)) == {}


def test_a_spotter_is_judged_by_what_it_finds(places):
    found = list(testing.outcomes([model_checks.learns_a_planted_signal], case("toy_threshold", "model", places)))
    assert [o.verdict for o in found] == ["pass"], found


def dataset_case(places, name, **changes):
    kind = testing.named("toy", "dataset")[0]
    good = testing.case_of(kind, folder=places / name).kind
    return testing.DatasetCase(type("Changed", (good,), changes), places / name)


def test_faults_of_a_dataset_are_found(places):
    def untidy(self):
        good = super(type(self), self).videos()
        wrong = replace(good[0].expressions[0], onset=90, offset=130, emotion="Left")
        return [replace(good[0], expressions=(wrong,)), *good[:0:-1]]

    def noisy(out, spec, bars=None):
        out.mkdir(parents=True)
        (out / "toy.json").write_text(str(np.random.default_rng().random()))
        (out / "SYNTHETIC.json").write_text("{}")

    listed = failed([dataset_checks.lists_videos], dataset_case(places, "untidy", videos=untidy))
    assert "not sorted" in listed["lists videos"]
    placed = failed([dataset_checks.places_expressions], dataset_case(places, "untidy", videos=untidy))
    assert "count from 0 to 119" in placed["places expressions"]
    written = failed([dataset_checks.writes_a_stand_in], dataset_case(places, "n", write_synthetic=staticmethod(noisy)))
    assert "draw from spec.seed" in written["writes a stand in"]


def test_a_dataset_without_a_stand_in_is_looked_at_on_its_own_data(places):
    good = case("toy", "dataset", places)
    hidden = {"write_synthetic", "__dict__", "__weakref__"}
    kind = type("Bare", (Dataset,), {name: value for name, value in vars(good.kind).items() if name not in hidden})
    bare = testing.DatasetCase(kind, places / "bare")
    nothing = {o.check: o.verdict for o in testing.outcomes(testing.DATASET_CHECKS, bare)}
    assert "FAIL" not in nothing.values()
    assert nothing["lists videos"] == "not made"
    good.kind.write_synthetic(places / "own", datasets.StandIn())
    own = {o.check: o.verdict for o in testing.outcomes(testing.DATASET_CHECKS, replace(bare, own=places / "own"))}
    assert own["lists videos"] == own["places expressions"] == own["needs no network"] == "pass"
    assert own["writes a stand in"] == "not made"


def test_the_second_that_a_workbook_was_written_in_does_not_count(places):
    import openpyxl

    def write(out, spec, bars=None):
        out.mkdir(parents=True)
        book = openpyxl.Workbook()
        book.active.append([spec.seed])
        book.properties.created = datetime(2000, 1, 1) + timedelta(days=next(days))
        book.save(out / "table.xlsx")
        (out / "SYNTHETIC.json").write_text("{}")

    days = count()
    assert (
        failed([dataset_checks.writes_a_stand_in], dataset_case(places, "t", write_synthetic=staticmethod(write))) == {}
    )


def test_faults_of_a_feature_are_found(places):
    good = case("toy_sides", "feature", places)

    def ask(change):
        class Changed(type(good.make())):
            def __call__(self, video):
                return change(super().__call__(video.unlabelled()), video)

        return failed(testing.FEATURE_CHECKS, testing.FeatureCase(Changed, good.videos))

    def random(made, video):
        return replace(made, values=np.random.default_rng().random(made.values.shape, dtype=np.float32))

    def peeking(made, video):
        return replace(made, values=made.values + len(video.expressions))

    assert "float64" in ask(lambda f, v: replace(f, values=f.values.astype(float)))["gives rows of numbers"]
    assert "outside" in ask(lambda f, v: replace(f, positions=f.positions + 1))["places its rows"]
    assert "rows per second" in ask(lambda f, v: replace(f, fps=3.0))["places its rows"]
    assert "seed" in ask(random)["is the same again"]
    assert "reads the expressions" in ask(peeking)["does not see labels"]


def changed_model(good, **changes):
    def make():
        model = good.make()
        model.__class__ = type("Changed", (type(model),), changes)
        return model

    return replace(good, make=make, kept={})


def test_faults_of_a_model_are_found(side):
    kind = type(side.make())

    def peeking(self, examples, rng, epoch=None):
        told = [0.0 if epoch is not None else len(e.video.expressions[0].emotion) for e in examples]
        blind = [replace(e, video=replace(e.video, expressions=())) for e in examples]
        del blind
        cut = kind.samples(self, examples, rng, epoch)
        return [replace(s, inputs={"x": s.inputs["x"] + np.float32(t)}) for s, t in zip(cut, told, strict=True)]

    def random(self, examples, rng, epoch=None):
        cut = kind.samples(self, examples, rng, epoch)
        noise = np.random.default_rng()
        return [replace(s, inputs={"x": s.inputs["x"] + noise.random(2, dtype=np.float32)}) for s in cut]

    def outside(self, fitted):
        kind.build(self, fitted)
        self.gain = [float(np.random.default_rng().random())]

    def scaled(self, x):
        return kind.forward(self, x) * self.gain[0]

    def deaf(self, x):
        return kind.forward(self, x * 0)

    assert "lr" in failed([model_checks.names_its_sources], changed_model(side, sources={}))["names its sources"]
    lost = failed([model_checks.saves_and_loads], changed_model(side, build=outside, forward=scaled))
    assert "loaded weights" in lost["saves and loads"]
    dice = failed(
        [model_checks.cuts_samples_alike, model_checks.is_the_same_again], changed_model(side, samples=random)
    )
    assert set(dice) == {"cuts samples alike", "is the same again"}
    unlearnt = failed([model_checks.learns_a_planted_signal], changed_model(side, forward=deaf))
    assert "chance" in unlearnt["learns a planted signal"]
    doubled = changed_model(side, samples=lambda self, e, rng, epoch=None: _doubled(kind.samples(self, e, rng, epoch)))
    assert "float64" in failed([model_checks.cuts_samples_alike], doubled)["cuts samples alike"]


def _doubled(samples):
    return [replace(s, inputs={"x": s.inputs["x"].astype(np.float64)}) for s in samples]


def test_a_model_that_needs_a_whole_batch_is_found(side):
    import torch

    kind = type(side.make())

    def build(self, fitted):
        kind.build(self, fitted)
        self.hidden = torch.nn.Sequential(torch.nn.Linear(2, self.width), torch.nn.BatchNorm1d(self.width))

    broken = failed([model_checks.copes_with_one_sample], changed_model(side, build=build))
    assert "copes with one sample" in broken


def test_no_network_means_none():
    with testing.offline() as tried:
        with pytest.raises(OSError, match="no network"):
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        with pytest.raises(OSError, match="no network"):
            socket.getaddrinfo("example.org", 80)
    assert {*tried} == {"192.0.2.1", "example.org"}


def test_a_model_can_be_checked_on_noise_alone(side):
    examples = testing.noise_clips((6, 2), ("left", "right"))
    found = testing.ModelCase(side.make, examples, {"max_epochs": 30})
    assert failed(testing.MODEL_CHECKS, found) == {}


def test_unknown_names_and_recipes_are_the_user_s_mistake(mezoo, cache):
    with pytest.raises(PluginError, match="did you mean 'toy_side'"):
        testing.named("toy_sid")
    assert mezoo("plugins", "check", "toy_sid")[0] == 2
    code, _, err = mezoo("plugins", "check", "toy_side", "--recipe", "toy")
    assert (code, "does not use" in err) == (2, True)


def test_the_command_prints_a_table_and_tells_by_its_exit_code(mezoo, cache):
    code, out, _ = mezoo("plugins", "check", "toy_mean")
    assert code == 0
    assert "feature toy_mean of mezoo-toy 0.1" in out
    assert "does not see labels" in out
    assert mezoo("plugins", "check", "toy_scaled", "--json")[0] == 2, "no recipe uses it"


pytest_plugins = ["pytester"]


def test_pytest_runs_the_checks_of_a_name(pytester, cache, monkeypatch):
    pytester.makepyfile("def test_of_mine(): raise AssertionError('not collected')")
    plugin = [] if "mezoo" in {p.name for p in _pytest_entries()} else ["-p", "mezoo.testing.pytest_plugin"]
    done = pytester.runpytest_inprocess(*plugin, "--mezoo", "toy_mean", "-p", "no:cacheprovider", "-q")
    done.assert_outcomes(passed=len(testing.FEATURE_CHECKS) - 1, skipped=1)
    slip = pytester.runpytest_inprocess(*plugin, "--mezoo", "toy_men", "-p", "no:cacheprovider")
    assert slip.ret == pytest.ExitCode.USAGE_ERROR
    slip.stderr.fnmatch_lines(["*did you mean 'toy_mean'*"])


def test_the_contract_of_a_name_is_one_test_function(pytester, cache):
    pytester.makepyfile("from mezoo import testing\n\ntest_contract = testing.contract('toy_mean')")
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-q")
    done.assert_outcomes(passed=len(testing.FEATURE_CHECKS) - 1, skipped=1)


def _pytest_entries():
    from importlib.metadata import entry_points

    return entry_points(group="pytest11")
