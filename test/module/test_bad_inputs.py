"""What is refused, with which words; and that nothing is lost by it.

Each case is tried three ways: in a set, in a derive, and (where the command line can say it) with
`openssl kdf`.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
from dataclasses import dataclass, field

import pytest

import reference
from evp import INTEGER, OCTET_PTR, OCTETS, REAL, UNSIGNED, UTF8, UTF8_PTR
from evp import Ctx, EvpError, Item, Kdf, LibCtx, OsslParam, Param, c, error_texts
from openssl_cli import kdf as openssl_kdf
from samples import EXPECTED, FQDN, KA, KEY, NAF_ID, RAND, SAMPLES, UA, items

FILL = 0xA5
GBA = "GBA-KS-NAF"
SUCI = "AKMA-K-AKMA"
DEVICE_KA = "AKMA-KA"
ANY = "3GPP-KDF"


@dataclass
class Bad:
    """Values that are refused when they are set."""

    given: list[Item]
    text: str
    algorithm: str = "AKMA-E2E"
    without: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        names = [item.name if isinstance(item, Param) else item[0] for item in self.given]
        return f"{self.algorithm} {'+'.join(names)}: {self.text}"[:80].replace("\n", " ")


def octets_of_length(name: str, wanted: str, *lengths: int, algorithm: str) -> list[Bad]:
    """Lengths outside a bound."""
    return [
        Bad([(name, b"\x80" * n)], f"{name}: {n} octets given; must be {wanted}", algorithm)
        for n in lengths
    ]


def text_of_length(name: str, wanted: str, *lengths: int, algorithm: str) -> list[Bad]:
    """The same of text."""
    return [
        Bad([(name, "d" * n)], f"{name}: {n} octets given; must be {wanted}", algorithm)
        for n in lengths
    ]


LENGTHS = [
    *octets_of_length("ks-naf", "exactly 32", 0, 1, 31, 33, 64, 65, algorithm="AKMA-E2E"),
    *octets_of_length("key", "exactly 32", 0, 31, 33, algorithm="AKMA-E2E"),
    *octets_of_length("ka", "16 to 65535", 0, 1, 15, 65536, 70000, algorithm="AKMA-E2E"),
    *octets_of_length("secret", "16 to 65535", 15, 65536, algorithm="AKMA-E2E"),
    *octets_of_length("naf-id", "6 to 258", 0, 5, 259, algorithm="AKMA-E2E"),
    *text_of_length("naf-fqdn", "1 to 253", 0, 254, algorithm="AKMA-E2E"),
    *octets_of_length("ua-protocol-id", "exactly 5", 0, 4, 6, algorithm="AKMA-E2E"),
    *octets_of_length("refresh", "0 to 255", 256, 70000, algorithm="AKMA-E2E"),
    *text_of_length("usage", "0 to 255", 256, algorithm="AKMA-E2E"),
    Bad([("usage", "\u00e9" * 128)], "usage: 256 octets given; must be 0 to 255"),
    *octets_of_length("key", "exactly 32", 0, 31, 33, algorithm=GBA),
    *octets_of_length("rand", "exactly 16", 0, 15, 17, algorithm=GBA),
    *text_of_length("impi", "1 to 65535", 0, 65536, algorithm=GBA),
    *octets_of_length("key", "exactly 32", 31, 33, algorithm="GBA-KS-INT-NAF"),
    *octets_of_length("key", "exactly 32", 31, 33, algorithm=SUCI),
    *octets_of_length("key", "exactly 32", 31, 33, algorithm="AKMA-A-TID"),
    *octets_of_length("key", "exactly 32", 31, 33, algorithm="AKMA-K-AF"),
    *text_of_length("supi", "1 to 65535", 0, 65536, algorithm=SUCI),
    *text_of_length("supi", "1 to 65535", 0, 65536, algorithm="AKMA-A-TID"),
    *octets_of_length("key", "exactly 32", 0, 31, 33, algorithm=DEVICE_KA),
    *text_of_length("device", "1 to 255", 0, 256, algorithm=DEVICE_KA),
    *text_of_length("ka-id", "0 to 255", 256, algorithm=DEVICE_KA),
    Bad([("key", b"")], "key: 0 octets given; must be 1 to ", ANY),
    *octets_of_length("fc", "1 to 2", 0, 3, algorithm=ANY),
    *octets_of_length("p", "0 to 65535", 65536, algorithm=ANY),
]

HINT = "looks like hex text: give it as hex{0} on the command line, or decode it"
HINTS = [
    Bad([("ks-naf", KEY.hex().encode())], "ks-naf: 64 octets given; must be exactly 32; " + HINT),
    Bad([("ks-naf", KEY.hex().upper().encode())], HINT),
    Bad([("key", KEY.hex().encode())], HINT),
    Bad([("key", KEY.hex().encode())], HINT, SUCI),
    Bad([("naf-id", FQDN.encode())], "the Ua security protocol identifier is missing"),
    Bad([("naf-id", b"iot.example")], "the Ua security protocol identifier is missing"),
    *[
        Bad([("naf-id", FQDN.encode() + first + bytes(4))], "identifier is missing")
        for first in (b"a", b"z", b"A", b"Z", b"0", b"9", b"-", b".")
    ],
]

IMSI_WANTED = "must be the 5 to 15 digits of an IMSI, or user@realm (TS 33.501 A.7.0)"
IMPI_WANTED = "must be user@realm (TS 23.003 13.3)"
BLANKS = " \u00a0\u1680\u2000\u200a\u202f\u205f\u3000"
SUPIS: list[tuple[str, str]] = [
    ("imsi-234150999999999", "leave out 'imsi-'"),
    ("IMSI-1", "leave out 'imsi-'"),
    ("imsi-", "leave out 'imsi-'"),
    ("imsi-1@example.com", "leave out 'imsi-'"),
    ("nai-user@example.com", "leave out 'nai-'"),
    ("Nai-user@example.com", "leave out 'nai-'"),
    ("gci-ab@5gc.example.com", "without 'gci-'"),
    ("gli-ab@5gc.example.com", "without 'gli-'"),
    ("suci-0-001-01-0-0-0-0000000001", "a SUCI is concealed"),
    ("msisdn-491701234567", "a GPSI is no SUPI"),
    ("extid-meter-7@example.com", "a GPSI is no SUPI"),
    ("ExtId-meter-7@example.com", "a GPSI is no SUPI"),
    ("imei-490154203237518", "a PEI names the equipment"),
    ("imeisv-4901542032375186", "a PEI names the equipment"),
    ("1234", IMSI_WANTED),
    ("1234567890123456", IMSI_WANTED),
    ("23415099999999x", IMSI_WANTED),
    ("234-15-0999999999", IMSI_WANTED),
    ("+234150999999999", IMSI_WANTED),
    ("user", IMSI_WANTED),
    ("@example.com", IMSI_WANTED),
    ("user@", IMSI_WANTED),
    ("@", IMSI_WANTED),
    ("user@one@two", IMSI_WANTED),
    ("user@@realm", IMSI_WANTED),
    ("9" * 65535, IMSI_WANTED),
    *[(f"{blank}234150999999999", "a blank in it") for blank in BLANKS],
    *[(f"234150999999999{blank}", "a blank in it") for blank in BLANKS],
    *[(f"us{blank}er@example.com", "a blank in it") for blank in BLANKS],
]
IMPIS: list[tuple[str, str]] = [
    ("sip:user@example.com", "leave out 'sip:'"),
    ("SIP:user@example.com", "leave out 'sip:'"),
    ("sips:user@example.com", "leave out 'sips:'"),
    ("tel:+491701234567", "a 'tel:' URI is a public identity"),
    ("Tel:+491701234567@example.com", "a 'tel:' URI is a public identity"),
    ("234150999999999", IMPI_WANTED),
    ("i" * 65535, IMPI_WANTED),
    ("@example.com", IMPI_WANTED),
    ("user@", IMPI_WANTED),
    ("user@one@two", IMPI_WANTED),
    *[(f"user@example.com{blank}", "a blank in it") for blank in BLANKS],
    *[(f"{blank}user@example.com", "a blank in it") for blank in BLANKS],
]
IDENTITIES = [
    *[Bad([("supi", supi)], f"supi: {text}", SUCI) for supi, text in SUPIS if "blank" in text],
    *[Bad([("supi", supi)], text, a) for supi, text in SUPIS for a in (SUCI, "AKMA-A-TID")],
    *[Bad([("impi", impi)], text, a) for impi, text in IMPIS for a in (GBA, "GBA-KS-INT-NAF")],
]

ZERO = "every octet is zero; give the key"
ZEROS = [
    Bad([("ks-naf", bytes(32))], f"ks-naf: {ZERO}"),
    Bad([("key", bytes(32))], f"key: {ZERO}"),
    Bad([("ka", bytes(16))], f"ka: {ZERO}"),
    Bad([("ka", bytes(32))], f"ka: {ZERO}"),
    Bad([("secret", bytes(65535))], f"secret: {ZERO}"),
    Bad([Param("ka", OCTET_PTR, bytes(17))], f"ka: {ZERO}"),
    *[
        Bad([("key", bytes(32))], f"key: {ZERO}", algorithm)
        for algorithm in SAMPLES
        if algorithm not in ("AKMA-E2E", ANY)
    ],
]

LATE = "after the year 9999; must be seconds since 1970 UTC, at most 253402300799"
LATES = [
    Bad([("not-after", 253402300800)], f"not-after: 253402300800 given, {LATE}"),
    Bad([("not-after", 1790000000000000)], "(are these milliseconds?)"),
    Bad([("not-after", 2**63 - 1)], "(are these milliseconds?)"),
    Bad([Param("not-after", UNSIGNED, (2**40).to_bytes(8, "little"))], LATE),
]

UNSEEN = [first for first, _ in reference.UNSEEN_RANGES if first > 0]
UNSEEN += [last for _, last in reference.UNSEEN_RANGES]

FQDN_FAULTS: list[tuple[bytes, str]] = [
    (b"naf_1.example", "not host-name text"),
    (b"naf example", "not host-name text"),
    (b"naf.example\0", "not host-name text"),
    (b"naf/example", "not host-name text: a URL"),
    (b"naf@example", "not host-name text"),
    (b"naf[example", "not host-name text"),
    (b"naf`example", "not host-name text"),
    (b"naf{example", "not host-name text"),
    (b"naf:example", "not host-name text: a URL"),
    (b"https://naf.example.com", "not host-name text: a URL"),
    (b"naf.example.com/path", "not host-name text: a URL"),
    (b"naf.example.com:443", "or a host and its port"),
    (b"192.0.2.1:443", "or a host and its port"),
    (b"2001:db8::1", "an IPv6 address"),
    (b"192.0.2.1", "an IPv4 address"),
    (b"1", "an IPv4 address, or a last label of digits alone"),
    (b"naf.example.123", "an IPv4 address, or a last label of digits alone"),
    (b"a" * 60 + b".example.com.0", "an IPv4 address, or a last label of digits alone"),
    ("n\u00e4f.example".encode(), "A-label form"),
    (b".naf.example", "an empty label"),
    (b"naf..example", "an empty label"),
    (b"naf.example.", "a dot at the end"),
    (b".", "an empty label"),
    (b"-naf.example", "a label starts or ends with a hyphen"),
    (b"naf-.example", "a label starts or ends with a hyphen"),
    (b"naf.-example", "a label starts or ends with a hyphen"),
    (b"naf.example-", "a label starts or ends with a hyphen"),
    (b"-", "a label starts or ends with a hyphen"),
    (b"a" * 64, "a label is longer than 63 octets"),
    (b"a." + b"b" * 64 + b".c", "a label is longer than 63 octets"),
]
UA_FAULTS = [
    (b"\0\0\0\0\1", "starts with 00 and is not all zero"),
    (b"\0\1\0\0\0", "starts with 00 and is not all zero"),
    (b"\0\0\0\xff\0", "starts with 00 and is not all zero"),
]
NAFS = [
    *[Bad([("naf-id", fqdn + UA)], text) for fqdn, text in FQDN_FAULTS if fqdn != b"."],
    Bad([("naf-id", b"." + UA)], "naf-id: an empty label"),
    *[
        Bad([Param("naf-fqdn", UTF8, fqdn), ("ua-protocol-id", UA)], text, without=["naf-id"])
        for fqdn, text in FQDN_FAULTS
    ],
    *[Bad([("naf-id", FQDN.encode() + ua)], f"naf-id: {text}") for ua, text in UA_FAULTS],
    *[Bad([("ua-protocol-id", ua)], text, without=["naf-id"]) for ua, text in UA_FAULTS],
    *[
        Bad([("ua-protocol-id", ua)], "starts with a host-name character", without=["naf-id"])
        for ua in (b"tls13", b"0\0\0\0\0", b"-\0\0\0\0", b".\0\0\0\0", b"ZZZZZ")
    ],
    Bad([("naf-id", b"naf_1.example" + UA)], "not host-name text", GBA),
    Bad([("naf-id", b"naf_1.example" + UA)], "not host-name text", "GBA-KS-INT-NAF"),
    Bad([("naf-id", b"naf_1.example" + UA)], "not host-name text", "AKMA-K-AF"),
]

CONFLICTS = [
    Bad([("naf-fqdn", FQDN)], "naf-id: given together with naf-fqdn"),
    Bad([("ua-protocol-id", UA)], "naf-id: given together with ua-protocol-id"),
    Bad([("naf-fqdn", FQDN), ("ua-protocol-id", UA)], "naf-id: given together with naf-fqdn"),
    Bad([("naf-fqdn", FQDN)], "naf-id: given together with naf-fqdn", GBA),
]

VALUES = [
    Bad([("digest", name)], f"digest: '{name}' given; must be ")
    for name in ("", "SHA1", "SHA2-224", "MD5", "SHA2-25", "SHA2-2566", "SHA3-224", "x", "SHAKE256")
] + [
    Bad([("digest", "d" * 60)], f"digest: '{'d' * 60}' given"),
    Bad([("digest", "d" * 61)], f"digest: '{'d' * 60}...' given"),
    Bad([("digest", "d" * 500)], f"digest: '{'d' * 60}...' given"),
    Bad([("mode", "")], "mode: '' given; must be 3GPP or HKDF"),
    Bad([("mode", "3GP")], "mode: '3GP' given; must be 3GPP or HKDF"),
    Bad([("mode", "HKDF ")], "mode: 'HKDF ' given; must be 3GPP or HKDF"),
    Bad([("fc", b"\xff\xe2")], "fc: FFE2 belongs to AKMA-E2E", ANY),
    Bad([("fc", b"\xff")], "fc: must be one octet other than FF, or FF and one more", ANY),
    Bad([("fc", b"\x01\x02")], "fc: must be one octet other than FF, or FF and one more", ANY),
    Bad([("fc", b"\xfe\xff")], "fc: must be one octet other than FF, or FF and one more", ANY),
    Bad([Param("not-after", UNSIGNED, b"\xff" * 8)], "not-after: must be an integer of 64 bits"),
    Bad([Param("not-after", INTEGER, None, 8)], "not-after: must be an integer of 64 bits"),
    Bad([Param("not-after", INTEGER, b"")], "not-after: must be an integer of 64 bits"),
    Bad([Param("not-after", UNSIGNED, b"")], "not-after: must be an integer of 64 bits"),
    # libcrypto passes over these, and would take any HMAC
    *[
        Bad([("properties", query)], "properties: no property query")
        for query in (
            "fips:yes",
            "fips=yes,",
            "fips==yes",
            "fips=yes provider=fips",
            "a='",
            "&&",
            "=",
        )
    ],
    Bad([("properties", "a\0b")], "properties: a NUL in the text"),
    Bad([Param("ka", OCTETS, None, 32)], "ka: no data (NULL) of 32 octets given"),
    Bad([Param("usage", UTF8, None, 3)], "usage: no data (NULL) of 3 octets given"),
]

MALFORMED = {
    "a lone continuation": b"a\x80",
    "a cut sequence": b"a\xc3",
    "an overlong slash": b"\xc0\xaf",
    "an overlong NUL": b"\xc0\x80",
    "an overlong three": b"\xe0\x80\xaf",
    "an overlong four": b"\xf0\x80\x80\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "a low surrogate": b"\xed\xbf\xbf",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "four octets, far beyond": b"\xf7\xbf\xbf\xbf",
    "five octets": b"\xf8\x88\x80\x80\x80",
    "latin 1": b"caf\xe9",
    "FE": b"\xfe",
}
TEXTS_OF = (
    ("usage", "AKMA-E2E"),
    ("impi", GBA),
    ("supi", SUCI),
    ("device", DEVICE_KA),
    ("ka-id", DEVICE_KA),
)
TEXTS = (
    [
        Bad([Param(name, UTF8, octets)], f"{name}: malformed UTF-8", algorithm)
        for name, algorithm in TEXTS_OF
        for octets in MALFORMED.values()
    ]
    + [
        Bad([(name, text)], f"{name}: U+{point:04X}: a character that is not seen", algorithm)
        for name, algorithm in TEXTS_OF
        for point in UNSEEN
        for text in (f"user@re{chr(point)}alm",)
    ]
    + [
        Bad([("properties", "\x1b[31m")], "properties: U+001B: a character that is not seen"),
        Bad(
            [("naf-fqdn", "naf\u200b.example")],
            "naf-fqdn: U+200B: not host-name text",
            without=["naf-id"],
        ),
        Bad([("usage", "\ufefftls-psk")], "usage: U+FEFF: "),
        Bad([("usage", "tls\u202epsk")], "usage: U+202E: "),
        Bad([Param("usage", UTF8, b"a\0b")], "usage: a NUL in the text"),
        Bad([Param("usage", UTF8, b"\0")], "usage: a NUL in the text"),
        Bad([Param("impi", UTF8, b"a\0")], "impi: a NUL in the text", GBA),
        Bad([Param("supi", UTF8, b"\0a")], "supi: a NUL in the text", SUCI),
        Bad([Param("supi", UTF8, b"imsi-12\0")], "supi: a NUL in the text", SUCI),
    ]
)

TYPE_NAMES = {
    OCTETS: "an octet string",
    OCTET_PTR: "an octet string",
    UTF8: "a UTF-8 string",
    UTF8_PTR: "a UTF-8 string",
    INTEGER: "an integer",
    UNSIGNED: "an integer",
    REAL: "another type",
    99: "another type",
}
OCTET_NAMES = {
    "AKMA-E2E": ["ks-naf", "key", "ka", "secret", "naf-id", "ua-protocol-id", "refresh"],
    GBA: ["key", "rand"],
    DEVICE_KA: ["key"],
    ANY: ["key", "fc", "p"],
}
TEXT_NAMES = {
    "AKMA-E2E": ["naf-fqdn", "usage", "digest", "mode", "properties"],
    GBA: ["impi"],
    SUCI: ["supi"],
    DEVICE_KA: ["device", "ka-id"],
}
TYPES = [
    Bad(
        [Param(name, type_, b"\x01" * 8)],
        f"{name}: {given} given; must be {wanted}",
        algorithm,
        without=["naf-id"] if name.startswith(("naf", "ua")) else [],
    )
    for names, wanted in ((OCTET_NAMES, "an octet string"), (TEXT_NAMES, "a UTF-8 string"))
    for algorithm, names_of in names.items()
    for name in names_of
    for type_, given in TYPE_NAMES.items()
    if given != wanted
] + [
    Bad([Param("not-after", type_, b"\x01" * 8)], f"not-after: {given} given; must be an integer")
    for type_, given in TYPE_NAMES.items()
    if given != "an integer"
]

BAD = [*LENGTHS, *HINTS, *IDENTITIES, *ZEROS, *LATES, *NAFS, *CONFLICTS, *VALUES, *TEXTS, *TYPES]
every_bad = pytest.mark.parametrize("bad", BAD, ids=str)


def rest(bad: Bad) -> list[Item]:
    """The sample's other parameters."""
    names = {item.name if isinstance(item, Param) else item[0] for item in bad.given}
    names |= {"ks-naf"} if "key" in names else {"ka"} if "secret" in names else set()
    return [
        (name, value)
        for name, value in SAMPLES[bad.algorithm].items()
        if name not in names and name not in bad.without
    ]


