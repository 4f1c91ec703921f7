"""akma bootstrap: a test subscriber, a BSF that answers and misbehaves, the state file, Ks_NAF.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import reference
from bsf import IMPI, IMSI, K, OPC, SET_1, SQN, TYPE, Behaviour, Bsf
from tool import akma

FQDN = "naf.example.com"
UA = "0100000007"
NAF_ID = FQDN.encode() + bytes.fromhex(UA)
KS_NAF = reference.ks_naf(SET_1.ks, SET_1.rand, IMPI, NAF_ID).hex()


def write_subscriber(path: Path, changes: dict[str, str] | None = None) -> Path:
    """A file for milenage:."""
    lines = {"imsi": IMSI, "k": K.hex(), "opc": OPC.hex(), "sqn": f"{SQN - 1:012x}"}
    lines |= changes or {}
    path.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
    path.chmod(0o600)
    return path


@pytest.fixture
def subscriber(tmp_path: Path) -> Path:
    """The subscriber of TS 35.208's first set, just before that set's SQN."""
    return write_subscriber(tmp_path / "subscriber")


def bootstrap(url: str, subscriber: Path, *more: str | Path) -> subprocess.CompletedProcess[bytes]:
    """One run, with a state file beside the subscriber's."""
    card, state = f"milenage:{subscriber}", subscriber.parent / "state"
    return akma("bootstrap", "--bsf", url, "--usim", card, "--state", state, *more)


def refusal(behaviour: Behaviour, subscriber: Path, *more: str) -> str:
    """What a run says that has to fail; it leaves no state."""
    with Bsf(behaviour) as bsf:
        result = bootstrap(bsf.url, subscriber, *more)
    assert result.returncode == 1 and result.stdout == b"", result.stdout
    assert not (subscriber.parent / "state").exists()
    return result.stderr.decode()


def test_bootstrap(subscriber: Path, tmp_path: Path) -> None:
    """Guards against a header or digest of TS 24.109 that a BSF would refuse, and a key that is printed with the
    B-TID.
    """
    out = tmp_path / "ks-naf"
    with Bsf() as bsf:
        words = ["--naf-fqdn", FQDN, "--ua-protocol-id", UA, "--out", str(out)]
        result = bootstrap(bsf.url, subscriber, *words)
    assert result.returncode == 0, result.stderr
    first, second = bsf.seen
    assert first.path == second.path == "/" and first.agent.endswith(" 3gpp-gba")
    assert first.digest["username"] == IMPI and first.digest["nonce"] == ""
    assert first.digest["response"] == "" and first.digest["uri"] == "/"
    assert second.digest["qop"] == "auth-int" and second.digest["nc"] == "00000001"
    assert len(second.digest["cnonce"]) == 32 and second.digest["opaque"]
    printed = result.stdout.decode()
    b_tid = base64.b64encode(SET_1.rand).decode() + "@bsf.mnc001.mcc001.pub.3gppnetwork.org"
    assert f"b-tid: {b_tid}\n" in printed and "lifetime: 20" in printed
    assert out.read_text().strip() == KS_NAF and stat.S_IMODE(out.stat().st_mode) == 0o600
    for secret in (K, OPC, SET_1.res, SET_1.ks, bytes.fromhex(KS_NAF)):
        assert secret.hex() not in printed + result.stderr.decode()


def test_state(subscriber: Path) -> None:
    """Guards against a state file that others can read, or that lacks the IMSI which it is bound to."""
    with Bsf() as bsf:
        assert bootstrap(bsf.url, subscriber).returncode == 0
    state = subscriber.parent / "state"
    lines = dict(line.split(" ", 1) for line in state.read_text().splitlines())
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert lines["akma-bootstrap"] == "1" and lines["imsi"] == IMSI and lines["impi"] == IMPI
    assert lines["rand"] == SET_1.rand.hex() and lines["ks"] == SET_1.ks.hex()


def test_sqn_is_kept(subscriber: Path) -> None:
    """Guards against a replayed challenge that is accepted because SQN was not kept in the file."""
    with Bsf(Behaviour(vectors=[SET_1])) as bsf:
        assert bootstrap(bsf.url, subscriber).returncode == 0
        assert f"sqn {SQN:012x}" in subscriber.read_text()
        result = bootstrap(bsf.url, subscriber)
    assert result.returncode == 1 and b"resynchronise a second time" in result.stderr
    assert len(bsf.resynchronised) == 1


