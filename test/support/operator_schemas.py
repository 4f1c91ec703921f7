"""What the operator's interfaces say of each message, written member by member from the published OpenAPI documents.

AKMA: TS 29.522 V18.6.0, 3gpp-akma 1.1.0, whose types Naanf_AKMA (TS 29.535) uses as well. GBA: TS 29.309 V18.1.0.
Tokens: TS 29.510. Common types: TS 29.571. A document allows further members; of what we ask none is allowed here, so
that a member that is spelt wrong shows.

SPDX-License-Identifier: Apache-2.0
"""

from typing import Any

Schema = dict[str, Any]


def _object(required: list[str], **properties: Schema) -> Schema:
    return {"type": "object", "required": required, "properties": properties}


def closed(schema: Schema) -> Schema:
    """The same without further members."""
    return schema | {"additionalProperties": False}


TEXT: Schema = {"type": "string"}

# TS 29.571, simple types
SUPPORTED_FEATURES: Schema = {"type": "string", "pattern": "^[A-Fa-f0-9]*$"}  # 5.2.2
URI: Schema = {"type": "string", "format": "uri", "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:"}  # 5.2.2
DATE_TIME: Schema = {"type": "string", "format": "date-time"}  # 5.2.2
FQDN: Schema = {
    "type": "string",
    "pattern": r"^([0-9A-Za-z]([-0-9A-Za-z]{0,61}[0-9A-Za-z])?\.)+[A-Za-z]{2,63}\.?$",
    "minLength": 4,
    "maxLength": 253,
}  # 5.2.2
UINT32: Schema = {"type": "integer", "minimum": 0, "maximum": 4294967295}  # 5.2.2
GPSI: Schema = {"type": "string", "pattern": "^(msisdn-[0-9]{5,15}|extid-[^@]+@[^@]+|.+)$"}  # 5.3.2
SUPI: Schema = {
    "type": "string",
    "pattern": "^(imsi-[0-9]{5,15}|nai-.+|gci-.+|gli-.+|.+)$",
}  # 5.3.2
NF_INSTANCE_ID: Schema = {
    "type": "string",
    "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
}  # 5.3.2: a UUID

# TS 29.571 5.2.4.1 (NEF: TS 29.122 5.2.1.2.12, the members up to supportedFeatures)
INVALID_PARAM = _object(["param"], param=TEXT, reason=TEXT)  # 5.2.4.2
PROBLEM_DETAILS = _object(
    [],
    type=URI,
    title=TEXT,
    status={"type": "integer"},
    detail=TEXT,
    instance=URI,
    cause=TEXT,
    invalidParams={"type": "array", "items": INVALID_PARAM, "minItems": 1},
    supportedFeatures=SUPPORTED_FEATURES,
    accessTokenError={"type": "object"},
    accessTokenRequest={"type": "object"},
    nrfId=FQDN,
)

# TS 29.522 A.12 (5.14), TS 29.535 A.2: both interfaces have these types
AKMA_AF_KEY_REQUEST = _object(
    ["afId", "aKId"],
    suppFeat=SUPPORTED_FEATURES,
    notifUri=URI,  # of the callback ServiceDisablementNotification
    afId=TEXT,
    aKId=TEXT,
    anonInd={"type": "boolean"},  # false if it is absent
)
AKMA_AF_KEY_DATA = _object(
    ["kaf", "expiry"],
    suppFeat=SUPPORTED_FEATURES,
    gpsi=GPSI,
    expiry=DATE_TIME,
    kaf=TEXT,
    supi=SUPI,
)
SERVICE_DISABLE_NOTIF = _object(["aKId"], aKId=TEXT)  # posted to notifUri, answered with 204

# TS 29.309, bootstrapping-info-retrieval
_KEY_MATERIAL: Schema = {"type": "string", "pattern": "^[A-Fa-f0-9]{64}$"}
NAF_ID = _object(
    ["nafFqdn", "uaSecProtId"],
    nafFqdn=FQDN,
    uaSecProtId={"type": "string", "pattern": "^[A-Fa-f0-9]{10}$"},
)
BOOTSTRAPPING_INFO_REQUEST = _object(
    ["btId", "nafId"],
    btId=TEXT,
    nafId=NAF_ID,
    gbaUAware={"type": "boolean"},  # false if it is absent
    gsIds={"type": "array", "items": UINT32, "minItems": 1},
)
_USS = _object(
    ["gsId", "gsType", "ueIds"],
    gsId=UINT32,
    gsType=UINT32,
    ueIds={"type": "array", "items": _object(["ueId"], ueId=TEXT), "minItems": 1},
    nafGroup=TEXT,
    flags={"type": "array", "items": _object(["flag"], flag=UINT32), "minItems": 1},
    keyChoice=TEXT,  # ME_BASED_KEY, UICC_BASED_KEY, ME_UICC_BASED_KEYS, or a later one
)
BOOTSTRAPPING_INFO_RESPONSE = _object(
    ["meKeyMaterial"],
    meKeyMaterial=_KEY_MATERIAL,
    uiccKeyMaterial=_KEY_MATERIAL,
    keyExpiryTime=DATE_TIME,
    bootstrappingInfoCreationTime=DATE_TIME,
    ussList={"type": "array", "items": _object(["uss"], uss=_USS), "minItems": 1},
    gbaType=TEXT,  # 3G_GBA, 2G_GBA, GBA_DIGEST, or a later one
    impi=TEXT,
)

# RFC 6749 4.4.2; TS 29.510 6.3.5.2.2 AccessTokenReq, the members that an AF has a use for
_SCOPE: Schema = {"type": "string", "pattern": "^([a-zA-Z0-9_:-]+)( [a-zA-Z0-9_:-]+)*$"}
TOKEN_REQUEST = _object(["grant_type"], grant_type={"const": "client_credentials"}, scope=_SCOPE)
ACCESS_TOKEN_REQ = _object(
    ["grant_type", "nfInstanceId", "nfType", "targetNfType", "scope"],
    grant_type={"const": "client_credentials"},
    nfInstanceId=NF_INSTANCE_ID,
    nfType={"const": "AF"},
    targetNfType={"enum": ["AANF", "GBA_BSF", "NEF"]},
    scope=_SCOPE,
)

# Path -> what is asked, and what is answered with 200
KEYS: dict[str, tuple[Schema, Schema]] = {
    "/3gpp-akma/v1/retrieve": (AKMA_AF_KEY_REQUEST, AKMA_AF_KEY_DATA),
    "/naanf-akma/v1/retrieve-applicationkey": (AKMA_AF_KEY_REQUEST, AKMA_AF_KEY_DATA),
    "/nbsp-gba/v1/bootstrapping-info-retrieval": (
        BOOTSTRAPPING_INFO_REQUEST,
        BOOTSTRAPPING_INFO_RESPONSE,
    ),
}

# TS 29.500 5.2.2.2: the NF type, then "-" and what the consumer says more of itself
USER_AGENT = r"AF(-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?"
