"""Which look-up the operator is asked for next: rates, bounds, and those that flood against those that have just come.

SPDX-License-Identifier: Apache-2.0
"""

import play as programs


def play(*lines: str, setup: str = "100 100 100 100 3000") -> list[str]:
    """Calls in order, and what followed from them."""
    return programs.play("lookups", setup, lines)


def asked(lines: list[str]) -> list[str]:
    """The identities that were asked for, in order."""
    return [line.split()[2] for line in lines if line.split()[1] == "ask"]


def test_one_question_for_all_who_wait() -> None:
    """Guards against an operator that is asked for one identity several times at once."""
    assert play(
        "0 wait w1 a@x 192.0.2.1",
        "0 wait w2 a@x 192.0.2.2",
        "0 run",
        "5 wait w3 a@x 192.0.2.3",
        "5 run",
        "9 answer a@x",
        "9 wait w4 a@x 192.0.2.1",
        "9 run",
    ) == ["0 ask a@x", "9 told w1 answer", "9 told w2 answer", "9 told w3 answer", "9 ask a@x"]


def test_who_leaves_disturbs_nobody() -> None:
    """Guards against a UE that leaves and takes the answer of others along."""
    assert play(
        "0 wait w1 a@x 192.0.2.1",
        "0 wait w2 a@x 192.0.2.1",
        "0 leave w1",
        "0 leave w1",
        "0 run",
        "1 leave w2",
        "1 wait w3 a@x 192.0.2.1",
        "1 run",
        "2 answer a@x",
        "3 wait w4 b@x 192.0.2.1",
        "3 leave w4",
        "3 run",
    ) == ["0 ask a@x", "2 told w3 answer"]


def test_at_a_time() -> None:
    """Guards against more questions at the operator at once than the option says."""
    waits = [f"0 wait w{i} i{i}@x 192.0.2.{i}" for i in range(5)]
    lines = play(*waits, "0 run", "1 answer i1@x", "1 run", setup="100 100 2 100 3000")
    assert lines == ["0 ask i0@x", "0 ask i1@x", "1 told w1 answer", "1 ask i2@x"]


def test_at_most_so_many_in_any_second() -> None:
    """Guards against a window of a second in which the operator is asked more than the rate allows."""
    calls = []
    for now in range(0, 5000, 7):
        calls += [f"{now} wait w{now} i{now}@x 192.0.2.{now % 200}", f"{now} run"]
    times = [int(line.split()[0]) for line in play(*calls, setup="10 100 1000 1000 10000")]
    assert len(times) >= 40
    for first, eleventh in zip(times, times[10:]):
        assert eleventh - first >= 1000


def test_at_most_so_many_for_one_network() -> None:
    """Guards against one network that uses up the operator's rate for all."""
    calls = []
    for now in range(0, 3000, 10):
        calls += [f"{now} wait w{now} i{now}@x 192.0.2.1", f"{now} run"]
    times = [
        int(line.split()[0])
        for line in play(*calls, setup="100 4 1000 1000 10000")
        if " ask " in line
    ]
    assert 10 <= len(times) <= 12
    for first, fifth in zip(times, times[4:]):
        assert fifth - first >= 1000


def test_networks() -> None:
    """Guards against one network that counts as several: an IPv4 address in both forms, or addresses of one IPv6 /64."""

    def networks(*addresses: str) -> int:
        calls = [f"0 wait w{i} i{i}@x {address}" for i, address in enumerate(addresses)]
        return len(asked(play(*calls, "0 run", setup="100 1 100 100 3000")))

    assert networks("192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1") == 1
    assert networks("192.0.2.1", "192.0.2.2", "::ffff:192.0.2.3") == 3
    assert networks("2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::1") == 1
    assert networks("2001:db8::1", "2001:db8:0:1::1", "2001:db9::1") == 3