def fails_to_derive(ctx: Ctx, length: int, given: list[Item]) -> str:
    """Assert that derive fails and leaves nothing of a key; its newest error."""
    out = (ctypes.c_ubyte * (length + 8))(*[FILL] * (length + 8))
    assert not ctx.derive_into(out, length, given)
    assert bytes(out[:length]) in (bytes(length), bytes([FILL]) * length)
    assert bytes(out[length:]) == bytes([FILL]) * 8
    texts = error_texts()
    assert texts
    return texts[-1]


def without_secrets(text: str) -> None:
    """No octet of the samples' secrets is in a text, in hex or raw."""
    for secret in (KEY, KA):
        for form in (secret.hex(), secret.hex().upper(), secret.decode("latin-1")):
            assert form[:8] not in text and form[-8:] not in text


@every_bad
def test_set(libctx: LibCtx, bad: Bad) -> None:
    """Guards against a bad parameter that a set takes, or names wrongly or with a secret, or that leaves part of a set behind."""
    ctx = libctx.kdf(bad.algorithm).new()
    with pytest.raises(EvpError) as error:
        ctx.set([*rest(bad), *bad.given])
    name = bad.given[0].name if isinstance(bad.given[0], Param) else bad.given[0][0]
    assert bad.text.format(name) in error.value.text
    assert len(error.value.texts) <= 2  # OpenSSL 3.2 and newer say something of an integer, too
    without_secrets(error.value.text)
    with pytest.raises(EvpError, match="missing"):
        ctx.derive(32)
    assert ctx.derive(32, items(bad.algorithm)) == EXPECTED[bad.algorithm]


