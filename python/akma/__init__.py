"""The 3GPP key derivations of the akma OpenSSL provider.

    from akma import Kdf

    e2e_key = Kdf("AKMA-E2E").derive(32, ks_naf=ks_naf, ka=ka, naf_id=naf_id)

libcrypto is the system's; the environment variable AKMA_LIBCRYPTO names another file.

SPDX-License-Identifier: Apache-2.0
"""

from ._kdf import Kdf, Value
from ._libcrypto import Error

__all__ = ["Error", "Kdf", "Value"]
