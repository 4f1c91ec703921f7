"""Policies through real configuration files: every key, every bound, what cannot be understood.

SPDX-License-Identifier: Apache-2.0
"""

import string
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from configuration import write_config
from evp import OPENSSL_VERSION, EvpError, Item, LibCtx, Value
from openssl_cli import derived, kdf, openssl
from samples import ALGORITHMS, EXPECTED, FQDN, KA, KEY, NAF_ID, UA, items, options

ALL_DIGESTS = "SHA2-256:SHA2-384:SHA2-512:SHA2-512/256:SHA3-256:SHA3-384:SHA3-512"
NAF_ALGORITHMS = ("AKMA-E2E", "GBA-KS-NAF", "GBA-KS-INT-NAF", "AKMA-K-AF")


def attempt(libctx: LibCtx, algorithm: str = "AKMA-E2E", /, **changes: Value | None) -> str:
    """Derive the sample with these changes: empty, or the error."""
    ctx = libctx.kdf(algorithm).new()
    ctx.set(items(algorithm, **changes))
    try:
        ctx.derive(32)
    except EvpError as error:
        return error.text.partition(": ")[2]  # reasons go by numbers that wrap after many loads
    finally:
        ctx.free()
    return ""


def load(config: Path, **keys: str) -> LibCtx:
    """A library context whose akma has this policy; an underscore stands for a hyphen."""
    policy = {key.replace("_", "-"): value for key, value in keys.items()}
    return LibCtx(config=write_config(config, {"akma": policy}))


def policy_of(libctx: LibCtx, name: str = "akma") -> str:
    """The provider's `policy` parameter."""
    return libctx.provider_text(name, "policy")


def test_without_keys_nothing_is_refused(config: Path) -> None:
    """Guards against a bound that holds although no key of the policy asks for it."""
    with load(config) as libctx:
        for algorithm in ALGORITHMS:
            assert attempt(libctx, algorithm) == ""
        assert attempt(libctx, ka=KA[:16]) == ""
        assert policy_of(libctx) == ""
        assert libctx.provider_status("akma") == 1


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("SHA2-256", "SHA2-256"),
        ("sha384:SHA256", "SHA2-256:SHA2-384"),
        ("sha512-256:SHA-512:sha3-512", "SHA2-512:SHA2-512/256:SHA3-512"),
        ("2.16.840.1.101.3.4.2.8:sha3-256:SHA3-384", "SHA3-256:SHA3-384"),
        (ALL_DIGESTS, ALL_DIGESTS),
    ],
)
def test_allowed_digests(config: Path, given: str, canonical: str) -> None:
    """Guards against a digest that is not listed being used, or a listed one being refused."""
    with load(config, allowed_digests=given) as libctx:
        assert policy_of(libctx) == f"allowed-digests = {canonical}"
        for digest in ALL_DIGESTS.split(":"):
            error = attempt(libctx, digest=digest)
            if digest in canonical.split(":"):
                assert error == ""
            else:
                said = f"policy: allowed-digests: {digest} is not allowed; allowed: {canonical}"
                assert error == said


def test_default_digest_is_a_choice(config: Path) -> None:
    """Guards against the default digest getting past allowed-digests."""
    with load(config, allowed_digests="SHA2-384") as libctx:
        assert "policy: allowed-digests: SHA2-256 is not allowed" in attempt(libctx)
        for algorithm in ALGORITHMS:
            if algorithm != "AKMA-E2E":
                assert attempt(libctx, algorithm) == ""


@pytest.mark.parametrize(
    ("given", "canonical"),
    [("3GPP", "3GPP"), ("hkdf", "HKDF"), ("HKDF:3gpp", "3GPP:HKDF"), ("3GPP:3GPP", "3GPP")],
)
def test_allowed_modes(config: Path, given: str, canonical: str) -> None:
    """Guards against a mode that is not listed being used, or a listed one being refused."""
    with load(config, allowed_modes=given) as libctx:
        assert policy_of(libctx) == f"allowed-modes = {canonical}"
        for mode in ("3GPP", "HKDF"):
            error = attempt(libctx, mode=mode)
            if mode in canonical:
                assert error == ""
            else:
                assert (
                    f"policy: allowed-modes: {mode} is not allowed; allowed: {canonical}" in error
                )
        assert (attempt(libctx) == "") == ("3GPP" in canonical)