@every_bad
def test_derive(libctx: LibCtx, bad: Bad) -> None:
    """Guards against a bad parameter given to a derive that spoils what the context had before."""
    ctx = libctx.kdf(bad.algorithm).new()
    ctx.set(items(bad.algorithm))
    name = bad.given[0].name if isinstance(bad.given[0], Param) else bad.given[0][0]
    given = [*rest(bad), *bad.given] if "together" in bad.text else bad.given
    assert bad.text.format(name) in fails_to_derive(ctx, 32, given)
    assert ctx.derive(32) == EXPECTED[bad.algorithm]


@pytest.mark.parametrize("name", ["ks-naf", "key"])
def test_hint_is_for_hex_text_alone(e2e: Kdf, name: str) -> None:
    """Guards against the hint at hex being given for octets that are no hex."""
    for octets in (b"\x80" * 64, b"0" * 63 + b"g", b"g" + b"0" * 63, b"0" * 66):
        with pytest.raises(EvpError) as error:
            e2e.new().set([(name, octets)])
        assert "must be exactly 32" in error.value.text and "hex" not in error.value.text


MISSING = [
    ("AKMA-E2E", "ks-naf"),
    ("AKMA-E2E", "ka"),
    ("AKMA-E2E", "naf-id"),
    *[(algorithm, name) for algorithm in ("GBA-KS-NAF", "GBA-KS-INT-NAF") for name in SAMPLES[GBA]],
    *[(algorithm, name) for algorithm in ("AKMA-K-AKMA", "AKMA-A-TID") for name in SAMPLES[SUCI]],
    ("AKMA-K-AF", "key"),
    ("AKMA-K-AF", "naf-id"),
    (DEVICE_KA, "key"),
    (DEVICE_KA, "device"),
    *[(ANY, name) for name in SAMPLES[ANY]],
]


