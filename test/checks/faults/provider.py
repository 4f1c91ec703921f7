"""Faults of the module.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

QUICK = ["test_vectors", "test_context", "test_bad_inputs", "test_policy", "test_second_opinions"]
QUICK += ["test_text", "test_life", "test_storage", "test_properties"]
DRIVERS = ["secrets", "secrets secure", "lifecycle once", "failing", "allocation", "core", "race"]

FAULTS = [
    *of(
        "derivations.h",
        ('"\\xFF\\xE2"', '"\\xFF\\xE3"'),
        ('"akma-e2e"', '"akma-e2f"'),
        ('"gba-me"', '"gba-ne"'),
        ('"gba-u"', '"gba-v"'),
        ('"AKMA",', '"AKMB",'),
        ('"A-TID"', '"A-TIE"'),
        ('INPUT_KEY, "\\x80"', 'INPUT_KEY, "\\x83"'),
        ('INPUT_KEY, "\\x81"', 'INPUT_KEY, "\\x80"'),
        ('INPUT_KEY, "\\x82"', 'INPUT_KEY, "\\x81"'),
        (
            "INPUT_KA, INPUT_NAF_ID, INPUT_REFRESH, INPUT_USAGE",
            "INPUT_KA, INPUT_NAF_ID, INPUT_USAGE, INPUT_REFRESH",
        ),
        ("place[0] = (unsigned char)(length >> 8);", "place[0] = 0;"),
        ("place[1] = (unsigned char)length;", "place[1] = (unsigned char)(length + 1);"),
        ("return part != INPUT_FC && part != INPUT_P;", "return part != INPUT_P;"),
    ),
    *of(
        "params.c",
        (
            "{AKMA_PARAM_KS_NAF, INPUT_KS_NAF, OCTETS, AKMA_KEY_LENGTH, AKMA_KEY_LENGTH,",
            "{AKMA_PARAM_KS_NAF, INPUT_KS_NAF, OCTETS, AKMA_KEY_LENGTH, AKMA_KEY_LENGTH + 1,",
        ),
        (
            "{AKMA_PARAM_KEY, INPUT_KS_NAF, OCTETS, AKMA_KEY_LENGTH,",
            "{AKMA_PARAM_KEY, INPUT_KS_NAF, OCTETS, AKMA_KEY_LENGTH - 1,",
        ),
        (
            "{AKMA_PARAM_KEY, INPUT_KEY, OCTETS, AKMA_KEY_LENGTH,",
            "{AKMA_PARAM_KEY, INPUT_KEY, OCTETS, AKMA_KEY_LENGTH - 1,",
        ),
        ("INPUT_ANY_KEY, OCTETS, 1,", "INPUT_ANY_KEY, OCTETS, 0,"),
        (
            "{AKMA_PARAM_KA, INPUT_KA, OCTETS, AKMA_KA_MIN,",
            "{AKMA_PARAM_KA, INPUT_KA, OCTETS, AKMA_KA_MIN - 1,",
        ),
        (
            "{AKMA_PARAM_KA, INPUT_KA, OCTETS, AKMA_KA_MIN, AKMA_KA_MAX,",
            "{AKMA_PARAM_KA, INPUT_KA, OCTETS, AKMA_KA_MIN, AKMA_KA_MAX + 1,",
        ),
        ("{AKMA_PARAM_SECRET, INPUT_KA,", "{AKMA_PARAM_SECRET, INPUT_REFRESH,"),
        (
            "INPUT_NAF_FQDN, TEXT, 1, AKMA_NAF_FQDN_MAX,",
            "INPUT_NAF_FQDN, TEXT, 1, AKMA_NAF_FQDN_MAX - 1,",
        ),
        ("OCTETS, 0, AKMA_REFRESH_MAX,", "OCTETS, 0, AKMA_REFRESH_MAX + 1,"),
        ("TEXT, 0, AKMA_USAGE_MAX,", "TEXT, 0, AKMA_USAGE_MAX + 1,"),
        ("OCTETS, AKMA_RAND_LENGTH, AKMA_RAND_LENGTH,", "OCTETS, 0, AKMA_RAND_LENGTH,"),
        ("INPUT_IMPI, TEXT, 1,", "INPUT_IMPI, TEXT, 0,"),
        (
            "INPUT_SUPI, TEXT, 1, AKMA_P_MAX, supi_fault",
            "INPUT_SUPI, TEXT, 1, AKMA_P_MAX, utf8_fault",
        ),
        ("INPUT_FC, OCTETS, 1, 2,", "INPUT_FC, OCTETS, 1, 3,"),
        ("INPUT_P, OCTETS, 0, AKMA_P_MAX,", "INPUT_P, OCTETS, 1, AKMA_P_MAX,"),
        ("fc[1] == 0xE2", "fc[1] == 0xE1"),
        ("(length == 1) != (fc[0] != 0xFF)", "(length == 1) && (fc[0] == 0xFF)"),
        ("given->data_size > 0 && OSSL_PARAM_get_int64", "OSSL_PARAM_get_int64"),
        ("given->data_type != param->type && given->data_type != pointer_type", "false"),
        ("value->octets == NULL && value->length > 0", "false"),
        ("value->length < param->min || value->length > param->max", "value->length > param->max"),
        ("if (OPENSSL_hexchar2int(octets[i]) < 0)", "if (OPENSSL_hexchar2int(octets[i]) > 99)"),
    ),
    *of(
        "text.c",
        ("(unsigned char)(text[i] - 1) >= 0x7F", "(unsigned char)(text[i]) >= 0x80"),
        ("        if (text[0] == '\\0')", "        if (text[0] == 'x')"),
        ("{{0x01, 0x7F}", "{{0x01, 0x7E}"),
        ("{{0xC2, 0xDF}", "{{0xC1, 0xDF}"),
        ("{0xA0, 0xBF}", "{0x9F, 0xBF}"),
        ("{0x80, 0x9F}", "{0x80, 0xA0}"),
        ("{0x90, 0xBF}", "{0x8F, 0xBF}"),
        ("{0x80, 0x8F}", "{0x80, 0x90}"),
        ("{{0xF4, 0xF4}", "{{0xF4, 0xF5}"),
        ("form->length > length", "form->length > length + 1"),
        ("i < form->length; i++", "i + 1 < form->length; i++"),
        ("tail = {0x80, 0xBF}", "tail = {0x80, 0xC0}"),
        ("tail = {0x80, 0xBF}", "tail = {0x7F, 0xBF}"),
        ("c >= 'A' && c <= 'Z'", "c >= 'B' && c <= 'Z'"),
        ("c >= 'A' && c <= 'Z'", "c >= 'A' && c <= '^'"),
        ("strlen(known) == length &&", "strlen(known) >= length &&"),
    ),
    *of(
        "naf.c",
        ("c == '-') | (unsigned int)(c == '.')", "c == '-') | (unsigned int)(c == '_')"),
        ("(c | 0x20) - 'a') < 26", "(c | 0x20) - 'a') < 27"),
        ("(c - '0') < 10", "(c - '0') < 11"),
        ("return bad == 0 && length <= LABEL_MAX;", "return bad == 0;"),
        ("is_separator(fqdn[0]) | is_separator(last)", "is_separator(last)"),
        ("is_separator(fqdn[0]) | is_separator(last)", "is_separator(fqdn[0])"),
        ("(is_separator(fqdn[i]) & is_separator(fqdn[i + 1]))", "0U"),
        ("if (length > LABEL_MAX)", "if (length > LABEL_MAX + 1)"),
        ("label[0] == '-' || label[length - 1] == '-'", "label[0] == '-'"),
        ("if (identifier[0] == 0)", "if (identifier[0] == 9)"),
        ("    if (is_host_name_octet(identifier[0]))", "    if (identifier[0] == 'a')"),
        ("    if (is_host_name_octet(naf_id[fqdn_length]))", "    if (naf_id[fqdn_length] == 'a')"),
    ),
    *of(
        "inputs.c",
        (
            "        inputs_free(copy);\n        inputs_init(copy, inputs->algorithm);",
            "        inputs_init(copy, inputs->algorithm);",
        ),
        ("if (has(pending->present, param->input) && param->input != INPUT_P)", "if (false)"),
        (
            "        if (!read_param(pending, param, given, errors))",
            "        if (!read_param(pending, param, given, errors) && false)",
        ),
        ("    if (has(pending->present, INPUT_NAF_ID)) {", "    if (false) {"),
        (
            "s += length > inputs->settings.length[i] ? length - inputs->settings.length[i] : 0;",
            "s += length - inputs->settings.length[i];",
        ),
        ("*changed |= INPUT_BIT(key);", "*changed |= 0;"),
        ("        *changed |= INPUT_BIT(INPUT_DIGEST);", "        *changed |= 0;"),
        ("        *changed |= INPUT_BIT(INPUT_PROPERTIES);", "        *changed |= 0;"),
        (
            "    replaced->changed |= pending.present & INPUT_BIT(INPUT_KA);",
            "    replaced->changed |= 0;",
        ),
        ("        before &= ~NAF_ID_HALVES;", "        before &= ~0U;"),
        ("        before &= ~whole;", "        before &= ~0U;"),
        (".mode = MODE_3GPP", ".mode = MODE_HKDF"),
        (
            "    copy->settings = inputs->settings;",
            "    copy->settings.present = inputs->settings.present;",
        ),
        ("    if (pending->p_size <= AKMA_P_LIST_MAX)", "    if (true)"),
        ("    inputs->settings = replaced->settings;", "    (void)replaced;"),
        (
            "    replaced->s_offset = pending->offset;",
            "    replaced->s_offset = pending->offset + 1;",
        ),
        ("        replaced->s.length = 0;", "        (void)replaced;"),
        (
            "        octets_splice(&inputs->key, 0, inputs->key.length, replaced->key.data,",
            "        octets_splice(&inputs->key, 0, inputs->key.length, inputs->key.data,",
        ),
        (
            "        inputs_free(inputs);\n        inputs_init(inputs, inputs->algorithm);",
            "        (void)inputs;",
        ),
        (
            "    octets_free(&inputs->key);\n",
            "    OPENSSL_secure_free(inputs->key.data == inputs->key.embedded ? NULL : inputs->key.data);\n",
        ),
        ("    if (missing != 0) {", "    if (missing == 1) {"),
        ("    if (inputs->algorithm->has_naf_id && !inputs_has_naf_id(inputs))", "    if (false)"),
        (
            "CRYPTO_memcmp(key->data, value->octets, value->length) == 0",
            "CRYPTO_memcmp(key->data, value->octets, value->length / 2) == 0",
        ),
    ),
    *of(
        "octets.c",
        ("    octets_free(octets);\n    *octets = larger;", "    *octets = larger;"),
        ("    OPENSSL_cleanse(octets->data, octets->length);", "    (void)octets;"),
        (
            "            OPENSSL_cleanse(octets->data + octets->length - (old - length), old - length);",
            "            (void)old;",
        ),
        (
            "    larger.data = OPENSSL_secure_malloc(capacity);",
            "    larger.data = OPENSSL_malloc(capacity);",
        ),
        ("    if (capacity <= octets->capacity)", "    if (capacity <= octets->capacity + 8)"),
    ),
    *of(
        "kdf.c",
        (
            "(unsigned char)(length >> 8), (unsigned char)length, 0, 2, 0, 0, 1}",
            "0, (unsigned char)length, 0, 2, 0, 0, 1}",
        ),
        ("(unsigned char)length, 0, 2, 0, 0, 1}", "(unsigned char)length, 0, 1, 0, 0, 1}"),
        ("(unsigned char)length, 0, 2, 0, 0, 1}", "(unsigned char)length, 0, 2, 0, 0, 2}"),
        ("    return s->data + s->length + 4;", "    return s->data + s->length + 5;"),
        (
            "    if (out != NULL && length >= 1 && length <= max)",
            "    if (out != NULL && length <= max)",
        ),
        (
            "    if (out != NULL && length >= 1 && length <= max)",
            "    if (out != NULL && length >= 1 && length <= max + 1)",
        ),
        (
            "    if (out != NULL && length >= 1 && length <= max)",
            "    if (length >= 1 && length <= max)",
        ),
        ("now <= inputs->settings.not_after)", "now <= inputs->settings.not_after || true)"),
        ("now <= inputs->settings.not_after)", "now < inputs->settings.not_after)"),
        ("    if (now >= 0 && now <=", "    if (now <="),
        (
            "    inputs_put_back(&ctx->inputs, &replaced);",
            "    inputs_keep(&ctx->inputs, &replaced);",
        ),
        ("    let_go_of_hmac(ctx, replaced.changed);\n    return 0;", "    return 0;"),
        ("        OPENSSL_cleanse(out, length);", "        (void)out;"),
        ("    OPENSSL_cleanse(prk, sizeof(prk));", "    (void)prk;"),
        ("(size_t)(i + 1 - rest)", "(size_t)(i - rest)"),
        ("        before = size;", "        before = 0;"),
        ("(changed & INPUT_BIT(INPUT_KA)) != 0 && ctx->prf.holds == HOLDS_PRK", "false"),
        (
            "    if (ctx->prf.holds == HOLDS_KEY)",
            "    if (ctx->prf.holds != HOLDS_NOTHING)",
        ),
        ("        prf_discard(&ctx->prf);", "        prf_spend(&ctx->prf);"),
        (
            "    prf_close(&ctx->prf, ctx->provctx->source);\n    inputs_free",
            "    inputs_free",
        ),
        (
            "    return wanted == NULL || OSSL_PARAM_set_size_t(wanted, SIZE_MAX);",
            "    return wanted == NULL || OSSL_PARAM_set_size_t(wanted, 0);",
        ),
        ("    if (policy_is_sound(ctx->provctx) &&", "    if ("),
        ("        key_is_alive(ctx) && policy_allows(ctx)", "        key_is_alive(ctx)"),
        ("    return inputs_complete(&ctx->inputs, &ctx->provctx->errors) &&", "    return"),
        (
            "struct kdf_ctx *ctx = OPENSSL_secure_malloc(sizeof(*ctx));",
            "struct kdf_ctx *ctx = OPENSSL_malloc(sizeof(*ctx));",
        ),
        (
            "AKMA_OUTPUT_BLOCKS_MAX * digests[inputs->settings.digest].size",
            "AKMA_OUTPUT_BLOCKS_MAX * 32",
        ),
    ),
    *of(
        "prf.c",
        (
            "(prf->holds == HOLDS_NOTHING || prf_key(prf, HOLDS_NOTHING, zeros, sizeof(zeros)))",
            "true",
        ),
        (
            "    prf->restarts = proves_restart(prf->mac, digests[digest].size);",
            "    prf->restarts = true;",
        ),
        ("        prf->restarts = false;\n", ""),
        ("memcmp(first, again, size) == 0 && ", ""),
        ("    if (!prf->restarts)\n        prf->holds = HOLDS_SPENT;", ""),
        ("        EVP_MAC_free(fetched); /* another", "        (void)fetched; /* another"),
        ("    if (properties != NULL)\n        *p++", "    if (false)\n        *p++"),
        ("    prf->poolable = properties == NULL;", "    prf->poolable = true;"),
        ("    OPENSSL_cleanse(block, sizeof(block));", "    (void)block;"),
        (
            "        EVP_MAC_CTX_free(mac);\n        return NULL;\n    }\n    return mac;",
            "        return NULL;\n    }\n    return mac;",
        ),
        ("    EVP_MAC_free(own);", "    (void)own;"),
        (
            "            EVP_MAC_CTX_free(atomic_load(&source->pool[digest][0][place].mac));",
            "            (void)place;",
        ),
        (
            "    return EVP_MAC_update(prf->mac, octets, length);",
            "    (void)EVP_MAC_update(prf->mac, octets, length);\n    return true;",
        ),
        (
            "    if (!EVP_MAC_CTX_set_params(mac, params)) {",
            "    if (!EVP_MAC_CTX_set_params(mac, params) && false) {",
        ),
    ),
    *of(
        "digests.c",
        (
            '{"SHA-512/256", "SHA512-256", "2.16.840.1.101.3.4.2.6"},\n                             32}',
            '{"SHA-512/256", "SHA512-256", "2.16.840.1.101.3.4.2.6"},\n                             64}',
        ),
        ('"2.16.840.1.101.3.4.2.9"}, 48}', '"2.16.840.1.101.3.4.2.9"}, 32}'),
        ('"SHA384"', '"SHA38"'),
    ),
    *of(
        "policy.c",
        ("                       .min = AKMA_KA_MIN,", "                       .min = 15,"),
        (
            "                       .max = AKMA_KA_MAX,",
            "                       .max = AKMA_KA_MAX + 1,",
        ),
        (
            "                            .max = AKMA_REFRESH_MAX,",
            "                            .max = AKMA_REFRESH_MAX + 1,",
        ),
        (
            "    if (length >= policy->settings[id].number)",
            "    if (length + 1 >= policy->settings[id].number)",
        ),
        ("    if (is_there || policy->settings[id].number == 0)", "    if (true)"),
        ("permits_name(policy, ALLOWED_MODES, inputs->mode, reason) &&", "true &&"),
        (
            "           permits_ua_protocol(policy, naf_id + fqdn_length, reason);",
            "           true;",
        ),
        ("    return policy->text[0] == '\\0';", "    return true;"),
        ("    if (length == 0 || number < key->min)", "    if (length == 0)"),
        ("value[i] < '0' || value[i] > '9' ||", "value[i] < '0' ||"),
        ('{"off", false}', '{"off", true}'),
        ("        return fault.wanted != NULL;", "        return true;"),
    ),
    *of(
        "patterns.c",
        (
            "pattern->beneath ? length <= pattern->length : length != pattern->length",
            "length < pattern->length",
        ),
        ("    if (memchr(name, '*', length) != NULL)", "    if (false)"),
        ("    if (pattern->beneath && memchr(name, '.', length) == NULL)", "    if (false)"),
        (
            "pattern->length >= AKMA_UA_PROTOCOL_ID_LENGTH",
            "pattern->length > AKMA_UA_PROTOCOL_ID_LENGTH",
        ),
    ),
    *of(
        "provider.c",
        ("strtol(version, NULL, 10) == OPENSSL_VERSION_MAJOR", "true"),
        ("operation == OSSL_OP_KDF ? provctx->kdfs : NULL", "provctx->kdfs"),
        (
            "OSSL_PARAM_set_int(status, policy_error(provctx->policy) == NULL)",
            "OSSL_PARAM_set_int(status, 1)",
        ),
        ("    policy_free(provctx->policy);", "    (void)policy_free;"),
        (
            '''                        : strchr(name, '\\'') == NULL  ? "'"''',
            '''                        : strchr(name, '\\'') == NULL  ? ""''',
        ),
    ),
    *of(
        "algorithm.c",
        (
            "#define OPTIONAL (INPUT_BIT(INPUT_REFRESH) | INPUT_BIT(INPUT_USAGE))",
            "#define OPTIONAL INPUT_BIT(INPUT_REFRESH)",
        ),
        ("strcmp((*param)->name, name) != 0", "strncmp((*param)->name, name, 2) != 0"),
        (
            "    if (row->e2e)\n        taken |= INPUT_BIT(INPUT_DIGEST)",
            "    if (!row->e2e)\n        taken |= INPUT_BIT(INPUT_DIGEST)",
        ),
    ),
    *of(
        "errors.c",
        (
            "    const size_t room = SHOWN_SIZE - sizeof(dots);",
            "    const size_t room = SHOWN_SIZE;",
        ),
        ("came[i] >= ' ' && came[i] <= '~'", "true"),
    ),
]

ROOM = Room(
    folder="provider",
    target="akma",
    tests=QUICK,
    drivers=DRIVERS,
    memcheck=["lifecycle once", "failing", "race"],
    faults=FAULTS,
)