@pytest.mark.parametrize("minimum", [16, 17, 32, 65535])
def test_min_ka_length(config: Path, minimum: int) -> None:
    """Guards against a Ka that is an octet shorter than min-ka-length being used."""
    with load(config, min_ka_length=str(minimum)) as libctx:
        assert policy_of(libctx) == f"min-ka-length = {minimum}"
        assert attempt(libctx, ka=b"\1" * minimum) == ""
        error = attempt(libctx, ka=b"\1" * max(minimum - 1, 16))
        said = (
            f"policy: min-ka-length: {minimum - 1} octets of ka given; must be at least {minimum}"
        )
        assert said in error if minimum > 16 else error == ""


@pytest.mark.parametrize("mode", ["3GPP", "HKDF"])
@pytest.mark.parametrize("minimum", [0, 1, 8, 255])
def test_min_refresh_length(config: Path, minimum: int, mode: str) -> None:
    """Guards against a refresh that is an octet shorter than min-refresh-length, or none, being used."""
    with load(config, min_refresh_length=str(minimum)) as libctx:
        assert attempt(libctx, refresh=bytes(minimum), mode=mode) == ""
        error = attempt(libctx, mode=mode)
        said = f"policy: min-refresh-length: 0 octets of refresh given; must be at least {minimum}"
        assert said in error if minimum > 0 else error == ""
        if minimum > 1:
            error = attempt(libctx, refresh=bytes(minimum - 1), mode=mode)
            assert f"{minimum - 1} octets of refresh given" in error


BOOLEANS = {"yes": True, "no": False, "on": True, "off": False}
BOOLEANS |= {"true": True, "false": False, "1": True, "0": False}


@pytest.mark.parametrize(
    "given", [n for name in BOOLEANS for n in (name, name.upper(), name.title())]
)
def test_booleans(config: Path, given: str) -> None:
    """Guards against a spelling of yes that is read as no."""
    expected = BOOLEANS[given.lower()]
    with load(config, require_usage=given, require_not_after=given) as libctx:
        answer = "yes" if expected else "no"
        assert policy_of(libctx) == f"require-usage = {answer}\nrequire-not-after = {answer}"
        later = int(time.time()) + 1000
        assert attempt(libctx, usage="u", not_after=later) == ""
        without_usage = attempt(libctx, not_after=later)
        without_end = attempt(libctx, usage="u")
        empty_usage = attempt(libctx, usage="", not_after=later)
        assert ("policy: require-usage: " in without_usage) == expected
        assert ("policy: require-usage: " in empty_usage) == expected
        assert ("policy: require-not-after: " in without_end) == expected
        assert expected or (without_usage, without_end) == ("", "")
        assert "not-after: the 3GPP key ended" in attempt(libctx, usage="u", not_after=1)


NAFS = "naf.Example.com:*.iot.example.com"
NAF_CASES = {
    "naf.example.com": True,
    "NAF.EXAMPLE.COM": True,
    "a.iot.example.com": True,
    "A.b.IOT.example.com": True,
    "iot.example.com": False,
    "xiot.example.com": False,
    "x.naf.example.com": False,
    "naf.example.co": False,
    "naf.example.comm": False,
    "naf-example.com": False,
    "iot.example.com.evil.org": False,
    "com": False,
}


