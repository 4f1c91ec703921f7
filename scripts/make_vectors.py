#!/usr/bin/python3
"""Write test/vectors/interoperability.json: keys with every value on the way, and what has to be refused.

    scripts/make_vectors.py [FILE]

The values come from test/support/reference.py, which knows nothing of the module. The suite holds the file against this
script, against the module and, where it has the algorithm, against OpenSSL.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test/support"))
import reference  # noqa: E402

FILE = ROOT / "test/vectors/interoperability.json"

KS_NAF = bytes.fromhex("5b1c0a7e2f9d4c68b3a1e7f0529486dc1736f8e40b9a2d5cc7e3416f80ad9b25")
KA = bytes.fromhex("9e07c4d15a3b8f62e0417db8a6f2935ce8b5107a4d2c6f93015e8abd47f6c320")
FQDN = "meter.example.com"
UA = bytes.fromhex("0100000007")
NAF_ID = FQDN.encode() + UA
REFRESH = bytes(range(32))
USAGE = "tls-psk"

E2E = {"ks-naf": KS_NAF, "ka": KA, "naf-fqdn": FQDN, "ua-protocol-id": UA}


def e2e_vector(mode: str, digest: str, length: int) -> dict[str, Any]:
    """One key of AKMA-E2E and what it is made of."""
    size = reference.digest_size(digest)
    vector: dict[str, Any] = {
        "name": f"{mode}, {digest}, {length} octets",
        "mode": mode,
        "digest": digest,
        "length": length,
        "ks-naf": KS_NAF.hex(),
        "ka": KA.hex(),
        "naf-id": NAF_ID.hex(),
        "refresh": REFRESH.hex(),
        "usage": USAGE,
    }
    if mode == "3GPP":
        strings = [
            reference.e2e_string(KA, NAF_ID, REFRESH, USAGE, length, i)
            for i in range(1, -(-length // size) + 1)
        ]
        vector["S"] = [s.hex() for s in strings]
        vector["T"] = [reference.prf(KS_NAF, s, digest).hex() for s in strings]
    else:
        ikm = reference.hkdf_ikm(KA)
        info = reference.hkdf_info(NAF_ID, REFRESH, USAGE, length)
        vector |= {"IKM": ikm.hex(), "info": info.hex()}
        vector["PRK"] = reference.prf(KS_NAF, ikm, digest).hex()
    key = reference.e2e_key(
        KS_NAF, KA, NAF_ID, refresh=REFRESH, usage=USAGE, digest=digest, mode=mode, length=length
    )
    return vector | {"e2e-key": key.hex()}


FORMS: dict[type, str] = {bytes: "octets", str: "text", int: "number"}


def refusal(
    name: str, parameter: str, algorithm: str = "AKMA-E2E", length: int = 32, **changes: Any
) -> dict[str, Any]:
    """A call that must fail, and the parameter that its error names; None leaves a parameter out."""
    merged: dict[str, Any] = dict(E2E if algorithm == "AKMA-E2E" else {"key": KS_NAF})
    merged |= {name.replace("_", "-"): value for name, value in changes.items()}
    given = []
    for key, value in merged.items():
        if value is not None:
            form = FORMS[type(value)]
            given.append({"name": key, form: value.hex() if form == "octets" else value})
    return {
        "name": name,
        "algorithm": algorithm,
        "length": length,
        "parameters": given,
        "names": parameter,
    }


REFUSALS = [
    refusal("no Ks_NAF", "ks-naf", ks_naf=None),
    refusal("Ks_NAF of 31 octets", "ks-naf", ks_naf=KS_NAF[:31]),
    refusal("Ks_NAF of 33 octets", "ks-naf", ks_naf=KS_NAF + b"\0"),
    refusal("Ks_NAF as 64 hex digits", "ks-naf", ks_naf=KS_NAF.hex().encode()),
    refusal("no Ka", "ka", ka=None),
    refusal("Ka of 15 octets", "ka", ka=KA[:15]),
    refusal("Ka of 65536 octets", "ka", ka=b"\x80" * 65536),
    refusal("Ks_NAF of zeros", "ks-naf", ks_naf=bytes(32)),
    refusal("Ka of zeros", "ka", ka=bytes(32)),
    refusal("Ka equal to Ks_NAF", "ka", ka=KS_NAF),
    refusal("not-after in milliseconds", "not-after", not_after=1790000000000000),
    refusal("no FQDN", "naf-fqdn", naf_fqdn=None),
    refusal("no Ua security protocol identifier", "ua-protocol-id", ua_protocol_id=None),
    refusal("empty FQDN", "naf-fqdn", naf_fqdn=""),
    refusal("FQDN of 254 octets", "naf-fqdn", naf_fqdn=".".join(["a" * 49] * 5 + ["abcd"])),
    refusal("label of 64 octets", "naf-fqdn", naf_fqdn="a" * 64 + ".example.com"),
    refusal("dot at the end", "naf-fqdn", naf_fqdn="naf.example.com."),
    refusal("empty label", "naf-fqdn", naf_fqdn="naf..example.com"),
    refusal("hyphen at the start of a label", "naf-fqdn", naf_fqdn="-naf.example.com"),
    refusal("hyphen at the end of a label", "naf-fqdn", naf_fqdn="naf-.example.com"),
    refusal("underscore", "naf-fqdn", naf_fqdn="naf_1.example.com"),
    refusal("IPv4 address", "naf-fqdn", naf_fqdn="192.0.2.1"),
    refusal("last label of digits", "naf-fqdn", naf_fqdn="naf.example.123"),
    refusal("IPv6 address", "naf-fqdn", naf_fqdn="2001:db8::1"),
    refusal("URL", "naf-fqdn", naf_fqdn="https://naf.example.com"),
    refusal("host and port", "naf-fqdn", naf_fqdn="naf.example.com:443"),
    refusal("name not in its A-label form", "naf-fqdn", naf_fqdn="zähler.example.com"),
    refusal("identifier of 4 octets", "ua-protocol-id", ua_protocol_id=UA[:4]),
    refusal("identifier of 6 octets", "ua-protocol-id", ua_protocol_id=UA + b"\0"),
    refusal("identifier that is text", "ua-protocol-id", ua_protocol_id=b"https"),
    refusal(
        "identifier of 00 and more", "ua-protocol-id", ua_protocol_id=bytes.fromhex("0000000001")
    ),
    refusal(
        "NAF_Id without its identifier",
        "naf-id",
        naf_fqdn=None,
        ua_protocol_id=None,
        naf_id=FQDN.encode(),
    ),
    refusal("NAF_Id and FQDN", "naf-id", naf_id=NAF_ID, ua_protocol_id=None),
    refusal("refresh of 256 octets", "refresh", refresh=bytes(256)),
    refusal("usage of 256 octets", "usage", usage="u" * 256),
    refusal("usage with an overlong form", "usage", usage=b"\xc0\xaf"),
    refusal("usage with a surrogate", "usage", usage=b"\xed\xa0\x80"),
    refusal("usage above U+10FFFF", "usage", usage=b"\xf4\x90\x80\x80"),
    refusal("usage cut inside a character", "usage", usage=b"z\xc3"),
    refusal("usage with a NUL", "usage", usage=b"tls\0psk"),
    refusal("usage with a line feed", "usage", usage="tls\npsk"),
    refusal("usage with a byte order mark", "usage", usage="\ufefftls-psk"),
    refusal("usage with a right-to-left override", "usage", usage="tls\u202epsk"),
    refusal("usage with a zero width space", "usage", usage="tls\u200bpsk"),
    refusal("usage with a noncharacter", "usage", usage="tls\ufdd0psk"),
    refusal("usage with the last code point", "usage", usage="tls\U0010ffffpsk"),
    refusal("unknown digest", "digest", digest="SHA1"),
    refusal("unknown mode", "mode", mode="KBKDF"),
    refusal("no octet wanted", "output", length=0),
    refusal("256 blocks in mode 3GPP", "output", length=255 * 32 + 1),
    refusal("256 blocks in mode HKDF", "output", length=255 * 32 + 1, mode="HKDF"),
    refusal("SUPI with its scheme", "supi", algorithm="AKMA-K-AKMA", supi="imsi-001010000000001"),
    *[
        refusal(f"SUPI with {prefix}", "supi", algorithm="AKMA-K-AKMA", supi=f"{prefix}{rest}")
        for prefix, rest in (
            ("nai-", "user@example.com"),
            ("gci-", "00a1@5gc.example.com"),
            ("gli-", "00a1@5gc.example.com"),
            ("suci-", "0-001-01-0-0-0-0000000001"),
            ("msisdn-", "491701234567"),
            ("extid-", "meter-7@example.com"),
            ("imei-", "490154203237518"),
            ("imeisv-", "4901542032375186"),
            ("IMSI-", "001010000000001"),
        )
    ],
    refusal("SUPI of 4 digits", "supi", algorithm="AKMA-K-AKMA", supi="0010"),
    refusal("SUPI of 16 digits", "supi", algorithm="AKMA-K-AKMA", supi="0010100000000012"),
    refusal("SUPI with a blank", "supi", algorithm="AKMA-K-AKMA", supi="001010000000001 "),
    refusal("SUPI without a realm", "supi", algorithm="AKMA-K-AKMA", supi="user@"),
    refusal("SUPI with two @", "supi", algorithm="AKMA-K-AKMA", supi="user@one@two"),
    refusal("K_AUSF of zeros", "key", algorithm="AKMA-K-AKMA", key=bytes(32), supi="00101"),
    *[
        refusal(name, "impi", algorithm="GBA-KS-NAF", rand=bytes(16), naf_id=NAF_ID, impi=impi)
        for name, impi in (
            ("IMPI that is a SIP URI", "sip:user@example.com"),
            ("IMPI that is a SIPS URI", "sips:user@example.com"),
            ("IMPI that is a number", "tel:+491701234567"),
            ("IMPI without a realm", "001010000000001"),
            ("IMPI with a blank", " user@example.com"),
        )
    ],
    refusal("empty SUPI", "supi", algorithm="AKMA-A-TID", supi=""),
    refusal("no SUPI", "supi", algorithm="AKMA-A-TID"),
    refusal("K_AF of 33 octets", "output", algorithm="AKMA-K-AF", length=33, naf_id=NAF_ID),
    refusal("no device", "device", algorithm="AKMA-KA"),
    refusal("empty device", "device", algorithm="AKMA-KA", device=""),
    refusal("device of 256 octets", "device", algorithm="AKMA-KA", device="d" * 256),
    refusal(
        "ka-id of 256 octets", "ka-id", algorithm="AKMA-KA", device="device-7", ka_id="k" * 256
    ),
    refusal(
        "Ka of a device, 31 octets", "output", algorithm="AKMA-KA", length=31, device="device-7"
    ),
    refusal(
        "Ka of a device, 33 octets", "output", algorithm="AKMA-KA", length=33, device="device-7"
    ),
    refusal(
        "RAND of 15 octets",
        "rand",
        algorithm="GBA-KS-NAF",
        rand=bytes(15),
        impi="user@example.com",
        naf_id=NAF_ID,
    ),
    refusal(
        "FC of AKMA-E2E elsewhere", "fc", algorithm="3GPP-KDF", fc=bytes.fromhex("ffe2"), p=b"P0"
    ),
    refusal("FC of one octet FF", "fc", algorithm="3GPP-KDF", fc=b"\xff", p=b"P0"),
    refusal("no P0", "p", algorithm="3GPP-KDF", fc=b"\x69"),
]


def document() -> dict[str, Any]:
    """The whole file."""
    lengths = {digest: (16, reference.digest_size(digest), 150) for digest in reference.DIGESTS}
    return {
        "comment": "AKMA-E2E version 1 with every value on the way, and calls that have to be refused."
        " Octets are hex. See docs/interoperability.md.",
        "vectors": [
            e2e_vector(mode, digest, length)
            for mode in ("3GPP", "HKDF")
            for digest in reference.DIGESTS
            for length in lengths[digest]
        ],
        "refusals": REFUSALS,
    }


def text() -> str:
    """The file as it is written."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the vectors of test/vectors anew.")
    parser.add_argument("file", nargs="?", type=Path, default=FILE, help="default: %(default)s")
    parser.parse_args().file.write_text(text())