def test_a_newcomer_goes_before_who_floods() -> None:
    """Guards against a flood, from one address or from fifty, that delays a client which was never served."""
    for sources in (1, 50):
        flood = []
        for now in range(0, 2000, 5):
            source = f"198.51.100.{now % sources}"
            flood += [f"{now} wait f{now} f{now}@x {source}", f"{now} run"]
        newcomer = ["2000 wait n n@x 203.0.113.1", "2000 run", "2200 run", "2300 run"]
        lines = play(*flood, *newcomer, setup="10 100 100 100 3000")
        after = [line for line in lines if int(line.split()[0]) >= 2000 and " ask " in line]
        assert after[0].split()[2] == "n@x", (sources, after)
        assert int(after[0].split()[0]) <= 2300


def test_a_newcomer_goes_before_who_floods_slowly() -> None:
    """Guards against a slow flood from 300 addresses that delays a client which was never served."""
    flood = []
    for now in range(0, 4000, 10):
        source = f"198.51.{now // 10 % 300 // 200}.{now // 10 % 200}"
        flood += [f"{now} wait f{now} f{now}@x {source}", f"{now} run"]
    newcomer = ["4000 wait n n@x 203.0.113.1", *[f"{now} run" for now in range(4000, 5000, 10)]]
    lines = play(*flood, *newcomer, setup="20 100 100 100 3000")
    asked_at = {line.split()[2]: int(line.split()[0]) for line in lines if " ask " in line}
    assert asked_at["n@x"] <= 4200


def test_a_burst_goes_after_who_wanted_little() -> None:
    """Guards against a network that wants five keys at once, none answered yet, before one that came earlier for one."""
    for burst, then in ((4, "b0@x"), (5, "n@x")):
        many = [f"1 wait b{i} b{i}@x 198.51.100.1" for i in range(burst)]
        busy = ["0 wait a a@x 192.0.2.1", "0 run", "0 wait n n@x 203.0.113.1"]
        lines = play(*busy, *many, "2 answer a@x", "2 run", setup="100 100 1 100 3000")
        assert asked(lines) == ["a@x", then], burst


def test_a_network_whose_devices_were_known_goes_first() -> None:
    """Guards against a network with known devices that waits behind new ones, or always goes first."""
    known = ["0 wait a a@x 203.0.113.1", "0 run", "1 answer a@x found"]
    new = [f"{now} wait f{now} f{now}@x 198.51.100.{now // 10}" for now in range(10, 1010, 10)]
    again = ["1000 wait b b@x 203.0.113.1", "1000 run", "1001 answer b@x {0}"]
    third = ["2000 wait c c@x 203.0.113.1", "2000 wait d d@x 192.0.2.1", "2000 run"]
    for verdict, next_one in (("found", "c@x"), ("none", "d@x")):
        calls = [line.format(verdict) for line in (*known, *new, *again, *third)]
        assert asked(play(*calls, setup="1 100 100 200 3000")) == ["a@x", "b@x", next_one]


def test_the_one_served_longest_ago_goes_first() -> None:
    """Guards against a network that is served twice in a row before one that was served earlier."""
    known = [
        f"{now} {call}"
        for now, name, network in ((0, "a", 1), (1000, "b", 2))
        for call in (f"wait {name} {name}@x 192.0.2.{network}", "run", f"answer {name}@x found")
    ]
    again = ["2000 wait c c@x 192.0.2.2", "2000 wait d d@x 192.0.2.1", "2000 run"]
    assert asked(play(*known, *again, setup="100 100 1 100 3000")) == ["a@x", "b@x", "d@x"]


def test_unknown_identities_go_last() -> None:
    """Guards against a network that asks for unknown identities and is served before one that has had no answer yet."""
    lines = play(
        "0 wait a a@x 192.0.2.1",
        "0 wait b b@x 192.0.2.2",
        "0 run",
        "1000 run",
        "1001 answer a@x none",
        "1002 wait c c@x 192.0.2.1",
        "1003 wait d d@x 192.0.2.2",
        "2000 run",
        setup="1 100 100 200 3000",
    )
    assert asked(lines) == ["a@x", "b@x", "d@x"]


