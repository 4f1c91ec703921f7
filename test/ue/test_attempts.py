"""When e2e-ue bootstraps: bounds of its pauses, which keep a fleet from a BSF.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess

import pytest

from evp import BUILD

HOUR_MS = 3_600_000


def play(lifetime: int, interval: int) -> dict[str, list[int]]:
    """Renewals of a key, in seconds from now; in ms when after a refusal or a success, and pauses of attempts in a row."""
    command = [str(BUILD / "test/programs/attempts"), str(lifetime), str(interval)]
    said = subprocess.check_output(command, text=True).split()
    pairs = list(zip(said[::2], map(int, said[1::2])))
    names = ("renewal", "spread", "begun", "pause")
    return {name: [n for word, n in pairs if word == name] for name in names}


@pytest.mark.parametrize("lifetime", [1, 10, 86_400, 3_155_760_000])
def test_renewals(lifetime: int) -> None:
    """Guards against a renewal after the key's end, before its last tenth, or for all devices at one moment."""
    renewals = play(lifetime, 60)["renewal"]
    tenth = lifetime // 10
    assert all(lifetime - tenth <= n <= lifetime - tenth + tenth // 2 for n in renewals)
    assert len(set(renewals)) > 1 or tenth < 2


@pytest.mark.parametrize("interval", [1, 60, 3600, 86_400])
def test_pauses(interval: int) -> None:
    """Guards against a pause that is shorter than the interval, grows without bound, or is the same for all devices."""
    pauses = play(1, interval)["pause"]
    least = interval * 1000
    for pause in pauses:
        assert least <= pause <= least * 3 // 2
        least = max(min(2 * least, HOUR_MS), interval * 1000)
    assert len(set(pauses[-5:])) > 1


@pytest.mark.parametrize("interval", [1, 60])
def test_refusals(interval: int) -> None:
    """Guards against devices that are refused together and then return to the BSF together."""
    spread = play(1, interval)["spread"]
    most = min(interval * 500, 5000)
    assert all(0 <= n <= most for n in spread) and len(set(spread)) > 10


@pytest.mark.parametrize("interval", [1, 60, 86_400])
def test_interval(interval: int) -> None:
    """Guards against an attempt after a successful one that comes sooner than the interval."""
    assert play(1, interval)["begun"] == [interval * 1000]