@pytest.mark.parametrize("algorithm", NAF_ALGORITHMS)
def test_allowed_nafs(config: Path, algorithm: str) -> None:
    """Guards against a NAF that matches no pattern getting a key, by either form of its name."""
    with load(config, allowed_nafs=NAFS) as libctx:
        assert policy_of(libctx) == f"allowed-nafs = {NAFS.lower()}"
        for name, allowed in NAF_CASES.items():
            errors = {
                attempt(libctx, algorithm, naf_id=name.encode() + UA),
                attempt(libctx, algorithm, naf_id=None, naf_fqdn=name, ua_protocol_id=UA),
            }
            said = f"policy: allowed-nafs: {name} is not allowed; allowed: {NAFS.lower()}"
            assert errors == {"" if allowed else said}


@pytest.mark.parametrize("algorithm", NAF_ALGORITHMS)
def test_allowed_ua_protocols(config: Path, algorithm: str) -> None:
    """Guards against a Ua security protocol identifier that matches no pattern getting a key."""
    listed = "0100000007:010001*:FF*:0000000000"
    cases = {
        "0100000007": True,
        "0100000008": False,
        "0100010000": True,
        "010001c02b": True,
        "0100020000": False,
        "ff00000000": True,
        "ffffffffff": True,
        "fe00000000": False,
        "0000000000": True,
    }
    with load(config, allowed_ua_protocols=listed) as libctx:
        assert policy_of(libctx) == f"allowed-ua-protocols = {listed.lower()}"
        for identifier, allowed in cases.items():
            error = attempt(libctx, algorithm, naf_id=FQDN.encode() + bytes.fromhex(identifier))
            said = f"policy: allowed-ua-protocols: {identifier} is not allowed; allowed: {listed.lower()}"
            assert error == ("" if allowed else said)


def test_other_algorithms_are_not_bound(config: Path) -> None:
    """Guards against a bound on NAFs that refuses derivations which have no NAF."""
    with load(config, allowed_nafs="else.example", allowed_ua_protocols="02*") as libctx:
        for algorithm in ALGORITHMS:
            assert (attempt(libctx, algorithm) != "") == (algorithm in NAF_ALGORITHMS)


def test_all_keys_at_once(config: Path) -> None:
    """Guards against a key of the policy that another one switches off."""
    keys = {
        "allowed-digests": "SHA2-256:SHA2-384",
        "allowed-modes": "3GPP",
        "min-ka-length": "032",
        "min-refresh-length": "8",
        "require-usage": "yes",
        "require-not-after": "yes",
        "allowed-nafs": FQDN,
        "allowed-ua-protocols": "01*",
    }
    with LibCtx(config=write_config(config, {"akma": keys})) as libctx:
        lines = [f"{key} = {value}" for key, value in keys.items()]
        assert policy_of(libctx).splitlines() == [line.replace("032", "32") for line in lines]
        later = int(time.time()) + 1000
        inside: dict[str, Value | None] = {"refresh": bytes(8), "usage": "u", "not_after": later}
        assert attempt(libctx, **inside) == ""
        outside: dict[str, Value | None] = {
            "digest": "SHA3-256",
            "mode": "HKDF",
            "ka": b"\1" * 31,
            "refresh": bytes(7),
            "usage": None,
            "not_after": None,
            "naf_id": b"x" + UA,
        }
        for name, value in outside.items():
            assert "policy: " in attempt(libctx, **inside | {name: value})


def test_refused_context_stays_usable(config: Path) -> None:
    """Guards against a context that the policy has refused once and that cannot be used any more."""
    with load(config, allowed_digests="SHA2-384") as libctx:
        ctx = libctx.kdf("AKMA-E2E").new()
        ctx.set(items())
        with pytest.raises(EvpError, match="policy: allowed-digests"):
            ctx.derive(32)
        expected = reference.e2e_key(KEY, KA, NAF_ID, digest="SHA2-384")
        assert ctx.derive(32, [("digest", "SHA2-384")]) == expected
        ctx.free()