def test_resynchronisation(tmp_path: Path) -> None:
    """Guards against an AUTS that a network cannot use: f1* and f5* not as TS 35.208 has them, or the next challenge refused."""
    subscriber = write_subscriber(tmp_path / "subscriber", {"sqn": f"{SQN:012x}"})
    with Bsf() as bsf:
        assert bootstrap(bsf.url, subscriber).returncode == 1
    (auts,) = bsf.resynchronised
    assert bsf.faults == []
    ak_star = bytes.fromhex("451e8beca43b")  # f5* of set 1
    assert bytes(a ^ b for a, b in zip(auts[:6], ak_star)) == SQN.to_bytes(6, "big")
    (_, second) = bsf.seen
    assert second.digest["auts"] == base64.b64encode(auts).decode()


@pytest.mark.parametrize("octet", [0, 5, 6, 8, 15])
def test_network_that_is_not_genuine(subscriber: Path, octet: int) -> None:
    """Guards against an AUTN with one altered octet that gets a response, or that moves the subscriber's SQN."""
    autn = bytearray(SET_1.autn)
    autn[octet] ^= 1
    vector = replace(SET_1, autn=bytes(autn))
    said = refusal(Behaviour(vectors=[vector]), subscriber)
    assert "the network is not genuine" in said
    assert f"sqn {SQN - 1:012x}" in subscriber.read_text()


MISBEHAVIOURS: dict[str, tuple[Behaviour, str]] = {
    "wrong rspauth": (Behaviour(rspauth=lambda _: "0" * 32), "rspauth is wrong"),
    "no rspauth": (Behaviour(rspauth=lambda _: ""), "rspauth is wrong"),
    "altered body": (Behaviour(rspauth=lambda r: r[::-1]), "rspauth is wrong"),
    "wrong RES": (Behaviour(vectors=[replace(SET_1, res=bytes(8))]), "RES differs"),
    "AKAv2": (Behaviour(algorithm="algorithm=AKAv2-MD5"), "AKAv2-MD5: only AKAv1-MD5"),
    "MD5": (Behaviour(algorithm="algorithm=MD5"), "MD5: only AKAv1-MD5"),
    "no algorithm": (Behaviour(algorithm=""), "only AKAv1-MD5"),
    "auth over http": (Behaviour(qop='qop="auth"'), "qop=auth over plain http"),
    "no qop": (Behaviour(qop=""), "must have auth-int"),
    "long realm": (Behaviour(realm="a" * 600 + ".example"), "malformed: realm"),
    "no nonce": (Behaviour(challenge=lambda c: c.replace("nonce=", "once=")), "has no nonce"),
    "short nonce": (
        Behaviour(vectors=[replace(SET_1, autn=SET_1.autn[:15])]),
        "nonce: must be base64 of RAND and AUTN",
    ),
    "basic": (Behaviour(challenge=lambda _: 'Basic realm="x"'), "not Digest"),
    "realm twice": (Behaviour(challenge=lambda c: c + ', realm="y"'), "malformed: realm"),
    "cut challenge": (Behaviour(challenge=lambda c: c[:30]), "malformed"),
    "realm with MNC after MCC": (
        Behaviour(realm="bsf.mcc001.mnc001.pub.3gppnetwork.org"),
        "must be a name with mnc<MNC>.mcc<MCC>",
    ),
    "realm with MNC of two digits": (
        Behaviour(realm="bsf.mnc01.mcc001.pub.3gppnetwork.org"),
        "must be a name with mnc<MNC>.mcc<MCC>",
    ),
    "no body": (Behaviour(body=lambda _: "", rspauth=lambda _: None), "no body"),
    "cut body": (Behaviour(body=lambda body: body[:90]), "the BSF's document"),
    "HTML": (Behaviour(content_type="text/html"), "Content-Type"),
    "no type": (Behaviour(content_type=""), "Content-Type"),
    "another type": (Behaviour(content_type=TYPE + "-not"), "Content-Type"),
    "large body": (Behaviour(body=lambda body: body + " " * 17000), "more than 16384 octets"),
    "large header": (Behaviour(headers=[("X", "x" * 17000)]), "more than 16384 octets"),
    "past": (Behaviour(lifetime=lambda: "2020-10-28T23:36:26Z"), "has passed"),
    "no date": (Behaviour(lifetime=lambda: "tomorrow"), "must be a date-time"),
    "30 February": (Behaviour(lifetime=lambda: "2030-02-30T00:00:00Z"), "must be a date-time"),
    "small t": (Behaviour(lifetime=lambda: "2030-01-01t00:00:00Z"), "must be a date-time"),
    "leap second": (Behaviour(lifetime=lambda: "2030-12-31T23:59:60Z"), "must be a date-time"),
    "far zone": (Behaviour(lifetime=lambda: "2030-01-01T00:00:00+15:00"), "must be a date-time"),
    "B-TID without realm": (Behaviour(b_tid="me"), "btid"),
    "B-TID with a comma": (Behaviour(b_tid="a,b@example.com"), "btid"),
    "B-TID with ESC": (Behaviour(b_tid="a&#27;b@example.com"), "the BSF's document"),
    "404": (Behaviour(status=404), "does not serve this subscriber"),
    "500": (Behaviour(status=500), "status 500"),
    "302": (Behaviour(status=302, headers=[("Location", "/")]), "redirects (302)"),
    "DTD": (Behaviour(body=lambda b: b.replace("<Boot", "<!DOCTYPE x><Boot", 1)), "DTD"),
    "entity": (
        Behaviour(
            body=lambda b: b.replace("<Boot", '<!DOCTYPE x [<!ENTITY a "b">]><Boot', 1).replace(
                "<btid>", "<btid>&a;"
            )
        ),
        "DTD",
    ),
    "another root": (Behaviour(body=lambda b: b.replace("BootstrappingInfo", "Info")), "root"),
    "no namespace": (Behaviour(body=lambda b: b.replace("uri:3gpp-gba", "uri:x")), "root"),
    "btid twice": (
        Behaviour(body=lambda b: b.replace("<lifetime>", "<btid>a@b.c</btid><lifetime>")),
        "twice",
    ),
    "element in btid": (Behaviour(body=lambda b: b.replace("<btid>", "<btid><i/>")), "inside"),
    "no lifetime": (
        Behaviour(body=lambda b: b.replace("lifetime>", "life>")),
        "has no lifetime",
    ),
}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_misbehaviour(subscriber: Path, name: str) -> None:
    """Guards against an answer of a BSF or an impostor that is malformed or unauthenticated and still leaves a
    state.
    """
    behaviour, reason = MISBEHAVIOURS[name]
    assert reason in refusal(behaviour, subscriber)


