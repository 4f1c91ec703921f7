"""akma bootstrap with a card behind a modem: what a card can answer, and what a modem can.

SPDX-License-Identifier: Apache-2.0
"""

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

import reference
from bsf import IMPI, SET_1, Behaviour, Bsf
from card import AUTHENTICATE_3G, AUTS, KS_EXT_NAF, USIM, Card, Modem
from evp import BUILD
from fips import FIPS, libcryptos, needs_fips, write_fips_config
from tool import akma

FQDN, UA = "naf.example.com", "0100000007"
NAF_ID = FQDN.encode() + bytes.fromhex(UA)


def bootstrap(
    url: str, modem: Modem, folder: Path, *more: str, pin: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    """One run, with Ks_NAF to a file."""
    words = ["--naf-fqdn", FQDN, "--ua-protocol-id", UA, "--out", str(folder / "ks-naf")]
    words += ["--usim-pin", "env:PIN"] if pin is not None else []
    environment = {"PIN": pin} if pin is not None else {}
    words += ["--usim", f"at:{modem.path}", "--state", str(folder / "state"), *more]
    return akma("bootstrap", "--bsf", url, *words, environment=environment)


def refusal(card: Card, folder: Path, pin: str | None = None) -> str:
    """What is said of a card that has to fail; no state is left."""
    with Bsf() as bsf, Modem(card) as modem:
        result = bootstrap(bsf.url, modem, folder, pin=pin)
    assert result.returncode == 1 and not (folder / "state").exists()
    return result.stderr.decode()


@pytest.mark.parametrize(
    ("noise", "echo"),
    [("", True), ("", False), ("\r\nRING\r\n", True), ("\r\n+CREG: 2\r\n\r\n^RSSI:12\r\n", False)],
)
def test_card_behind_a_modem(tmp_path: Path, noise: str, echo: bool) -> None:
    """Guards against an echo or an unsolicited line of a modem being taken for the card's answer."""
    with Bsf() as bsf, Modem(Card(), noise, echo) as modem:
        result = bootstrap(bsf.url, modem, tmp_path)
    assert result.returncode == 0, result.stderr
    expected = reference.ks_naf(SET_1.ks, SET_1.rand, IMPI, NAF_ID).hex()
    assert (tmp_path / "ks-naf").read_text().strip() == expected
    assert bsf.seen[0].digest["username"] == IMPI  # made from EF_IMSI and EF_AD
    assert any(line.startswith("AT+CRSM=176,28423,") for line in modem.lines)


def test_isim(tmp_path: Path) -> None:
    """Guards against an ISIM's IMPI being asked for by +CRSM, which reads the USIM's files only."""
    with Bsf() as bsf, Modem(Card(has_isim=True)) as modem:
        assert bootstrap(bsf.url, modem, tmp_path).returncode == 0
    assert any("6f02" in command for command in modem.card.asked)
    assert bsf.seen[0].digest["username"] == IMPI
    assert not any(line.startswith("AT+CRSM=176,28418,") for line in modem.lines)


def test_answers_without_quotes(tmp_path: Path) -> None:
    """Guards against a modem's answer being refused when its hex has no quotation marks."""
    with Bsf() as bsf, Modem(Card(), quote="") as modem:
        result = bootstrap(bsf.url, modem, tmp_path)
    assert result.returncode == 0, result.stderr
    assert not any("6fad" in command for command in modem.card.asked)  # AT+CRSM gave EF_AD


def test_gba_u(tmp_path: Path) -> None:
    """Guards against a card that does GBA being used without it, or not given the B-TID and lifetime of its Ks."""
    with Bsf() as bsf, Modem(Card(does_gba=True)) as modem:
        result = bootstrap(bsf.url, modem, tmp_path)
    assert result.returncode == 0, result.stderr
    assert bsf.seen[0].agent.endswith(" 3gpp-gba-uicc")
    assert (tmp_path / "ks-naf").read_text().strip() == KS_EXT_NAF
    assert "ks card\n" in (tmp_path / "state").read_text()
    (derivation,) = [c for c in modem.card.asked if c.startswith("00880084") and c[10:12] == "de"]
    assert f"{len(NAF_ID):02x}{NAF_ID.hex()}{len(IMPI):02x}{IMPI.encode().hex()}" in derivation
    (kept,) = [command for command in modem.card.asked if command.startswith("00d6")]
    assert f"10{SET_1.rand.hex()}" in kept


STATUSES = {
    "9862": "it is not genuine",
    "9864": "does not support this security context",
    "9865": "not fresh",
    "6982": "wants its PIN first",
    "6985": "conditions are not met",
    "6d00": "does not know the instruction",
    "6f00": "a fault of its own",
    "1234": "answered with an error, status 12 34",
    "9000": "begins with neither DB nor DC",
    "db049000": "no RES of 4 to 16 octets",
    "db04aabbccdd9000": "no CK and IK of 16",
    "dc0e019000": "no AUTS of 14 octets",
    f"dc0d{AUTS[:26]}9000": "no AUTS of 14 octets",
    "": "did not answer: was it pulled out?",
    "90": "without a status",
}


@pytest.mark.parametrize("answer", STATUSES)
def test_what_a_card_answers(tmp_path: Path, answer: str) -> None:
    """Guards against a status of TS 31.102 7.3 without a reason of its own, and a cut answer being read beyond its
    end.
    """
    said = refusal(Card(changes={AUTHENTICATE_3G[:8]: answer}), tmp_path)
    assert STATUSES[answer] in said


def test_resynchronisation(tmp_path: Path) -> None:
    """Guards against an AUTS that is altered on its way to the BSF, or sent a second time."""
    card = Card(changes={AUTHENTICATE_3G[:8]: f"dc0e{AUTS}9000"})
    said = refusal(card, tmp_path)
    assert "resynchronise a second time" in said
    assert len([command for command in card.asked if command.startswith("0088")]) == 2


def test_card_that_is_pulled_out(tmp_path: Path) -> None:
    """Guards against an error that hides the modem's own +CME ERROR when the card is pulled out."""
    said = refusal(Card(changes={AUTHENTICATE_3G[:8]: None}), tmp_path)
    assert "+CME ERROR: 10" in said


def test_answer_that_never_ends(tmp_path: Path) -> None:
    """Guards against a card that announces more data for ever and keeps the program in a loop."""
    card = Card(changes={AUTHENTICATE_3G[:8]: "6135", "00c0": "6135"})
    assert "never stops announcing more data" in refusal(card, tmp_path)
    assert len([command for command in card.asked if command.startswith("00c0")]) < 10


def test_card_without_usim(tmp_path: Path) -> None:
    """Guards against a 2G card being asked to AUTHENTICATE when it has no USIM."""
    said = refusal(Card(changes={"00a4080c": "6a82"}), tmp_path)
    assert "no USIM" in said


def test_pin(tmp_path: Path) -> None:
    """Guards against a card whose PIN is never verified, or a PIN that is printed."""
    with Bsf() as bsf, Modem(Card(pin="1234")) as modem:
        result = bootstrap(bsf.url, modem, tmp_path, pin="1234")
    assert result.returncode == 0, result.stderr
    assert b"1234" not in result.stdout + result.stderr


@pytest.mark.parametrize("pin", [None, "1234"])
def test_pin_that_is_off(tmp_path: Path, pin: str | None) -> None:
    """Guards against a card without a PIN being refused because its status tells how many tries are left."""
    card = Card(changes={"0020": "63c3"})
    with Bsf() as bsf, Modem(card) as modem:
        result = bootstrap(bsf.url, modem, tmp_path, pin=pin)
    assert result.returncode == 0, result.stderr


def test_wrong_pin(tmp_path: Path) -> None:
    """Guards against a wrong PIN that is tried again, until the card is blocked."""
    card = Card(pin="1234")
    said = refusal(card, tmp_path, pin="4321")
    assert "the PIN is wrong; 2 tries are left" in said and card.tries == 2


@pytest.mark.parametrize(
    ("tries", "pin", "said"),
    [
        (3, None, "give --usim-pin"),
        (1, "1234", "only 1 tries are left, so it is not tried"),
        (0, "1234", "the PIN is blocked"),
        (3, "12", "must be 4 to 8 digits; it was not tried"),
        (3, "12a4", "must be 4 to 8 digits; it was not tried"),
    ],
)
def test_pin_that_is_not_tried(tmp_path: Path, tries: int, pin: str | None, said: str) -> None:
    """Guards against the last try, or one with an impossible PIN, being spent by the program."""
    card = Card(pin="1234", tries=tries)
    assert said in refusal(card, tmp_path, pin)
    assert card.tries == tries and not any(len(c) > 10 for c in card.asked if c[2:4] == "20")


@pytest.mark.parametrize(
    ("csim", "said"),
    [
        ("ERROR", "the modem refuses AT+CSIM: ERROR"),
        ("+CME ERROR: 100", "the modem refuses AT+CSIM: +CME ERROR: 100"),
        ("OK", "the modem answers AT+CSIM without"),
        ('+CSIM: 4,"90"\r\n\r\nOK', 'no LENGTH,"HEX"'),
        ("+CSIM: x\r\n\r\nOK", 'no LENGTH,"HEX"'),
        ("silence", "does not answer within 5 s"),
    ],
)
def test_modem_that_refuses(tmp_path: Path, csim: str, said: str) -> None:
    """Guards against an error that hides why the modem keeps programs from the card."""
    with Bsf() as bsf, Modem(Card(), csim=csim) as modem:
        result = bootstrap(bsf.url, modem, tmp_path)
    assert result.returncode == 1 and said in result.stderr.decode(), result.stderr


def test_what_is_no_modem(tmp_path: Path) -> None:
    """Guards against a file or a missing path being taken for a modem, or refused without its name."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "none"):
        words = ["--usim", f"at:{path}", "--state", str(tmp_path / "state")]
        result = akma("bootstrap", "--bsf", "http://127.0.0.1:9", *words)
        assert result.returncode == 1 and str(path).encode() in result.stderr


def test_line_of_another_program(tmp_path: Path) -> None:
    """Guards against two programs on one modem's line that read each other's answers."""
    with Bsf() as bsf, Modem(Card()) as modem:
        with open(modem.path, "rb") as line:
            fcntl.flock(line, fcntl.LOCK_EX)
            result = bootstrap(bsf.url, modem, tmp_path)
            assert result.returncode == 1 and b"another program has locked it" in result.stderr
            assert modem.lines == []
        assert bootstrap(bsf.url, modem, tmp_path).returncode == 0


def test_no_secret_in_arguments(tmp_path: Path) -> None:
    """Guards against a PIN being taken from the command line, where every user can read it."""
    result = akma("bootstrap", "--bsf", "auto", "--usim", "at:/dev/null", "--usim-pin", "1234")
    assert result.returncode == 1 and b"no secret belongs on a command line" in result.stderr


@needs_fips
def test_without_md5(tmp_path: Path) -> None:
    """Guards against a fips provider alone that ends in libcrypto's error instead of what to activate."""
    assert FIPS is not None
    if len(loaded := libcryptos(BUILD / "tool/akma")) > 1:
        pytest.skip(
            f"libcurl has another libcrypto here, and a fips module is only for one: {loaded}"
        )
    config = write_fips_config(tmp_path, beside=())
    environment = {"OPENSSL_CONF": str(config), "OPENSSL_MODULES": str(FIPS.parent)}
    with Bsf() as bsf, Modem(Card()) as modem:
        words = ["--bsf", bsf.url, "--usim", f"at:{modem.path}", "--state", str(tmp_path / "state")]
        result = akma("bootstrap", *words, environment=environment)
    assert result.returncode == 1 and b"libcrypto gives no MD5" in result.stderr, result.stderr
    assert b"activate default as well" in result.stderr


def test_auto(tmp_path: Path) -> None:
    """Guards against a BSF's name that is not the one of TS 23.003 16.2 for the card's IMSI."""
    with Modem(Card()) as modem:
        result = bootstrap("auto", modem, tmp_path)
    assert result.returncode == 1
    assert b"bsf.mnc001.mcc001.pub.3gppnetwork.org" in result.stderr


def test_cards_are_selected_by_their_whole_aid(tmp_path: Path) -> None:
    """Guards against another of several USIMs on a card being selected than the one in EF_DIR."""
    with Bsf(Behaviour()) as bsf, Modem(Card()) as modem:
        assert bootstrap(bsf.url, modem, tmp_path).returncode == 0
    assert f"00a4040c10{USIM}" in modem.card.asked and os.path.exists(tmp_path / "state")