def test_through_openssl_kdf(config: Path) -> None:
    """Guards against a policy that openssl kdf passes over."""
    write_config(config, {"akma": {"min-ka-length": "33"}})
    result = kdf("AKMA-E2E", 32, options(), config=config)
    assert result.returncode == 1
    assert "policy: min-ka-length: 32 octets of ka given; must be at least 33" in result.stderr
    assert result.stdout == ""
    write_config(config, {"akma": {"min-ka-length": "32"}})
    assert derived(kdf("AKMA-E2E", 32, options(), config=config)) == EXPECTED["AKMA-E2E"]


NAMES = "must be SHA2-256, SHA2-384, SHA2-512, SHA2-512/256, SHA3-256, SHA3-384 or SHA3-512"
LONG_NAME = ".".join(["a" * 63] * 4)
BROKEN: dict[str, list[tuple[str, str]]] = {
    "allowed-digests": [
        ("", f"'' given; {NAMES}"),
        ("SHA1", f"'SHA1' given; {NAMES}"),
        ("MD5", f"'MD5' given; {NAMES}"),
        ("SHA2-224", f"'SHA2-224' given; {NAMES}"),
        ("SHA2-256:", f"'' given; {NAMES}"),
        (":SHA2-256", f"'' given; {NAMES}"),
        ("SHA2-256::SHA2-384", f"'' given; {NAMES}"),
        ("SHA2-256: SHA2-384", f"' SHA2-384' given; {NAMES}"),
        ("SHA2-256,SHA2-384", f"'SHA2-256,SHA2-384' given; {NAMES}"),
        ("SHA2-256:SHA1", f"'SHA1' given; {NAMES}"),
        ("*", f"'*' given; {NAMES}"),
    ],
    "allowed-modes": [
        ("", "'' given; must be 3GPP or HKDF"),
        ("4GPP", "'4GPP' given; must be 3GPP or HKDF"),
        ("3GPP:", "'' given; must be 3GPP or HKDF"),
        ("3GPP HKDF", "'3GPP HKDF' given; must be 3GPP or HKDF"),
    ],
    "min-ka-length": [
        (value, f"'{value}' given; must be a number of octets from 16 to 65535")
        for value in ("", "15", "0", "65536", "-32", "+32", "32x", "0x20", "32 octets", "many")
        + ("3.2", "99999999999999999999999999", "4294967328", "18446744073709551648")
    ],
    "min-refresh-length": [
        (value, f"'{value}' given; must be a number of octets from 0 to 255")
        for value in ("", "256", "-1", "8 ,", "8x", "none")
    ],
    "require-usage": [
        (value, f"'{value}' given; must be yes, no, on, off, true, false, 1 or 0")
        for value in ("", "y", "2", "ja", "yess", "enabled")
    ],
    "require-not-after": [
        (value, f"'{value}' given; must be yes, no, on, off, true, false, 1 or 0")
        for value in ("", "n", "10", "always")
    ],
    "allowed-nafs": [
        ("", "'' given; the FQDN must have 1 to 253 octets"),
        ("*", "'*' given; a '*' is alone or not at the front"),
        ("*.", "'*.' given; the FQDN must have 1 to 253 octets"),
        ("*.com", "'*.com' given; '*.' must be followed by at least two labels"),
        ("*com", "'*com' given; a '*' is alone or not at the front"),
        ("naf.*.com", "'naf.*.com' given; a '*' is alone or not at the front"),
        ("*.*.com", "'*.*.com' given; a '*' is alone or not at the front"),
        ("naf*.example.com", "'naf*.example.com' given; a '*' is alone or not at the front"),
        ("naf.example.*", "'naf.example.*' given; a '*' is alone or not at the front"),
        ("**.example.com", "'**.example.com' given; a '*' is alone or not at the front"),
        ("naf.example.com:", "'' given; the FQDN must have 1 to 253 octets"),
        ("naf.example.com::b", "'' given; the FQDN must have 1 to 253 octets"),
        ("naf.example.com.", "'naf.example.com.' given; an empty label"),
        (".example.com", "'.example.com' given; an empty label"),
        ("*..example.com", "'*..example.com' given; an empty label"),
        ("a_b.example.com", "'a_b.example.com' given; not host-name text"),
        ("a b", "'a b' given; not host-name text"),
        ("-a.example.com", "'-a.example.com' given; a label starts or ends with a hyphen"),
        ("n\u00e4f.example", "'n??f.example' given; not host-name text"),
        (LONG_NAME, "' given; the FQDN must have 1 to 253 octets"),
        ("ok.example:*.org", "'*.org' given; '*.' must be followed by at least two labels"),
    ],
    "allowed-ua-protocols": [
        (value, f"'{came}' given; must be the hex of 5 octets, or of 1 to 4 octets and '*'")
        for value, came in (
            *((value, value) for value in ("", "*", "***", "0*", "01000*", "0100000007*", "0g*")),
            *((value, value) for value in ("01000000", "010000000700", "01000000zz", "01*0*0")),
            *((value, value) for value in ("01 00 0000", "0x01000000")),
            ("01:", "01"),
            ("0100000007:", ""),
            ("0100000007:1", "1"),
        )
    ],
}
BROKEN_CASES = [(key, value, said) for key, cases in BROKEN.items() for value, said in cases]


