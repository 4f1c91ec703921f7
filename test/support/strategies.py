"""Valid values of every parameter, for hypothesis.

SPDX-License-Identifier: Apache-2.0
"""

import string
import unicodedata

from hypothesis import strategies as st

import reference

SBI_PREFIXES = ("imsi-", "nai-", "gci-", "gli-", "suci-", "msisdn-", "extid-", "imei-", "imeisv-")
ALNUM = string.ascii_letters + string.digits

keys = st.binary(min_size=32, max_size=32).filter(any)
kas = st.one_of(
    st.binary(min_size=16, max_size=64),
    st.binary(min_size=16, max_size=3000),
    st.sampled_from([16, 17, 255, 256, 65534, 65535]).map(lambda n: bytes([n % 250 + 1]) * n),
).filter(any)
labels = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,12}[A-Za-z0-9])?", fullmatch=True)
fqdns = st.one_of(
    st.lists(labels, min_size=1, max_size=5).map(".".join),
    st.integers(1, 63).map(lambda n: "x" * n),
    st.just(".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])),
).filter(lambda fqdn: not fqdn.rpartition(".")[2].isdigit())
ua_protocol_ids = st.one_of(
    st.just(bytes(5)),
    st.binary(min_size=5, max_size=5).filter(
        lambda ua: ua[0] != 0 and chr(ua[0]) not in ALNUM + "-."
    ),
)
naf_ids = st.tuples(fqdns, ua_protocol_ids).map(lambda pair: pair[0].encode() + pair[1])
refreshes = st.binary(max_size=255)
characters = st.characters(blacklist_categories=("Cs", "Cc")).filter(reference.is_seen)
texts = st.text(characters)
usages = texts.filter(lambda text: len(text.encode()) <= 255)
device_names = usages.filter(bool)
nai_parts = st.text(
    characters.filter(lambda c: c != "@" and unicodedata.category(c) != "Zs"), min_size=1
)
nais = st.one_of(
    st.tuples(nai_parts, nai_parts).map("@".join),
    st.sampled_from([1, 253, 254, 65533]).map(lambda n: "u" * n + "@r"),
)
impis = nais.filter(lambda text: not text.lower().startswith(("sip:", "sips:", "tel:")))
supis = st.one_of(
    st.text(string.digits, min_size=5, max_size=15),
    nais.filter(lambda text: not text.lower().startswith(SBI_PREFIXES)),
)
rands = st.binary(min_size=16, max_size=16)
digests = st.sampled_from(sorted(reference.DIGESTS))
modes = st.sampled_from(["3GPP", "HKDF"])
