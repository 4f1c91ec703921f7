"""What is broken in the parts of e2e-as that get keys from an operator.

SPDX-License-Identifier: Apache-2.0
"""

from room import Fault, Room, of

FAULTS: list[Fault] = [
    *of(
        "source/key_answer.c",
        ("(size_t)2 * KS_NAF_LENGTH &&\n", "(size_t)2 * KS_NAF_LENGTH ||\n"),
        ('{"kaf", REQUIRED,', '{"kaf", OPTIONAL,'),
        ('{"expiry", REQUIRED_OR_NULL,', '{"expiry", OPTIONAL,'),
        ('{"expiry", REQUIRED_OR_NULL,', '{"expiry", REQUIRED,'),
        ('{"meKeyMaterial", REQUIRED,', '{"meKeyMaterial", OPTIONAL,'),
        ("PLACE(names[KEY_NAME_GPSI])", "PLACE(names[KEY_NAME_SUPI])"),
        (
            '{"uiccKeyMaterial", OPTIONAL, take_key, PLACE(answer.ks_int_naf)',
            '{"uiccKeyMaterial", OPTIONAL, take_key, PLACE(answer.ks_naf)',
        ),
        ("|| length == 0 || length > DEVICE_TEXT_MAX", "|| length > DEVICE_TEXT_MAX"),
        ("|| length == 0 || length > DEVICE_TEXT_MAX", "|| length == 0"),
        (" || !row_is_text(text, length))", ")"),
        ("digits >= 5 && digits <= 15;", "digits <= 15;"),
        ("digits >= 5 && digits <= 15;", "digits >= 5;"),
        ("strchr(at + 1, '@') == NULL;", "true;"),
        ("value != NULL && !json_is_null(value);", "value != NULL;"),
        ("if (!is_there || !member->take(", "if (is_there && !member->take("),
        ("(wanted == KEY_NAMES || name == wanted)", "true"),
        ("    if (!key_answer_is(content_type, JSON)) {", "    if (content_type == NULL) {"),
        (
            "object = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);\n        done",
            "object = json_loadb(body, length, 0, NULL);\n        done",
        ),
        (
            "(content_type[length] == '\\0' || strchr(\"; \\t\", content_type[length]) != NULL)",
            "true",
        ),
        (
            "if (key_answer_is(content_type, PROBLEM) || key_answer_is(content_type, JSON))",
            "if (content_type != NULL)",
        ),
        ('{"status", "cause", "error", "detail",', '{"status", "error", "detail",'),
        ("utc_read(json_string_value(value), UTC_RFC_3339, place)", "true"),
    ),
    *of(
        "../common/utc.c",
        ("    return *number >= min && *number <= max;", "    return *number <= max;"),
        ("    return *number >= min && *number <= max;", "    return *number >= min;"),
        ("year % 4 == 0 && year % 100 != 0) ||", "year % 4 == 0) ||"),
        ("|| year % 400 == 0;", ";"),
        ("    tm->tm_mon -= 1;", ""),
        ("(sign == '-' ? -60 : 60)", "60"),
        ("*seconds -= offset;", "*seconds += offset;"),
        ("*text != '\\0' || !utc", "!utc"),
        ("    minute.tm_sec = 0;\n", ""),
        ("        return !form->needs_offset;", "        return true;"),
        ("    if (*++*text < '0' || **text > '9')\n        return false;", "    ++*text;"),
    ),
    *of(
        "source/networks.c",
        (">= SECOND;", ">= SECOND / 2;"),
        ("(rate->next + 1) % rate->max", "(rate->next + 2) % rate->max"),
        ("    rate_count(network->rate, now);", ""),
        ("    if (network->credit > 0)\n        return PRIORITY_PROVEN;", ""),
        ("network->credit == 0 && network->wanted <= LITTLE", "network->wanted <= LITTLE"),
        ("network->credit == 0 && network->wanted <= LITTLE", "network->credit == 0"),
        ("one->served < other->served : one->since", "one->served > other->served : one->since"),
        ("one->since > other->since", "one->since < other->since"),
        ("    if (a != b)\n        return a < b;", ""),
        ("    network->served = now;", ""),
        ("    network->wanted++;", ""),
        ("now - network->seen >= MEMORY", "false"),
        (
            "memset(wanted.address, 0, ADDR_NETWORK_SIZE);",
            "memset(wanted.address, 1, ADDR_NETWORK_SIZE);\n    return NULL;",
        ),
    ),
    *of(
        "source/lookups.c",
        ("lookups->asked_count < lookups->setup.max_active && ", ""),
        (" rate_allows(lookups->rate, now) &&", ""),
        (
            "if (rate_allows(lookup->network->rate, now) &&\n            (",
            "if (((true) &&\n            ",
        ),
        ("    rate_count(lookups->rate, now);", ""),
        (
            "    if (lookups->waiting_count < lookups->setup.waiting)\n        return true;",
            "    return true;",
        ),
        ("    if (!networks_has_priority(network, last->network))\n        return false;", ""),
        (
            "!networks_has_priority(lookup->network, last->network)",
            "networks_has_priority(lookup->network, last->network)",
        ),
        ("        improve(lookups, lookup, network);", "        (void)improve;"),
        (
            "now - lookup->since >= lookups->setup.timeout_ms",
            "now - lookup->since > lookups->setup.timeout_ms",
        ),
        ("lookup->state == LOOKUP_QUEUED && TAILQ_EMPTY", "TAILQ_EMPTY"),
        (
            "    } else {\n        lookups->asked_count--;\n",
            "    } else {\n",
        ),
        ("    networks_want(&lookups->networks, network, now);", ""),
        ("(verdict == LOOKUP_FOUND) - (verdict == LOOKUP_NONE)", "(verdict == LOOKUP_FOUND)"),
        ("(verdict == LOOKUP_FOUND) - (verdict == LOOKUP_NONE)", "-(verdict == LOOKUP_NONE)"),
        ("        lookup->state = LOOKUP_REVOKED;", "        (void)lookup;"),
        (
            "TAILQ_FOREACH(lookup, &lookups->asked, place)",
            "TAILQ_FOREACH(lookup, &lookups->waiting, place)",
        ),
        (
            "        waiter->lookup = NULL;\n        lookups->setup.tell",
            "        lookups->setup.tell",
        ),
        ("    networks_sweep(&lookups->networks, now);", ""),
    ),
    *of(
        "source/key_cache.c",
        (
            "        if (is_over(item, now))\n            discard",
            "        if (false)\n            discard",
        ),
        (
            "        if (is_over(item, now))\n            discard",
            "        if (now >= item->until)\n            discard",
        ),
        ("return now >= item->until || ", "return "),
        ("    keep(&cache->nos, &item);", "    keep(&cache->keys, &item);"),
        ("    forget(&cache->nos, wanted, compare);", ""),
        ("    forget(&cache->keys, wanted, compare);", ""),
        ("forget(&cache->keys, &wanted, compare_owners)", "forget(&cache->keys, &wanted, compare)"),
        ("    if (table->count == table->max)\n", "    if (false)\n"),
        ("TAILQ_LAST(&table->items, items)", "TAILQ_FIRST(&table->items)"),
        (
            "    TAILQ_REMOVE(&table->items, item, place);\n    TAILQ_INSERT_HEAD(&table->items, item, place);\n    return item;",
            "    return item;",
        ),
    ),
    *of(
        "source/key_answer.c",
        ("return one->system != other->system ?", "return false ?"),
        ("    return owners != 0\n", "    return true\n"),
        by="test_key_cache",
    ),
]

ROOM = Room(
    folder="e2e",
    target="akma key_answer key_cache lookups",
    tests=["test_key_answers", "test_key_cache", "test_lookups"],
    faults=FAULTS,
)