@pytest.mark.parametrize(("key", "value", "said"), BROKEN_CASES)
def test_broken_policy(config: Path, key: str, value: str, said: str) -> None:
    """Guards against a policy value that cannot be understood and is left out, so that its restriction is lost."""
    with LibCtx(config=write_config(config, {"akma": {key: value}})) as libctx:
        text = policy_of(libctx)
        assert text.startswith(f"policy: {key}: '") and said in text
        assert libctx.provider_status("akma") == 0
        for algorithm in ALGORITHMS:
            assert attempt(libctx, algorithm) == text


def test_broken_policy_through_openssl_kdf(config: Path) -> None:
    """Guards against a policy that cannot be understood being passed over by openssl kdf."""
    write_config(config, {"akma": {"allowed-digests": "SHA1"}})
    result = kdf("AKMA-K-AF", 32, options("AKMA-K-AF"), config=config)
    assert result.returncode == 1
    assert f"policy: allowed-digests: 'SHA1' given; {NAMES}" in result.stderr
    assert "status: inactive" in openssl("list", "-providers", config=config).stdout


def test_broken_policy_survives_a_load_by_name(config: Path) -> None:
    """Guards against a load by name that makes a broken policy forgotten."""
    with load(config, allowed_modes="none") as libctx:
        libctx.load("akma")
        assert "policy: allowed-modes: 'none' given" in attempt(libctx)


def test_first_fault_is_told(config: Path) -> None:
    """Guards against an error about a policy that names another key than the first one that is wrong."""
    with load(config, require_usage="maybe", min_ka_length="1") as libctx:
        assert policy_of(libctx).startswith("policy: min-ka-length: '1' given")


def test_texts_stay_on_the_error_stack(config: Path) -> None:
    """Guards against an error longer than 1023 octets, which vanishes from OpenSSL's stack."""
    many = ":".join(f"naf{number}.example.com" for number in range(1000))
    with load(config, allowed_nafs=many) as libctx:
        name = ".".join(["x" * 63] * 3 + ["y" * 61])
        error = attempt(libctx, naf_id=name.encode() + UA)
        assert f"policy: allowed-nafs: {name} is not allowed; allowed: naf0.example.com:" in error
        assert len(error) < 1000 and error.endswith("...")
        assert attempt(libctx, naf_id=b"naf999.example.com" + UA) == ""
        assert policy_of(libctx) == f"allowed-nafs = {many}"
    with load(config, allowed_digests="x" * 5000) as libctx:
        error = attempt(libctx)
        assert "policy: allowed-digests: 'xxx" in error and "...' given" in error
        assert len(error) < 1000


def test_misspelt_key_shows_by_its_absence(config: Path) -> None:
    """Guards against a misspelt key that is listed among the policies, although nothing enforces it."""
    with load(config, min_ka_lenght="32", allowed_modes="3GPP") as libctx:
        assert attempt(libctx, ka=b"\1" * 16) == ""
        assert policy_of(libctx) == "allowed-modes = 3GPP"


