"""The cache of keys: until when they are known, and what goes where there is no room.

SPDX-License-Identifier: Apache-2.0
"""

import play as programs


def play(*lines: str, room: str = "3 3") -> list[str]:
    """Calls in order, and what was found."""
    return programs.play("key_cache", room, lines)


def test_until() -> None:
    """Guards against a cached key that is used after its end."""
    for what, known in (("7", "key 7"), ("no", "no"), ("refused", "refused")):
        calls = [f"0 keep akma a@x {what} 100", "99 find akma a@x", "100 find akma a@x"]
        assert play(*calls, "50 find akma a@x") == [known, "nothing", "nothing"]


def test_sweep_takes_what_has_ended() -> None:
    """Guards against a sweep that takes keys which are good, or leaves those that have ended."""
    calls = ["0 keep akma a@x 7 100", "0 keep akma b@x no 100", "0 keep akma c@x 8 101"]
    finds = [f"50 find akma {name}@x" for name in "abc"]
    assert play(*calls, "99 sweep", *finds) == ["key 7", "no", "key 8"]
    assert play(*calls, "100 sweep", *finds) == ["nothing", "nothing", "key 8"]
    full = [
        "0 keep akma a@x 7 100",
        "0 keep akma b@x ended 100",
        "1 sweep",
        "1 keep akma c@x 8 100",
    ]
    assert play(*full, "2 find akma a@x", room="2 3") == ["key 7"]


def test_systems_are_distinct() -> None:
    """Guards against a key of GBA being found for an identity of AKMA."""
    calls = ["0 keep akma a@x 7 100", "0 keep gba a@x 8 100", "0 forget gba a@x"]
    assert play(*calls[:2], "1 find akma a@x", "1 find gba a@x") == ["key 7", "key 8"]
    assert play(*calls, "1 find akma a@x", "1 find gba a@x") == ["key 7", "nothing"]


def test_protocols_are_distinct() -> None:
    """Guards against one cached key serving two Ua security protocols, or one that stays when its device is forgotten."""
    calls = ["0 keep gba/1 a@x 7 100", "0 keep gba/2 a@x 8 100", "0 keep gba/3 a@x no 100"]
    finds = [f"1 find gba/{number} a@x" for number in range(1, 5)]
    assert play(*calls, *finds) == ["key 7", "key 8", "no", "nothing"]
    assert play(*calls, "0 forget gba a@x", *finds) == ["nothing"] * 4


def test_the_last_word_counts() -> None:
    """Guards against an older answer that outlives the operator's newer one."""
    words = ["0 keep akma a@x 7 100", "0 keep akma a@x no 100", "0 keep akma a@x 8 50"]
    for count, known in ((1, "key 7"), (2, "no"), (3, "key 8")):
        assert play(*words[:count], "1 find akma a@x") == [known]
    assert play(*words, "60 find akma a@x") == ["nothing"]


def test_forget() -> None:
    """Guards against a revoked key that is found again, or one of another device that goes with it."""
    for what in ("7", "no", "refused"):
        calls = [f"0 keep akma a@x {what} 100", "0 keep akma b@x 8 100", "0 forget akma a@x"]
        assert play(*calls, "1 find akma a@x", "1 find akma b@x") == ["nothing", "key 8"]
    assert play("0 forget akma a@x", "1 find akma a@x") == ["nothing"]


def test_room() -> None:
    """Guards against a full cache that drops another key than the one which was used longest ago."""
    keep = [f"0 keep akma {name}@x {digit} 100" for digit, name in enumerate("abc")]
    more = ["1 find akma a@x", "2 keep akma d@x 9 100"]
    finds = [f"3 find akma {name}@x" for name in "abcd"]
    assert play(*keep, *more, *finds) == ["key 0", "key 0", "nothing", "key 2", "key 9"]


def test_no_pushes_out_no_key() -> None:
    """Guards against strangers with unknown identities pushing devices' keys out of the cache."""
    keys = [f"0 keep akma {name}@x {digit} 100" for digit, name in enumerate("abc")]
    nos = [f"0 keep akma no{number}@x no 100" for number in range(1000)]
    finds = [f"1 find akma {name}@x" for name in ("a", "b", "c", "no996", "no997", "no999")]
    assert play(*keys, *nos, *finds) == ["key 0", "key 1", "key 2", "nothing", "no", "no"]
