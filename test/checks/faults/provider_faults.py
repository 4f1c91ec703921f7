"""Faults of the module.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

# What tells most in the shortest time comes first.
QUICK = [
    "test_vectors",
    "test_bad_inputs",
    "test_context",
    "test_text",
    "test_storage",
    "test_policy",
]
QUICK += ["test_second_opinions", "test_properties", "test_life"]
DRIVERS = ["secrets", "secrets secure", "core", "failing", "allocation"]
DRIVERS += ["memcheck lifecycle once", "memcheck race"]

FAULTS = [
    *of(
        "derivations.h",
        ('"\\xFF\\xE2"', '"\\xFF\\xE3"'),
        ('"akma-e2e"', '"akma-e2f"'),
        ('"akma-ka"', '"akma-kb"'),
        ("INPUT_DEVICE, INPUT_KA_ID)", "INPUT_KA_ID, INPUT_DEVICE)"),
        ("        AKMA_KEY_LENGTH, 1, NO_TAIL, OWN_FC", "        1, 1, NO_TAIL, OWN_FC"),
        ('"gba-me"', '"gba-ne"'),
        ('"gba-u"', '"gba-v"'),
        ('"AKMA",', '"AKMB",'),
        ('"A-TID"', '"A-TIE"'),
        ('"\\x80"', '"\\x83"'),
        ('"\\x81"', '"\\x80"'),
        ('"\\x82"', '"\\x81"'),
        ("INPUT_REFRESH, INPUT_USAGE)", "INPUT_USAGE, INPUT_REFRESH)"),
        ("AKMA_OUTPUT_BLOCKS_MAX, TAIL", "AKMA_OUTPUT_BLOCKS_MAX + 1, TAIL"),
        ("AKMA_OUTPUT_BLOCKS_MAX, TAIL_L_AND_I", "AKMA_OUTPUT_BLOCKS_MAX, NO_TAIL"),
        (
            'K_AF from K_AKMA, TS 33.535 A.4", INPUT_KEY, PROPERTIES, 1, 1',
            'K_AF from K_AKMA, TS 33.535 A.4", INPUT_KEY, PROPERTIES, 1, 2',
        ),
        ("(PROPERTIES | INPUT_BIT(INPUT_DIGEST) | ", "(PROPERTIES | "),
    ),
    *of(
        "params.h",
        (
            "ROW(KS_NAF, OCTETS, AKMA_KEY_LENGTH, AKMA_KEY_LENGTH,",
            "ROW(KS_NAF, OCTETS, AKMA_KEY_LENGTH, AKMA_KEY_LENGTH + 1,",
        ),
        ("ROW(KEY, OCTETS, AKMA_KEY_LENGTH,", "ROW(KEY, OCTETS, AKMA_KEY_LENGTH - 1,"),
        ("ROW(ANY_KEY, OCTETS, 1,", "ROW(ANY_KEY, OCTETS, 0,"),
        ("ROW(KA, OCTETS, AKMA_KA_MIN,", "ROW(KA, OCTETS, AKMA_KA_MIN - 1,"),
        ("AKMA_KA_MIN, AKMA_KA_MAX,", "AKMA_KA_MIN, AKMA_KA_MAX + 1,"),
        (
            "ROW(NAF_FQDN, TEXT, 1, AKMA_NAF_FQDN_MAX,",
            "ROW(NAF_FQDN, TEXT, 1, AKMA_NAF_FQDN_MAX - 1,",
        ),
        (
            "AKMA_NAF_ID_MAX, naf_id_fault, NULL, READABLE,",
            "AKMA_NAF_ID_MAX, naf_id_fault, NULL, 0,",
        ),
        ("OCTETS, 0, AKMA_REFRESH_MAX,", "OCTETS, 0, AKMA_REFRESH_MAX + 1,"),
        (
            "TEXT, 0, AKMA_USAGE_MAX, utf8_fault, NULL, OPTIONAL | READABLE",
            "TEXT, 0, AKMA_USAGE_MAX, utf8_fault, NULL, READABLE",
        ),
        ("TEXT, 0, AKMA_USAGE_MAX,", "TEXT, 0, AKMA_USAGE_MAX + 1,"),
        ("OCTETS, AKMA_RAND_LENGTH, AKMA_RAND_LENGTH,", "OCTETS, 0, AKMA_RAND_LENGTH,"),
        ("ROW(IMPI, TEXT, 1,", "ROW(IMPI, TEXT, 0,"),
        ("ROW(SUPI, TEXT, 1, AKMA_P_MAX, supi_fault", "ROW(SUPI, TEXT, 1, AKMA_P_MAX, utf8_fault"),
        ("ROW(FC, OCTETS, 1, 2,", "ROW(FC, OCTETS, 1, 3,"),
        ("fc_fault, NULL, UNCOUNTED,", "fc_fault, NULL, 0,"),
        ("ROW(P, OCTETS, 0, AKMA_P_MAX,", "ROW(P, OCTETS, 1, AKMA_P_MAX,"),
        ("SECRET | UNCOUNTED | REPEATED", "SECRET | UNCOUNTED"),
        ("SECRET | UNCOUNTED | REPEATED", "SECRET | REPEATED"),
    ),
    *of(
        "params.c",
        ("fc[1] == 0xE2", "fc[1] == 0xE1"),
        ("(length == 1) != (fc[0] != 0xFF)", "(length == 1) && (fc[0] == 0xFF)"),
        ("given->data != NULL && given->data_size > 0;", "given->data != NULL;"),
        ("    if (!is_of_type(param, given)) {", "    if (false) {"),
        ("value->octets == NULL && value->length > 0", "false"),
        ("value->length < param->min || value->length > param->max", "value->length > param->max"),
        ("if (OPENSSL_hexchar2int(octets[i]) < 0)", "if (OPENSSL_hexchar2int(octets[i]) > 99)"),
    ),
    # Not here, as nothing can notice it: ascii_lower() of more ASCII than A to Z. No name known here holds what it gives.
    *of(
        "utf8.c",
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
        ("strlen(known) == length &&", "strlen(known) >= length &&"),
    ),
    *of(
        "naf_syntax.c",
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
        ("if (has_input(tx->settings.present, param->input) && !repeated)", "if (false)"),
        (
            "        if (!params_read(param, given, value, &tx->settings, errors) ||",
            "        if ((!params_read(param, given, value, &tx->settings, errors) && false) ||",
        ),
        ("    if (tx->list <= AKMA_P_LIST_MAX)", "    if (true)"),
        (
            "sum += length > s->length[place.index] ? length - s->length[place.index] : 0;",
            "sum += length - s->length[place.index];",
        ),
        ("        changed |= INPUT_BIT(row->key);", "        changed |= 0;"),
        ("        changed |= INPUT_BIT(INPUT_DIGEST);", "        changed |= 0;"),
        ("        changed |= INPUT_BIT(INPUT_PROPERTIES);", "        changed |= 0;"),
        ("tx->parts & INPUT_BIT(row->parts[0])", "0"),
        (".mode = MODE_3GPP", ".mode = MODE_HKDF"),
        (
            "    copy->settings = inputs->settings;",
            "    copy->settings.present = inputs->settings.present;",
        ),
        ("    inputs->settings = undo->settings;", "    (void)undo;"),
        (
            "        octets_splice(&inputs->key, 0, inputs->key.length, undo->key.data,",
            "        octets_splice(&inputs->key, 0, inputs->key.length, inputs->key.data,",
        ),
        ("    if (undo->kind == UNDO_TO_EMPTY) {", "    if (false) {"),
        ("    if (missing != 0) {", "    if (missing == 1) {"),
        (
            "    return !inputs->algorithm->has_naf_id ||",
            "    return true || !inputs->algorithm->has_naf_id ||",
        ),
        (
            "CRYPTO_memcmp(key->data, value->octets, value->length) == 0",
            "CRYPTO_memcmp(key->data, value->octets, value->length / 2) == 0",
        ),
    ),
    *of(
        "inputs.c",
        (
            "        inputs_free(copy);\n        inputs_init(copy, inputs->algorithm);",
            "        inputs_init(copy, inputs->algorithm);",
        ),
        by="allocation",
    ),
    *of(
        "inputs.c",
        (
            "    octets_free(&inputs->key);\n",
            "    OPENSSL_secure_free(inputs->key.data == inputs->key.embedded ? NULL : inputs->key.data);\n",
        ),
        ("        octets_free(&undo->key);", "        (void)undo;"),
        by="secrets",
    ),
    *of(
        "naf_id.c",
        ("    if (has_input(given, INPUT_NAF_ID)) {", "    if (false) {"),
        ("        before &= ~NAF_ID_HALVES;", "        before &= ~0U;"),
        ("        before &= ~INPUT_BIT(INPUT_NAF_ID);", "        before &= ~0U;"),
        ("held.length - ua->length : 0", "held.length : 0"),
    ),
    *of(
        "s.c",
        ("place[0] = (unsigned char)(length >> 8);", "place[0] = 0;"),
        ("place[1] = (unsigned char)length;", "place[1] = (unsigned char)(length + 1);"),
        (
            "    unsigned char *i = write_l(write_l(tail, length), L_SIZE);",
            "    unsigned char *i = write_l(write_l(tail, length), 1);",
        ),
        ("    (void)write_l(i + 1, 1);", "    (void)write_l(i + 1, 2);"),
        ("    *i = 0;", "    *i = 1;"),
        ("row->tail == TAIL_L_AND_I ? S_TAIL : 0", "S_TAIL"),
        ("i + 1 - from", "i - from"),
        ("s->length[0] + s->layout->l_size[0]}", "s->length[0]}"),
        ("    saved->offset = from->offset;", "    saved->offset = from->offset + 1;"),
        (
            "    copy_lengths(saved->length, s->length);",
            "    memset(saved->length, 0, sizeof(saved->length));",
        ),
        (
            "    s->length[place->index] += element->length + sizeof(l);",
            "    s->length[place->index] += element->length;",
        ),
    ),
    *of(
        "s.c",
        (" || saved->octets.data != saved->embedded", ""),
        ("s->octets.length + growth + S_TAIL", "s->octets.length + growth"),
        by="memcheck lifecycle once",
    ),
    *of(
        "s.c",
        ("        if ((traits & SECRET) != 0)\n            layout->public_parts = i + 1;", ""),
        ("!saved->is_public || ", ""),
        by="secrets",
    ),
    *of(
        "octets.c",
        ("    if (capacity <= octets->capacity)", "    if (capacity <= octets->capacity + 8)"),
        by="test_storage or test_context",
    ),
    *of(
        "octets.c",
        (
            "    larger.data = OPENSSL_secure_malloc(capacity);",
            "    larger.data = OPENSSL_malloc(capacity);",
        ),
        by="secrets secure",
    ),
    *of(
        "octets.c",
        ("    octets_free(octets);\n    *octets = larger;", "    *octets = larger;"),
        ("    OPENSSL_cleanse(octets->data, octets->length);", "    (void)octets;"),
        (
            "            OPENSSL_cleanse(octets->data + octets->length - (old - length), old - length);",
            "            (void)old;",
        ),
        by="secrets",
    ),
    *of(
        "kdf.c",
        (
            "    inputs_rollback(&ctx->inputs, &undo);",
            "    inputs_commit(&ctx->inputs, &undo);",
        ),
        ("        invalidate_hmac(ctx, undo->changed);", "        (void)invalidate_hmac;"),
        ("(has_input(changed, row->parts[0]) && ctx->prf.key_state == KEY_PRK)", "false"),
        (
            "    return size == NULL || OSSL_PARAM_set_size_t(size, SIZE_MAX);",
            "    return size == NULL || OSSL_PARAM_set_size_t(size, 0);",
        ),
        ("    if (!derive_is_allowed(ctx->provctx) ||", "    if ("),
        ("(param->traits & READABLE) != 0 && ", ""),
        by="test_context or test_policy",
    ),
    *of(
        "kdf.c",
        ("        inputs_commit(&ctx->inputs, &undo);\n", ""),
        ("    inputs_commit(&ctx->inputs, &undo);\n    return 1;", "    return 1;"),
        by="memcheck lifecycle once",
    ),
    *of(
        "kdf.c",
        (
            "struct kdf_ctx *ctx = OPENSSL_secure_malloc(sizeof(*ctx));",
            "struct kdf_ctx *ctx = OPENSSL_malloc(sizeof(*ctx));",
        ),
        by="secrets secure",
    ),
    *of(
        "kdf.c",
        ("    prf_close(&ctx->prf, ctx->provctx->source);\n    inputs_free", "    inputs_free"),
        by="secrets",
    ),
    *of(
        "derive.c",
        (
            "    if (out != NULL && length >= least && length <= max)",
            "    if (out != NULL && length <= max)",
        ),
        (
            "    if (out != NULL && length >= least && length <= max)",
            "    if (out != NULL && length >= 1 && length <= max + 1)",
        ),
        (
            "    if (out != NULL && length >= least && length <= max)",
            "    if (length >= 1 && length <= max)",
        ),
        ("now <= settings->not_after)", "now <= settings->not_after || true)"),
        ("now <= settings->not_after)", "now < settings->not_after)"),
        ("    if (now >= 0 && now <=", "    if (now <="),
        ("key_is_alive(ctx) && policy_allows(ctx)", "        key_is_alive(ctx)"),
        ("    if (inputs_complete(&ctx->inputs, &ctx->provctx->errors) &&", "    if ("),
        ("blocks * digests[inputs->settings.digest].size", "blocks * 32"),
        by="test_bad_inputs or test_context or test_policy",
    ),
    *of(
        "derive.c",
        ("        OPENSSL_cleanse(out, length);", "        (void)out;"),
        ("    prf_discard(&ctx->prf);", "    prf_invalidate(&ctx->prf);"),
        by="failing",
    ),
    *of(
        "modes.c",
        ("        before = size;", "        before = 0;"),
        ("    return prf->key_state == KEY_INPUT ?", "    return prf->key_state != KEY_NONE ?"),
        ("    if (prf->key_state == KEY_PRK)", "    if (prf->key_state != KEY_NONE)"),
        ("            !prf_update(prf, begin.octets, begin.length) ||\n", ""),
        by="test_vectors or test_context",
    ),
    *of(
        "modes.c",
        ("    OPENSSL_cleanse(prk, sizeof(prk));", "    (void)prk;"),
        by="secrets",
    ),
    *of(
        "prf.c",
        ("    if (properties != NULL)\n        *p++", "    if (false)\n        *p++"),
        ("    prf->poolable = properties == NULL;", "    prf->poolable = true;"),
        by="test_context or test_life",
    ),
    *of(
        "prf.c",
        ("        EVP_MAC_free(fetched); /* another", "        (void)fetched; /* another"),
        by="memcheck race",
    ),
    *of(
        "prf.c",
        (
            "    prf->restarts = probe_restart(prf->mac, digests[digest].size);",
            "    prf->restarts = true;",
        ),
        ("        prf->restarts = false;\n", ""),
        ("memcmp(first, again, size) == 0 && ", ""),
        (" && written == size;", ";"),
        ("    if (!prf->restarts)\n        prf->key_state = KEY_STALE;", ""),
        (
            "    return EVP_MAC_update(prf->mac, octets, length);",
            "    (void)EVP_MAC_update(prf->mac, octets, length);\n    return true;",
        ),
        by="failing",
    ),
    *of(
        "prf.c",
        ("    EVP_MAC_free(own);", "    (void)own;"),
        (
            "            EVP_MAC_CTX_free(atomic_load(&source->pool[digest][true][place].mac));",
            "            (void)place;",
        ),
        by="memcheck lifecycle once",
    ),
    *of(
        "prf.c",
        (
            "(prf->key_state == KEY_NONE || prf_key(prf, KEY_NONE, zeros, sizeof(zeros)))",
            "true",
        ),
        ("    OPENSSL_cleanse(block, sizeof(block));", "    (void)block;"),
        by="secrets",
    ),
    *of(
        "prf.c",
        (
            "    if (!EVP_MAC_CTX_set_params(mac, params)) {",
            "    if (!EVP_MAC_CTX_set_params(mac, params) && false) {",
        ),
        (
            "        EVP_MAC_CTX_free(mac);\n        return NULL;\n    }\n    return mac;",
            "        return NULL;\n    }\n    return mac;",
        ),
        by="failing",
    ),
    *of(
        "property_query.c",
        ("    if (fault != NULL || length == 0)", "    if (length == 0)"),
        ("    if (fault != NULL || length == 0)\n        return fault;\n", ""),
        ("EVP_set_default_properties(libctx, text) <= 0", "false"),
        by="test_bad_inputs or test_context",
    ),
    *of(
        "property_query.c",
        ("    OPENSSL_free(text);", "    (void)text;"),
        ("    OSSL_LIB_CTX_free(libctx);", "    (void)libctx;"),
        by="memcheck lifecycle once",
    ),
    *of(
        "digests.h",
        (
            "ROW(SHA2_512_256, AKMA_DIGEST_SHA2_512_256, 32,",
            "ROW(SHA2_512_256, AKMA_DIGEST_SHA2_512_256, 64,",
        ),
        ("AKMA_DIGEST_SHA3_384, 48,", "AKMA_DIGEST_SHA3_384, 32,"),
        ('"SHA384"', '"SHA38"'),
        by="test_vectors or test_context",
    ),
    *of(
        "policy_keys.h",
        (".min = AKMA_KA_MIN", ".min = 15"),
        (".max = AKMA_KA_MAX", ".max = AKMA_KA_MAX + 1"),
        (".max = AKMA_REFRESH_MAX", ".max = AKMA_REFRESH_MAX + 1"),
        ('"allowed-modes", INPUT_MODE,', '"allowed-modes", INPUT_RAND,'),
        (".patterns = &ua_protocol_patterns", ".patterns = &naf_patterns"),
        by="test_policy",
    ),
    *of(
        "policy_keys.c",
        ("    if (length >= setting->number)", "    if (length + 1 >= setting->number)"),
        ("    if (setting->number == 0 || is_set)", "    if (true)"),
        ("    if (is_number && setting->number >= key->min)", "    if (is_number)"),
        ("    bool is_number = length > 0;", "    bool is_number = true;"),
        ("value[i] >= '0' && value[i] <= '9';", "value[i] >= '0';"),
        ("        is_number = is_number && setting->number <= key->max;", ""),
        ('{"off", false}', '{"off", true}'),
        by="test_policy",
    ),
    *of(
        "policy.c",
        ("    policy->is_empty = false;", ""),
        (
            "            return policy_error(policy) != NULL;",
            "            return false;",
        ),
        ("has_input(inputs->algorithm->taken, key->input)", "true"),
        by="test_policy",
    ),
    *of(
        "policy.c",
        ("            return policy_error(policy) != NULL;", "            return true;"),
        by="allocation",
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
        by="test_policy",
    ),
    *of(
        "provider.c",
        ("operation == OSSL_OP_KDF ? provctx->kdfs : NULL", "provctx->kdfs"),
        (
            "OSSL_PARAM_set_int(status, policy_error(provctx->policy) == NULL)",
            "OSSL_PARAM_set_int(status, 1)",
        ),
        by="test_life or test_policy",
    ),
    *of(
        "provider.c",
        ("strtol(version, NULL, 10) == OPENSSL_VERSION_MAJOR", "true"),
        (
            '''                        : strchr(name, '\\'') == NULL  ? "'"''',
            '''                        : strchr(name, '\\'') == NULL  ? ""''',
        ),
        by="core",
    ),
    *of(
        "provider.c",
        ("    policy_free(provctx->policy);", "    (void)policy_free;"),
        by="memcheck lifecycle once",
    ),
    *of(
        "algorithm.c",
        (
            "strcmp(algorithm->settable[i].key, name) != 0",
            "strncmp(algorithm->settable[i].key, name, 2) != 0",
        ),
        ("INPUT_BIT(row->key) | row->settings;", "INPUT_BIT(row->key) | PROPERTIES;"),
        ("(*part == INPUT_NAF_ID ? NAF_ID_HALVES : 0)", "0U"),
        ("*part != INPUT_NAF_ID && ", ""),
        by="test_context",
    ),
    *of(
        "errors.c",
        (
            "    const size_t room = SHOWN_SIZE - sizeof(dots);",
            "    const size_t room = SHOWN_SIZE;",
        ),
        ("given[i] >= ' ' && given[i] <= '~'", "1"),
        by="test_bad_inputs or test_policy",
    ),
]

ROOM = Room(
    folder="provider",
    target="akma client preload_time",
    tests=QUICK,
    drivers=DRIVERS,
    faults=FAULTS,
)