def test_value_that_names_a_section_is_lost(config: Path) -> None:
    """Guards against documents that are wrong about a value which OpenSSL reads as the name of a section."""
    write_config(config, {"akma": {"allowed-modes": "HKDF"}})
    config.write_text(config.read_text() + "[HKDF]\nx = y\n")
    with LibCtx(config=config) as libctx:
        assert policy_of(libctx) == ""


# Several third parties


def instances(config: Path, **policies: Mapping[str, str]) -> LibCtx:
    """One module, activated several times."""
    return LibCtx(config=write_config(config, policies))


STRICT = {"min-ka-length": "32", "require-usage": "yes"}
LAX = {"allowed-modes": "HKDF:3GPP"}


def test_instances_keep_their_policies(config: Path) -> None:
    """Guards against a policy of one instance holding for another."""
    with instances(config, acme=STRICT, globex=LAX) as libctx:
        assert policy_of(libctx, "acme") == "min-ka-length = 32\nrequire-usage = yes"
        assert policy_of(libctx, "globex") == "allowed-modes = 3GPP:HKDF"
        acme = libctx.kdf("AKMA-E2E", "provider=acme")
        globex = libctx.kdf("AKMA-E2E", "provider=globex")
        assert (acme.provider, globex.provider) == ("acme", "globex")
        short: list[Item] = items(ka=KA[:16])
        with pytest.raises(EvpError, match="policy: min-ka-length: 16 octets"):
            acme.new().derive(32, short)
        assert globex.new().derive(32, short) == reference.e2e_key(KEY, KA[:16], NAF_ID)
        expected = reference.e2e_key(KEY, KA, NAF_ID, usage="u")
        assert acme.new().derive(32, items(usage="u")) == expected
        del acme, globex


def test_a_broken_instance_breaks_no_other(config: Path) -> None:
    """Guards against a broken instance that makes others refuse, or derives itself."""
    with instances(config, acme={"allowed-modes": "x"}, globex={}) as libctx:
        with pytest.raises(EvpError, match="policy: allowed-modes: 'x' given"):
            libctx.kdf("AKMA-E2E", "provider=acme").new().derive(32, items())
        globex = libctx.kdf("AKMA-E2E", "provider=globex").new()
        assert globex.derive(32, items()) == EXPECTED["AKMA-E2E"]
        globex.free()


def test_instances_through_openssl_kdf(config: Path) -> None:
    """Guards against a property query that does not choose the instance whose policy it names."""
    write_config(config, {"acme": STRICT, "globex": LAX})
    refused = kdf("AKMA-E2E", 32, options(), "-propquery", "provider=acme", config=config)
    assert refused.returncode == 1 and "policy: require-usage" in refused.stderr
    chosen = kdf("AKMA-E2E", 32, options(), "-propquery", "provider=globex", config=config)
    assert derived(chosen) == EXPECTED["AKMA-E2E"]


def test_without_a_query_openssl_picks_one(config: Path) -> None:
    """Guards against a fetch without a query that finds none of several instances, or one by the module's own name
    that finds one."""
    with instances(config, acme=STRICT, globex=LAX) as libctx:
        picked = libctx.kdf("AKMA-E2E")
        assert picked.provider in ("acme", "globex")
        with pytest.raises(EvpError):
            libctx.kdf("AKMA-E2E", "provider=akma")
        del picked


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("acme", "provider=acme"),
        ("Acme", "provider=acme"),
        ("acme-2", "provider=acme-2"),
        ("acme_eu", "provider=acme_eu"),
        ("3rd-party", "provider='3rd-party'"),
        ("42", "provider='42'"),
        ("acme;eu", "provider='acme;eu'"),
        ("acme!", 'provider="acme!"'),
    ],
)
def test_names_of_instances(config: Path, name: str, query: str) -> None:
    """Guards against an instance whose name a property query cannot find."""
    write_config(config, {name: {}, "other": STRICT})
    with LibCtx(config=config) as libctx:
        named = libctx.kdf("AKMA-E2E", query)
        assert named.provider == name
        assert named.new().derive(32, items()) == EXPECTED["AKMA-E2E"]
        del named