def test_slow_bsf(subscriber: Path) -> None:
    """Guards against a time limit that starts again with each answer, so that a slow BSF holds the program for two
    of them.
    """
    said = refusal(Behaviour(seconds=0.7), subscriber, "--timeout", "1")
    assert "did not answer within 1000 ms" in said or "longer than 1000 ms" in said


def test_bsf_that_is_not_there(subscriber: Path) -> None:
    """Guards against an error that does not say which BSF could not be reached."""
    result = bootstrap("http://127.0.0.1:9", subscriber)
    assert result.returncode == 1 and b"127.0.0.1" in result.stderr


GOOD: dict[str, Behaviour] = {
    "no Authentication-Info": Behaviour(rspauth=lambda _: None),
    "B-TID of a hash": Behaviour(
        b_tid="q83vEjRWeJA/+A==@bsf.ims.mnc045.mcc123.pub.3gppnetwork.org"
    ),
    "a day": Behaviour(lifetime=lambda: "2099-01-01T00:00:00.5+01:00"),
    "a century": Behaviour(lifetime=lambda: "2126-01-01T00:00:00Z"),
    "no zone": Behaviour(lifetime=lambda: "2099-01-01T00:00:00"),
    "a list of qop": Behaviour(qop='qop="auth,auth-int"'),
    "algorithm in quotes": Behaviour(algorithm='algorithm="AKAv1-MD5"'),
    "a longer nonce": Behaviour(nonce_end=b"server data"),
    "type with a parameter": Behaviour(content_type=TYPE + "; charset=utf-8"),
    "prefix": Behaviour(
        body=lambda b: b.replace("<", "<g:")
        .replace("<g:?", "<?")
        .replace("<g:/", "</g:")
        .replace("xmlns=", "xmlns:g=")
    ),
    "more elements": Behaviour(body=lambda b: b.replace("<btid>", "<x><btid>n</btid></x><btid>")),
    "capital rspauth": Behaviour(rspauth=lambda r: r.upper()),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_real_bsfs_do(subscriber: Path, name: str) -> None:
    """Guards against a form of date, B-TID or qop that public BSFs send being refused."""
    with Bsf(GOOD[name]) as bsf:
        result = bootstrap(bsf.url, subscriber)
    assert result.returncode == 0, result.stderr
    said = "sent no Authentication-Info" in result.stderr.decode()
    assert said == (name == "no Authentication-Info")


def test_lifetime_of_another_zone(subscriber: Path) -> None:
    """Guards against a lifetime in another time zone that is printed unconverted."""
    with Bsf(Behaviour(lifetime=lambda: "2099-01-01T02:00:00+02:00")) as bsf:
        result = bootstrap(bsf.url, subscriber)
    assert b"lifetime: 2099-01-01T00:00:00Z\n" in result.stdout, result.stderr


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"k": "00"}, "k: must be 32 hex digits"),
        ({"opc": "x" * 32}, "opc: must be 32 hex digits"),
        ({"imsi": "12ab56"}, "imsi: must be 6 to 15 digits"),
        ({"sqn": "1"}, "sqn: must be 12 hex digits"),
        ({"mnc-length": "4"}, "mnc-length: must be 2 or 3"),
        ({"other": "1"}, "names are imsi, k, opc, sqn, mnc-length"),
    ],
)
def test_subscriber_file(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    """Guards against a mistake in the subscriber's file that is reported without the name of its line."""
    subscriber = write_subscriber(tmp_path / "subscriber", changes)
    result = bootstrap("http://127.0.0.1:9", subscriber)
    assert result.returncode == 1 and said in result.stderr.decode()


def test_subscriber_file_of_others(subscriber: Path) -> None:
    """Guards against a subscriber file with K that others can read and that is accepted."""
    subscriber.chmod(0o644)
    result = bootstrap("http://127.0.0.1:9", subscriber)
    assert result.returncode == 1 and b"chmod" in result.stderr


@pytest.mark.parametrize("output", ["--out", "--state"])
def test_outputs_that_are_inputs(subscriber: Path, tmp_path: Path, output: str) -> None:
    """Guards against Ks_NAF, or the state, in the place of a subscriber's K, a PIN or a fleet's keys."""
    pin, devices, link = tmp_path / "pin", tmp_path / "devices.csv", tmp_path / "link"
    pin.write_text("1234")
    devices.write_text("identity,ks-naf,ka\n")
    link.hardlink_to(subscriber)
    files = [path.read_text() for path in (subscriber, pin, devices)]
    naf: list[str | Path] = ["--naf-fqdn", FQDN, "--ua-protocol-id", UA]
    naf += ["--out", tmp_path / "out"]
    naf += ["--usim-pin", f"file:{pin}", "--bsf-ca", tmp_path / "ca"]
    for path in (subscriber, pin, link, tmp_path / "ca", devices):
        wanted = "is a devices file" if path == devices else "is what this command reads"
        result = bootstrap("http://127.0.0.1:1", subscriber, *naf, output, path)
        assert result.returncode == 2, result.stderr
        assert f"{output}: {wanted}" in result.stderr.decode()
    result = bootstrap("http://127.0.0.1:1", subscriber, *naf, "--out", tmp_path / "state")
    assert result.returncode == 2 and b"--out: is the state file" in result.stderr
    assert [path.read_text() for path in (subscriber, pin, devices)] == files


def test_state_over_another_secret(subscriber: Path, tmp_path: Path) -> None:
    """Guards against a private key, or another file that is no state, that the state is written over."""
    key = tmp_path / "tls.key"
    key.write_text("-----BEGIN PRIVATE KEY-----\n")
    key.chmod(0o600)
    with Bsf() as bsf:
        result = bootstrap(bsf.url, subscriber, "--state", key)
    assert result.returncode == 1 and b"is no state file" in result.stderr
    assert bsf.seen == [] and key.read_text() == "-----BEGIN PRIVATE KEY-----\n"


def test_newest_row(subscriber: Path, tmp_path: Path) -> None:
    """Guards against a bootstrap that overwrites another device's row, an older Ka, or the Ka of its own device."""
    devices = tmp_path / "devices.csv"
    ka, old = "a0" * 32, "b0" * 32
    devices.write_text(
        "identity,ks-naf,ka,ka-id,device\n"
        f"other,{'11' * 32},{'c0' * 32},1,\n"
        f"old-tid@a.b,{'22' * 32},{old},2025,meter-7\n"
        f"old-tid@a.b,{'22' * 32},{ka},2026,meter-7\n"
    )
    devices.chmod(0o600)
    with Bsf() as bsf:
        words = ["--naf-fqdn", FQDN, "--ua-protocol-id", UA, "--devices", str(devices)]
        result = bootstrap(bsf.url, subscriber, *words, "--device", "meter-7")
    assert result.returncode == 0, result.stderr
    header, *rows = devices.read_text().splitlines()
    assert header == "identity,ks-naf,ka,ka-id,device,not-after"
    assert [row.split(",")[:5] for row in rows[:2]] == [
        ["other", "11" * 32, "c0" * 32, "1", ""],
        ["old-tid@a.b", "22" * 32, old, "2025", "meter-7"],
    ]
    identity, ks_naf, *rest = rows[2].split(",")
    assert identity.startswith(base64.b64encode(SET_1.rand).decode()) and ks_naf == KS_NAF
    assert rest[:3] == [ka, "2026", "meter-7"] and int(rest[3]) > 1_700_000_000
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--naf-fqdn", FQDN], "give both, or none"),
        (["--out", "x"], "Ks_NAF needs --naf-fqdn"),
        (["--naf-fqdn", FQDN, "--ua-protocol-id", UA], "give either --out or --devices"),
        (["--device", "x"], "which is missing"),
    ],
)
def test_options_that_belong_together(subscriber: Path, words: list[str], said: str) -> None:
    """Guards against an option without its partner being ignored, after the card has spent a SQN."""
    result = bootstrap("http://127.0.0.1:9", subscriber, *words)
    assert result.returncode == 2 and said in result.stderr.decode()