@pytest.mark.parametrize(("algorithm", "name"), MISSING)
def test_missing(libctx: LibCtx, algorithm: str, name: str) -> None:
    """Guards against a derivation without one of its inputs."""
    ctx = libctx.kdf(algorithm).new()
    text = fails_to_derive(ctx, 32, items(algorithm, **{name.replace("-", "_"): None}))
    assert f"{name}: missing" in text
    assert ctx.derive(32, items(algorithm)) == EXPECTED[algorithm]


@pytest.mark.parametrize(
    ("given", "missing"),
    [(("naf-fqdn", FQDN), "ua-protocol-id"), (("ua-protocol-id", UA), "naf-fqdn")],
)
def test_half_a_pair(e2e: Kdf, given: Item, missing: str) -> None:
    """Guards against a NAF_Id made of one of its halves."""
    text = fails_to_derive(e2e.new(), 32, [*items(naf_id=None), given])
    assert f"{missing}: missing" in text


@pytest.mark.parametrize("digest", sorted(reference.DIGESTS))
@pytest.mark.parametrize("mode", ["3GPP", "HKDF"])
def test_output_length_of_e2e(e2e: Kdf, digest: str, mode: str) -> None:
    """Guards against an e2e_key longer than 255 blocks, or of no octets."""
    longest = 255 * reference.digest_size(digest)
    ctx = e2e.new()
    ctx.set(items(digest=digest, mode=mode))
    for length in (0, longest + 1, 65536, 100000):
        text = fails_to_derive(ctx, length, [])
        assert f"output: {length} octets asked for; ask for 1 to {longest}" in text
    for length in (1, longest):
        expected = reference.e2e_key(KEY, KA, NAF_ID, digest=digest, mode=mode, length=length)
        assert ctx.derive(length) == expected


