"""The composite with its real parts: only here do three dataset plugins meet."""

from collections import Counter

from mezoo_megc.megc2019 import Megc2019

from mezoo import datasets


def test_the_full_composite_has_the_published_numbers(tmp_path):
    Megc2019.write_synthetic(tmp_path, datasets.StandIn(preset="full", frames="empty"))
    videos = Megc2019(tmp_path, strict=True).videos()
    emotions = Counter(e.emotion for v in videos for e in v.expressions)
    assert emotions == {"negative": 250, "positive": 109, "surprise": 83}
    assert Counter(v.dataset for v in videos) == {"casme2": 145, "smic": 164, "samm": 133}
    assert len({(v.dataset, v.subject) for v in videos}) == 68
    report = Megc2019(tmp_path).verify()
    assert report.complete
    assert report.expected == {"clips": 442, "subjects": 68, **emotions, "casme2": 145, "smic": 164, "samm": 133}
