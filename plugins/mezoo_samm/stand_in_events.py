"""How many expressions each video of the full stand-in of SAMM Long Videos has: the real totals, dealt out."""

from collections.abc import Mapping, Sequence

import numpy as np

from mezoo_samm.stand_in_samm import SUBJECTS as MICRO_OF_SUBJECT

MACRO, VIDEOS_WITH_MICRO = 343, 79
WITHOUT_MACRO = "031"


def deal_events(videos: Mapping[str, int], rng: np.random.Generator) -> dict[str, list[tuple[int, int]]]:
    """Micro- and macro-expressions of each video of each subject (`videos`: how many each has).

    The micro-expressions of a subject are those of SAMM (none for 008), in as few of its videos as makes 79 in all;
    the 343 macro-expressions fall evenly, at least one a subject (none for 031).
    """
    with_micro = _videos_with_micro(videos)
    micro = {s: _split(MICRO_OF_SUBJECT.get(s, 0), with_micro.get(s, 0), n, rng) for s, n in videos.items()}
    open_to_macro = [s for s in videos if s != WITHOUT_MACRO]
    places = [(s, v) for s in open_to_macro for v in range(videos[s])]
    drawn = rng.multinomial(MACRO - len(open_to_macro), [1 / len(places)] * len(places))
    macro = dict(zip(places, drawn.tolist(), strict=True))
    return {
        s: [(micro[s][v], macro.get((s, v), 0) + (v == 0 and s != WITHOUT_MACRO)) for v in range(n)]
        for s, n in videos.items()
    }


def _videos_with_micro(videos: Mapping[str, int]) -> dict[str, int]:
    """Videos with a micro-expression, by subject: one each, then one more where they are most crowded, up to 79."""
    found = dict.fromkeys(MICRO_OF_SUBJECT, 1)
    for _ in range(VIDEOS_WITH_MICRO - len(found)):
        open_ = [s for s, n in found.items() if n < min(MICRO_OF_SUBJECT[s], videos.get(s, 0))]
        if not open_:
            break
        crowded = max(open_, key=lambda s: MICRO_OF_SUBJECT[s] / found[s])
        found[crowded] += 1
    return found


def _split(total: int, chosen: int, videos: int, rng: np.random.Generator) -> Sequence[int]:
    """`total` events in exactly `chosen` of `videos` videos."""
    counts = np.zeros(videos, dtype=int)
    if chosen:
        where = rng.permutation(videos)[:chosen]
        counts[where] = 1 + rng.multinomial(total - chosen, [1 / chosen] * chosen)
    return counts.tolist()