@pytest.mark.parametrize(
    "algorithm", [name for name in SAMPLES if name not in ("AKMA-E2E", DEVICE_KA)]
)
def test_output_length_of_3gpp(libctx: LibCtx, algorithm: str) -> None:
    """Guards against a 3GPP key that is longer than its 32 octets."""
    ctx = libctx.kdf(algorithm).new()
    ctx.set(items(algorithm))
    for length in (0, 33, 64):
        assert f"output: {length} octets asked for; ask for 1 to 32" in fails_to_derive(
            ctx, length, []
        )
    for length in (1, 31, 32):
        assert ctx.derive(length) == EXPECTED[algorithm][:length]


def test_output_length_of_ka(libctx: LibCtx) -> None:
    """Guards against a Ka of another length than 32 octets."""
    ctx = libctx.kdf(DEVICE_KA).new()
    ctx.set(items(DEVICE_KA))
    for length in (0, 1, 16, 31, 33, 64):
        text = fails_to_derive(ctx, length, [])
        assert f"output: {length} octets asked for; ask for exactly 32" in text
    assert ctx.derive(32) == EXPECTED[DEVICE_KA]


def test_output_nowhere(e2e: Kdf) -> None:
    """Guards against a derivation that writes through a NULL pointer."""
    ctx = e2e.new()
    assert not ctx.derive_into(None, 32, items())
    assert "32 octets asked for without a buffer" in error_texts()[-1]
    assert ctx.derive(32, items()) == EXPECTED["AKMA-E2E"]