def test_no_room() -> None:
    """Guards against a full queue of look-ups that drops one which would be served before those that stay."""
    first = ["0 wait a a@x 192.0.2.1", "0 run", "0 answer a@x"]  # 192.0.2.1 was served
    full = ["1 wait b b@x 192.0.2.1", "1 wait c c@x 192.0.2.2", "1 wait d d@x 192.0.2.1"]
    lines = play(
        *first,
        *full,
        "2 wait e e@x 192.0.2.3",  # in place of d
        "2 wait f f@x 192.0.2.1",  # itself the last
        "2 wait g g@x 192.0.2.2",  # in place of b
        "2 wait h h@x 192.0.2.4",  # in place of g: the newcomer is first
        "2 wait i i@x 192.0.2.3",  # nobody's turn is later
        "1100 run",
        setup="1 100 1 3 3000",
    )
    assert lines[2:] == [
        "2 told d given-up",
        "2 full f",
        "2 told b given-up",
        "2 told g given-up",
        "2 told c given-up",
        "1100 ask e@x",
    ]


def test_what_waits_too_long_is_given_up() -> None:
    """Guards against a look-up that waits for good."""
    lines = play(
        "0 wait a a@x 192.0.2.1",
        "0 wait b b@x 192.0.2.1",
        "0 wait c b@x 192.0.2.1",
        "0 run",
        "2999 run",
        "3000 run",
        "9000 answer a@x",
        setup="100 100 1 100 3000",
    )
    assert lines == [
        "0 ask a@x",
        "3000 told b given-up",
        "3000 told c given-up",
        "9000 told a answer",
    ]


def test_nobody_holds_up_anothers_identity() -> None:
    """Guards against a client that floods with another's identity and takes it to the end of the queue."""
    lines = play(
        "0 wait a a@x 192.0.2.1",
        "0 run",
        "0 wait b b@x 192.0.2.2",
        "0 wait f victim@x 192.0.2.1",
        "0 wait v victim@x 192.0.2.3",
        "1000 run",
        "2000 run",
        setup="1 100 100 100 30000",
    )
    assert asked(lines) == ["a@x", "b@x", "victim@x"]
    lines = play(
        "0 wait a a@x 192.0.2.1",
        "0 run",
        "0 wait f victim@x 192.0.2.1",
        "0 wait b b@x 192.0.2.1",
        "1 wait v victim@x 192.0.2.3",
        "1 wait g g@x 192.0.2.3",
        "1000 run",
        setup="1 100 100 2 30000",
    )
    assert lines[-1] == "1000 ask victim@x"


def test_void() -> None:
    """Guards against an answer from before a revocation being given after it."""
    lines = play(
        "0 wait a a@x 192.0.2.1",
        "0 wait b b@x 192.0.2.1",
        "0 run",
        "1 void a@x",
        "1 void c@x",
        "2 answer a@x",
        "2 answer b@x",
        "3 wait c a@x 192.0.2.1",
        "3 run",
        "4 answer a@x",
    )
    assert lines[2:] == ["2 told a void", "2 told b answer", "3 ask a@x", "4 told c answer"]


def test_networks_are_forgotten_and_known() -> None:
    """Guards against a network that counts as served for longer, or for less, than five minutes."""
    served = ["0 wait a a@x 192.0.2.1", "0 run", "0 answer a@x"]
    new = ["{0} wait b b@x 192.0.2.1", "{0} wait c c@x 192.0.2.2", "{0} run"]
    soon = play(*served, *[line.format(299000) for line in new], setup="1 9 9 9 9000")
    late = play(*served, "301000 run", *[line.format(301000) for line in new], setup="1 9 9 9 9000")
    assert (asked(soon)[1], asked(late)[1]) == ("c@x", "b@x")
