"""Valid values of every parameter, for hypothesis.

SPDX-License-Identifier: Apache-2.0
"""

import string

from hypothesis import strategies as st

import reference

ALNUM = string.ascii_letters + string.digits

keys = st.binary(min_size=32, max_size=32)
kas = st.one_of(
    st.binary(min_size=16, max_size=64),
    st.binary(min_size=16, max_size=3000),
    st.sampled_from([16, 17, 255, 256, 65534, 65535]).map(lambda n: bytes([n % 251]) * n),
)
labels = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,12}[A-Za-z0-9])?", fullmatch=True)
fqdns = st.one_of(
    st.lists(labels, min_size=1, max_size=5).map(".".join),
    st.integers(1, 63).map(lambda n: "x" * n),
    st.just(".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])),
)
ua_protocol_ids = st.one_of(
    st.just(bytes(5)),
    st.binary(min_size=5, max_size=5).filter(
        lambda ua: ua[0] != 0 and chr(ua[0]) not in ALNUM + "-."
    ),
)
naf_ids = st.tuples(fqdns, ua_protocol_ids).map(lambda pair: pair[0].encode() + pair[1])
refreshes = st.binary(max_size=255)
texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"))
usages = texts.filter(lambda text: len(text.encode()) <= 255)
device_names = usages.filter(bool)
identities = st.one_of(
    st.text(string.digits, min_size=1, max_size=16),
    texts.filter(lambda text: 0 < len(text.encode()) and not text.startswith("imsi-")),
    st.sampled_from([1, 255, 256, 65535]).map(lambda n: "9" * n),
)
rands = st.binary(min_size=16, max_size=16)
digests = st.sampled_from(sorted(reference.DIGESTS))
modes = st.sampled_from(["3GPP", "HKDF"])