def test_properties_that_match_nothing(e2e: Kdf) -> None:
    """Guards against properties that no HMAC matches being passed over."""
    ctx = e2e.new()
    text = fails_to_derive(ctx, 32, items(properties="provider=nobody"))
    assert "HMAC not found with properties provider=nobody" in text
    assert ctx.derive(32, items()) == EXPECTED["AKMA-E2E"]


def test_properties_in_an_error_are_filtered(e2e: Kdf) -> None:
    """Guards against control characters of a property query reaching an error text."""
    text = fails_to_derive(e2e.new(), 32, items(properties="provider='\u00e9[31m'"))
    assert "HMAC not found with properties provider='??[31m': activate" in text
    text = fails_to_derive(e2e.new(), 32, items(properties="provider=" + "x" * 200))
    assert f"HMAC not found with properties provider={'x' * 51}...: activate" in text


def test_the_sum_of_all_p_is_bounded(libctx: LibCtx) -> None:
    """Guards against a sum of P lengths that wraps on 32 bits, so that S overflows its storage."""
    octets = ctypes.create_string_buffer(65535)
    count = 65536
    params = (OsslParam * (count + 1))()
    for number in range(count):
        params[number] = OsslParam(b"p", OCTETS, ctypes.addressof(octets), 65535, 0)
    ctx = libctx.kdf(ANY).new()
    ctx.set(items(ANY))
    assert c.EVP_KDF_CTX_set_params(ctx.pointer, params) == 0
    assert "p: more than 2147483647 octets given in all" in error_texts()[-1]
    assert ctx.derive(32) == EXPECTED[ANY]