@pytest.mark.parametrize(
    "url", ["ftp://a", "http://u@a", "http://a/x", "http://a/?q", "a", "http://"]
)
def test_urls(subscriber: Path, url: str) -> None:
    """Guards against a BSF's URL of another form than http[s]://HOST[:PORT] that is accepted, and means something else."""
    result = bootstrap(url, subscriber)
    assert result.returncode == 1 and b"must be http://HOST" in result.stderr


@pytest.mark.parametrize("spec", ["usb:1", "", "milenage", "pcsc"])
def test_specs(tmp_path: Path, spec: str) -> None:
    """Guards against a mistyped --usim that is taken for one of the kinds, or refused without a list of them."""
    state = ["--state", str(tmp_path / "state")]
    result = akma("bootstrap", "--bsf", "http://127.0.0.1:9", "--usim", spec, *state)
    assert result.returncode == 1 and b"must be pcsc:[READER], at:/dev/TTY" in result.stderr


def test_impi_of_an_option(subscriber: Path) -> None:
    """Guards against a given IMPI that the digest ignores, or one without a user or a realm that is accepted."""
    with Bsf() as bsf:
        assert bootstrap(bsf.url, subscriber, "--impi", "me@home.example").returncode == 0
        result = bootstrap(bsf.url, subscriber, "--impi", "me")
        nobody = bootstrap(bsf.url, subscriber, "--impi", "@home.example")
    assert bsf.seen[1].digest["username"] == "me@home.example"
    assert result.returncode == 1 and b'impi "me": must be user@realm' in result.stderr
    assert nobody.returncode == 1 and b"must be user@realm" in nobody.stderr


def test_vector_is_the_published_one() -> None:
    """Guards against a mistyped test vector that every test of bootstrapping would agree with."""
    ak, mac = bytes.fromhex("aa689c648370"), bytes.fromhex("4a9ffac354dfafb3")
    sqn = bytes(a ^ b for a, b in zip(SET_1.autn[:6], ak))
    assert int.from_bytes(sqn, "big") == SQN and SET_1.autn[8:] == mac
