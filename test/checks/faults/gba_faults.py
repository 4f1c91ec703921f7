"""Faults of bootstrapping: what a card, a modem and a BSF say, and what is kept of it.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

FAULTS = [
    *of(
        "apdu.c",
        ("{0x9862, 0xFFFF,", "{0x9863, 0xFFFF,"),
        ("if (answer->status >> 8 == 0x61)", "if (answer->status >> 8 == 0x62)"),
        ("else if (answer->status >> 8 == 0x6C)", "else if (answer->status >> 8 == 0x62)"),
        ("step < STEPS_MAX && !done", "step < 400 && !done"),
        ("if (answer->length < STATUS_SIZE ||", "if (false ||"),
        ("if (is_t1 ? command->wants_data : command->length == 0)", "if (command->wants_data)"),
        (
            "octets[i] = i < length ? (unsigned char)pin[i] : 0xFF;",
            "octets[i] = (unsigned char)pin[i];",
        ),
        ("length < 4 || length > PIN_LENGTH ||", "false ||"),
        ("if ((answer.status & 0xF) < 2)", "if ((answer.status & 0xF) < 1)"),
        ("(wants_pin(apdu) && ", "(true && "),
        ("if (card->length > 0 && card->octets[0] == TAG_AUTS)", "if (false)"),
        ("if (*length > answer->length - *at - 1)", "if (false)"),
        ("if (auts == NULL || length != USIM_AUTS)", "if (auts == NULL)"),
        ("*at++ = TAG_BOOTSTRAP;", ";"),
        ("(answer.octets[octet] >> bit & 1) != 0;", "false;"),
        ("apdu->read_file = NULL;", ";"),
        by="test_bootstrap_modem",
    ),
    *of(
        "at_answer.c",
        ('begins(line, "+CME ERROR") ||', ""),
        ('strcmp(line, "OK") != 0', 'strcmp(line, "OK") == 0'),
        ("return there == digits && ", "return "),
        ("    found += *found == '\"' ? 1 : 0;", "    found++;"),
        by="test_bootstrap_modem",
    ),
    *of(
        "usim_at.c",
        ("AT+CRSM=176,%u,0,0,%zu", "AT+CRSM=176,%x,0,0,%zu"),
        ("i < LINES_MAX && result == AT_MORE", "i < 2 && result == AT_MORE"),
        by="test_bootstrap_modem",
    ),
    *of(
        "digest_aka.c",
        ('if (strcasecmp(algorithm, "AKAv1-MD5") != 0)', "if (false)"),
        ("if (!challenge->has_auth && !challenge->has_auth_int)", "if (false)"),
        (
            "if (!challenge->has_auth_int)\n        return hash(out,",
            "if (true)\n        return hash(out,",
        ),
        (
            "for (size_t i = 0; i < 2; i++)\n        if (!params[i].is_given",
            "for (size_t i = 0; i < 1; i++)\n        if (!params[i].is_given",
        ),
        ("*c |= *c >= 'A' && *c <= 'F' ? 0x20 : 0;", ";"),
        (
            "    return strlen(given) == DIGEST_SIZE - 1 && CRYPTO_memcmp(given, wanted, DIGEST_SIZE - 1) == 0;",
            "    return wanted != NULL;",
        ),
        (
            'const struct piece no_password = {"", 0};',
            "const struct piece no_password = {auts, USIM_AUTS};",
        ),
        by="test_bootstrap and not modem",
    ),
    *of(
        "auth_params.c",
        ("if (param->is_given)", "if (false)"),
        ("if (*length + 1 >= param->size)", "if (false)"),
        by="test_bootstrap and not modem",
    ),
    *of(
        "bsf_info.c",
        ('    stop(context, "it has a DTD, which is refused");', "    (void)context;"),
        ("if (reading->depth++ == 0 && strcmp", "if (reading->depth++ == 7 && strcmp"),
        ("if (reading->open != NULL)\n        stop", "if (false)\n        stop"),
        ("if (reading->fields[i].is_given)\n", "if (false)\n"),
        ("i < FIELDS && reading->depth == 2;", "i < FIELDS;"),
        ("return info->lifetime > now ||", "return true ||"),
        (
            'if (wrong != NULL)\n        return gba_fail(fault, "btid',
            'if (false)\n        return gba_fail(fault, "btid',
        ),
        by="test_bootstrap and not modem",
    ),
    *of(
        "../common/utc.c",
        ("        return !form->needs_offset;", "        return false;"),
        ('{"T", "Z", 59, 14, false}', '{"Tt", "Z", 59, 14, false}'),
        ('{"T", "Z", 59, 14, false}', '{"T", "Z", 60, 14, false}'),
        ('{"T", "Z", 59, 14, false}', '{"T", "Z", 59, 15, false}'),
        ("read_digits(text, 2, 1, days_of(", "read_digits(text, 2, 1, 31 + 0 * days_of("),
        ("*seconds -= offset;", ""),
        by="test_bootstrap and not modem",
    ),
    *of(
        "ub.c",
        ("CURLOPT_FOLLOWLOCATION, 0L", "CURLOPT_FOLLOWLOCATION, 1L"),
        ("if (!ub->is_https && !ub->challenge.has_auth_int)", "if (false)"),
        (
            "if (result == USIM_AUTS_WANTED)\n        result = resynchronise",
            "if (false)\n        result = resynchronise",
        ),
        ("return result == USIM_DONE ? USIM_DONE : USIM_FAILED;", "return USIM_DONE;"),
        ("if (answer->has_info &&", "if (false &&"),
        ("if (!is_info_type(answer->type))", "if (false)"),
        ("if (answer->status != 200)", "if (answer->status == 401)"),
        ("if (length > sizeof(answer->body) - answer->length)", "if (false)"),
        ("CURLOPT_TIMEOUT_MS, left", "CURLOPT_TIMEOUT_MS, 9000L"),
        ("    wrong = names_domain_fault(ub->challenge.realm);", "    wrong = NULL;"),
        by="test_bootstrap and not modem",
    ),
    *of(
        "state.c",
        ("if (strcmp(line, VERSION) != 0)", "if (false)"),
        ("return is_one || (fd < 0 && errno == ENOENT);", "return true;"),
        ("return is_one || (fd < 0 && errno == ENOENT);", "return is_one;"),
        by="(test_bootstrap and not modem) or test_ue_bootstrap",
    ),
    *of(
        "bootstrap.c",
        ("if (strcmp(state->imsi, identity->imsi) != 0)", "if (false)"),
        ("return state->lifetime > (int64_t)time(NULL) ||", "return true ||"),
        ("if (settings->impi != NULL && strcmp", "if (false && strcmp"),
        by="test_ue_bootstrap",
    ),
    *of(
        "usim_milenage.c",
        ("if (given <= subscriber->sqn ||", "if ("),
        ("    subscriber->sqn = given;", "    (void)given;"),
        ("CRYPTO_memcmp(mac_a, autn + MILENAGE_SQN + MILENAGE_AMF, MILENAGE_MAC) != 0", "false"),
        ("auts[i] = sqn[i] ^ milenage->ak_star[i];", "auts[i] = sqn[i] ^ milenage->ak[i];"),
        by="test_bootstrap and not modem",
    ),
    *of(
        "names.c",
        ('identity->mnc_length == 2 ? "0" : ""', '""'),
        ("at == nai ||", ""),
        by="test_bootstrap",
    ),
]

ROOM = Room(
    folder="gba",
    target="akma akma-tool e2e-as e2e-ue preload_time",
    tests=["test_bootstrap", "test_bootstrap_modem", "test_ue_bootstrap"],
    faults=FAULTS,
)