BOUNDS: list[tuple[str, list[Item]]] = [
    ("AKMA-E2E", [("ka", KA[:16])]),
    ("AKMA-E2E", [("ka", b"\1" + bytes(65534))]),
    ("AKMA-E2E", [("ka", bytes(15) + b"\1")]),
    ("AKMA-E2E", [("not-after", reference.NOT_AFTER_MAX)]),
    ("AKMA-E2E", [("naf-id", b"1a.2.x3" + UA)]),
    ("AKMA-E2E", [("naf-id", b"192.0.2.1x" + UA)]),
    ("AKMA-E2E", [("usage", "\u00a0 caf\u00e9 \u2010\u2030\u2065\ufefe\ufdcf\ufdf0\U0001fffd")]),
    ("AKMA-E2E", [("naf-id", b"a" + UA)]),
    ("AKMA-E2E", [("naf-id", b".".join([b"a" * 63] * 3 + [b"b" * 61]) + UA)]),
    ("AKMA-E2E", [("refresh", b"")]),
    ("AKMA-E2E", [("refresh", bytes(255))]),
    ("AKMA-E2E", [("usage", "")]),
    ("AKMA-E2E", [("usage", "u" * 255)]),
    ("AKMA-E2E", [Param("refresh", OCTETS, None)]),
    ("AKMA-E2E", [Param("usage", UTF8, None)]),
    (GBA, [("impi", "i" * 65533 + "@r")]),
    (GBA, [("impi", "u@r")]),
    (GBA, [("impi", "imsi-1@r")]),
    (SUCI, [("supi", "u@" + "r" * 65533)]),
    (SUCI, [("supi", "12345")]),
    (SUCI, [("supi", "123456789012345")]),
    (SUCI, [("supi", "1234567890123456@nai.example.com")]),
    (SUCI, [("supi", "ims\u00ef@m\u00fcller.example")]),
    (SUCI, [("supi", "naive-@r")]),
    (SUCI, [("supi", "im@si-")]),
    (ANY, [("key", bytes(32))]),
    (ANY, [("p", b"imsi-234150999999999")]),
    (DEVICE_KA, [("device", "d")]),
    (DEVICE_KA, [("device", "d" * 255)]),
    (DEVICE_KA, [("ka-id", "")]),
    (DEVICE_KA, [("ka-id", "k" * 255)]),
    (ANY, [("key", b"k")]),
    (ANY, [("key", bytes(100000))]),
    (ANY, [("fc", b"\xfe")]),
    (ANY, [("fc", b"\xff\xe1")]),
    (ANY, [("fc", b"\xff\xff")]),
    (ANY, [("p", b"")]),
    (ANY, [("p", bytes(65535))]),
    (ANY, [Param("p", OCTETS, None)]),
]


@pytest.mark.parametrize(("algorithm", "given"), BOUNDS, ids=str)
def test_just_inside_the_bounds(libctx: LibCtx, algorithm: str, given: list[Item]) -> None:
    """Guards against a bound that refuses the last value which it should take."""
    sample: dict[str, object] = dict(SAMPLES[algorithm])
    for item in given:
        if isinstance(item, Param):
            sample[item.name] = "" if item.type == UTF8 else b""
        else:
            sample[item[0]] = item[1]
    ctx = libctx.kdf(algorithm).new()
    ctx.set(items(algorithm))
    key = ctx.derive(32, given)
    assert key == by_reference(algorithm, sample)


def by_reference(algorithm: str, sample: dict[str, object]) -> bytes:
    """The reference's key of a sample."""
    get = {name: value for name, value in sample.items()}
    if algorithm == "AKMA-E2E":
        key = reference.e2e_key(
            get["ks-naf"],  # type: ignore[arg-type]
            get["ka"],  # type: ignore[arg-type]
            get["naf-id"],  # type: ignore[arg-type]
            refresh=get.get("refresh", b""),  # type: ignore[arg-type]
            usage=get.get("usage", ""),  # type: ignore[arg-type]
        )
    elif algorithm == GBA:
        key = reference.ks_naf(KEY, RAND, str(get["impi"]), NAF_ID)
    elif algorithm == DEVICE_KA:
        key = reference.device_ka(KEY, str(get["device"]), str(get.get("ka-id", "")))
    elif algorithm == SUCI:
        key = reference.k_akma(KEY, str(get["supi"]))
    else:
        key = reference.kdf_3gpp(get["key"], get["fc"], [get["p"]])  # type: ignore[arg-type,list-item]
    return key


SAME = "ka: the same octets as ks-naf; give the third party's own key"


@pytest.mark.parametrize("mode", ["3GPP", "HKDF"])
def test_one_key_for_both(e2e: Kdf, mode: str) -> None:
    """Guards against a Ks_NAF that is taken as Ka as well, so that the operator knows the key."""
    ctx = e2e.new()
    ctx.set(items(ka=KEY, mode=mode))
    assert SAME in fails_to_derive(ctx, 32, [])
    assert SAME in fails_to_derive(ctx, 32, [("refresh", b"r")])
    expected = reference.e2e_key(KEY, KA, NAF_ID, mode=mode)
    assert ctx.derive(32, [("ka", KA)]) == expected
    assert SAME in fails_to_derive(ctx, 32, [("ka", KEY)])
    assert SAME in fails_to_derive(ctx, 32, [("ks-naf", KA)])
    assert ctx.derive(32) == expected
    ctx.set(items(ka=KEY, mode=mode))
    assert "output" in fails_to_derive(ctx, 0, [("ka", KA)])  # and the keys before it are back
    assert SAME in fails_to_derive(ctx.dup(), 32, [])
    assert SAME in fails_to_derive(ctx, 32, [])