@pytest.mark.skipif(OPENSSL_VERSION < (3, 2), reason="OSSL_PROVIDER_load_ex() came with 3.2")
def test_parameters_at_load() -> None:
    """Guards against a policy given when the module is loaded that is passed over."""
    with LibCtx(["default"]) as libctx:
        libctx.load_with("akma", {"min-ka-length": "33", "allowed-modes": "hkdf"})
        assert policy_of(libctx) == "allowed-modes = HKDF\nmin-ka-length = 33"
        assert "policy: min-ka-length: 32 octets" in attempt(libctx, mode="HKDF")
        assert attempt(libctx, mode="HKDF", ka=b"\1" * 33) == ""
    with LibCtx(["default"]) as libctx:
        libctx.load_with("akma", {"min-ka-length": "3"})
        assert "policy: min-ka-length: '3' given" in attempt(libctx)


@pytest.mark.skipif(OPENSSL_VERSION < (3, 5), reason="-provparam came with 3.5")
def test_provparam_comes_too_late() -> None:
    """Guards against an -provparam that changes a policy after the module has read it, against what the documents
    say.
    """
    extra = ["-provider", "akma", "-provparam", "akma:min-ka-length=33", "-provider", "default"]
    result = kdf("AKMA-E2E", 32, options(), *extra, config=Path("/dev/null"))
    assert derived(result) == EXPECTED["AKMA-E2E"]


# Name patterns, against a matcher written from the words

label = st.text(string.ascii_letters[:3] + "AB", min_size=1, max_size=2)
names = st.lists(label, min_size=1, max_size=4).map(".".join)
suffixes = st.lists(label, min_size=2, max_size=3).map(".".join)
patterns = st.one_of(names, suffixes.map("*.{}".format))


def matches(pattern: str, name: str) -> bool:
    """An exact name, or *. and a suffix: any depth beneath it, not the suffix itself."""
    wanted, labels = pattern.lower().split("."), name.lower().split(".")
    if wanted[0] != "*":
        return wanted == labels
    suffix = wanted[1:]
    return len(labels) > len(suffix) and labels[-len(suffix) :] == suffix


@given(
    listed=st.lists(patterns, min_size=1, max_size=4),
    tried=st.lists(names, min_size=1, max_size=20),
)
def test_name_patterns(listed: list[str], tried: list[str]) -> None:
    """Guards against a pattern of names that matches more, or less, than its page says."""
    with tempfile.TemporaryDirectory() as folder:
        with load(Path(folder) / "openssl.cnf", allowed_nafs=":".join(listed)) as libctx:
            for name in tried:
                refused = attempt(libctx, naf_id=name.encode() + UA) != ""
                assert refused != any(matches(pattern, name) for pattern in listed)


octets = st.binary(min_size=5, max_size=5).map(lambda ua: b"\x01" + bytes(o & 1 for o in ua[1:]))
prefixes = st.tuples(octets, st.integers(1, 4)).map(lambda cut: cut[0][: cut[1]].hex() + "*")


@given(
    listed=st.lists(st.one_of(octets.map(bytes.hex), prefixes), min_size=1, max_size=3),
    tried=st.lists(octets, min_size=1, max_size=10),
)
def test_ua_patterns(listed: list[str], tried: list[bytes]) -> None:
    """Guards against a pattern of Ua security protocol identifiers that matches more, or less, than its page says."""
    with tempfile.TemporaryDirectory() as folder:
        with load(Path(folder) / "openssl.cnf", allowed_ua_protocols=":".join(listed)) as libctx:
            for ua in tried:
                refused = attempt(libctx, naf_id=FQDN.encode() + ua) != ""
                assert refused != any(ua.hex().startswith(p.rstrip("*")) for p in listed)