@pytest.mark.parametrize("ka", [KEY[:31], KEY + b"\0", KEY[:31] + bytes([KEY[31] ^ 1])])
def test_nearly_one_key_for_both(e2e: Kdf, ka: bytes) -> None:
    """Guards against a comparison of Ka with Ks_NAF that stops early or ignores the length."""
    assert e2e.new().derive(32, items(ka=ka)) == reference.e2e_key(KEY, ka, NAF_ID)


def test_strings_by_pointer(e2e: Kdf) -> None:
    """Guards against an OSSL_PARAM string that is refused, or misread, because it is passed by pointer."""
    given: list[Item] = [
        Param("ks-naf", OCTET_PTR, KEY),
        Param("ka", OCTET_PTR, KA),
        Param("naf-fqdn", UTF8_PTR, FQDN.encode()),
        Param("ua-protocol-id", OCTET_PTR, UA),
    ]
    assert e2e.new().derive(32, given) == EXPECTED["AKMA-E2E"]


def test_secrets_are_in_no_error(e2e: Kdf) -> None:
    """Guards against a secret under another parameter's name that an error repeats."""
    for name in ("naf-fqdn", "usage", "ua-protocol-id", "naf-id", "refresh", "ka", "ks-naf"):
        for type_ in (UTF8, OCTETS):
            for value in (KEY * 10, KEY.hex().encode() * 10):
                with pytest.raises(EvpError) as error:
                    e2e.new().set([Param(name, type_, value), ("ks-naf", KEY[:31])])
                without_secrets(str(error.value.texts))


COMMANDS = [
    (["ks-naf:" + KEY.hex()], "looks like hex text: give it as hexks-naf"),
    (["hexks-naf:0011"], "ks-naf: 2 octets given; must be exactly 32"),
    (["ka:0123456789abcde"], "ka: 15 octets given; must be 16 to 65535"),
    (["naf-id:" + FQDN], "the Ua security protocol identifier is missing"),
    (["naf-fqdn:a_b", "hexua-protocol-id:0100000007"], "not host-name text"),
    (["naf-fqdn:naf.example.com"], "naf-id: given together with naf-fqdn"),
    (["digest:SHA1"], "digest: 'SHA1' given"),
    (["mode:5G"], "mode: '5G' given; must be 3GPP or HKDF"),
    (["not-after:1"], "not-after: the 3GPP key ended at 1 "),
    (["hexrefresh:" + "00" * 256], "refresh: 256 octets given; must be 0 to 255"),
    (["usage:" + "u" * 256], "usage: 256 octets given; must be 0 to 255"),
    (["properties:provider=nobody"], "HMAC not found with properties provider=nobody"),
    (["hexka:" + KA.hex(), "secret:0123456789abcdef"], "ka: given twice, as ka and as secret"),
]


@pytest.mark.parametrize(("extra", "text"), COMMANDS, ids=[text for _, text in COMMANDS])
def test_openssl_kdf_says_why(extra: list[str], text: str) -> None:
    """Guards against openssl kdf failing without the reason, or with a secret in it."""
    names = {word.split(":")[0].removeprefix("hex") for word in extra}
    options = [
        f"hex{name}:{value.hex()}"
        for name, value in SAMPLES["AKMA-E2E"].items()
        if isinstance(value, bytes) and name not in names
    ]
    if "hexua-protocol-id:0100000007" in extra:
        options = [word for word in options if not word.startswith("hexnaf-id")]
    result = openssl_kdf("AKMA-E2E", 32, [*options, *extra])
    assert result.returncode == 1
    assert text in result.stderr
    assert result.stdout == ""
    without_secrets(result.stderr.replace("ks-naf:" + KEY.hex(), ""))


@pytest.mark.parametrize("missing", ["ks-naf", "ka", "naf-id"])
def test_openssl_kdf_names_what_is_missing(missing: str) -> None:
    """Guards against openssl kdf failing without the name of the input that is missing."""
    options = [
        f"hex{name}:{value.hex()}"
        for name, value in SAMPLES["AKMA-E2E"].items()
        if isinstance(value, bytes) and name != missing
    ]
    result = openssl_kdf("AKMA-E2E", 32, options)
    assert result.returncode == 1
    assert f"{missing}: missing; set it" in result.stderr


@pytest.mark.parametrize("length", [0, 8161])
def test_openssl_kdf_of_a_bad_length(length: int) -> None:
    """Guards against openssl kdf giving a key of an impossible length."""
    options = [
        f"hex{name}:{value.hex()}"
        for name, value in SAMPLES["AKMA-E2E"].items()
        if isinstance(value, bytes)
    ]
    result = openssl_kdf("AKMA-E2E", length, options)
    assert result.returncode == 1
    assert length == 0 or f"output: {length} octets asked for; ask for 1 to 8160" in result.stderr
