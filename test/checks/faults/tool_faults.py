"""Faults of the akma tool.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

DERIVE, PSK, KA, DOCTOR = "test_tool.py", "test_tool_psk", "test_tool_ka", "test_tool_doctor"
MEMORY = "test_nothing_remains"

FAULTS = [
    *of(
        "derive.c",
        ("if (source != NULL)", "if (false)"),
        ("if (!request->inputs[i].taken)", "if (false)"),
        ("*end == '\\0' && errno == 0", "*end == '\\0'"),
        ("if (request->format == OUTPUT_FORMATS)", "if (false)"),
        ("hex_decode(octets->octets, hex, digits)) ||", "true) ||"),
        ("if (fault[0] != '\\0')", "if (false)"),
        ("if (!secret_source_is_one(source))", "if (false)"),
        ("request == NULL || request->unreadable", "request == NULL"),
        by=DERIVE,
    ),
    *of("ka_add.c", ('!is_source("--ks-naf", option.ks_naf)', "false"), by=DERIVE),
    *of(
        "chain.c",
        ("{AKMA_KDF_K_AF, AKMA_PARAM_KEY},", "{AKMA_KDF_K_AKMA, AKMA_PARAM_KEY},"),
        ("bool done = last < CHAIN_STEPS;", "bool done = true;"),
        ("done && i <= last;", "done && i < CHAIN_STEPS;"),
        ("i == last ? length : AKMA_KEY_LENGTH", "AKMA_KEY_LENGTH"),
        ("inputs[0].octets = keys[i % 2];", ""),
        by=DERIVE,
    ),
    *of("chain.c", ("OPENSSL_cleanse(keys, sizeof(keys));", ""), by=MEMORY),
    *of(
        "derivation.c",
        ("inputs[i].taken = true;", ""),
        (
            "EVP_KDF_fetch(NULL, algorithm, AKMA_PROPERTY_QUERY)",
            "EVP_KDF_fetch(NULL, algorithm, NULL)",
        ),
        by=DERIVE,
    ),
    *of(
        "output.c",
        ("    text[used] = '\\n';\n", ""),
        ("enum output_format format = OUTPUT_HEX;", "enum output_format format = OUTPUT_RAW;"),
        by=DERIVE,
    ),
    *of("output.c", ("OPENSSL_clear_free(text, size);", "OPENSSL_free(text);"), by=MEMORY),
    *of(
        "identity.c",
        ("if (is_gba == is_akma)", "if (!is_gba && !is_akma)"),
        ("rid < 1 || rid > 4 ||", "rid < 1 ||"),
        ("|| option.rid[rid] != '\\0')", ")"),
        ("strlen(domain) <= NAME_MAX_LENGTH &&", ""),
        ("*text > ' ' && *text <= '~' &&", "*text > ' ' &&"),
        ("if (!is_plain(separator))", "if (false)"),
        ("strlen(identity) > IDENTITY_SIZE)", "strlen(identity) > IDENTITY_SIZE + 1)"),
        ('"3GPP-AKMA", "", identity', '"3GPP-AKMA", ".", identity'),
        ('option.uicc == NULL ? "3GPP-bootstrapping"', 'true ? "3GPP-bootstrapping"'),
        by=DERIVE,
    ),
    *of(
        "guarded_file.c",
        ("(void)signal(SIGXFSZ, SIG_IGN);", ""),
        ("(void)signal(SIGPIPE, SIG_IGN);", ""),
        ("if (done && !private_file_write(file.fd, octets, length)) {", "if (false) {"),
        by=DERIVE,
    ),
    *of(
        "guarded_file.c",
        ("if (pending != NULL)\n        (void)unlink(pending);", ""),
        ("before.sa_handler != SIG_IGN", "false"),
        by=PSK,
    ),
    *of(
        "guarded_file.c",
        ("(status == NULL || private_file_keep(&file, status, fault)) &&", ""),
        by=KA,
    ),
    *of(
        "psk.c",
        ("digits / 2 <= sizeof(room->octets) && ", ""),
        ("if (option.usage != NULL)", "if (false)"),
        ("if (option.refresh != NULL)", "if (false)"),
        ("if (set_context(setup))", "(void)set_context(setup);\n    if (true)"),
        by=PSK,
    ),
    *of(
        "psk_format.c",
        ("if (format->comments && length > 0 && identity[0] == '#')", "if (false)"),
        ("if (memchr(identity, *c, length) != NULL)", "if (false)"),
        ("if (text[i] == '\\\\')", "if (false)"),
        by=PSK,
    ),
    *of(
        "psk_job.c",
        ("field->length > 0 ? field : &setup->defaults[column]", "field"),
        ("&& stop)", "&& !stop)"),
        ("complaint->line = job->lines;", "complaint->line = 1;"),
        (".line = job->lines,\n", ".line = 1,\n"),
        by=PSK,
    ),
    *of(
        "psk_job.c",
        ("OPENSSL_clear_free(job->block, BLOCK_SIZE);", "OPENSSL_free(job->block);"),
        (
            "OPENSSL_clear_free(job->output, job->output_size);",
            "OPENSSL_free(job->output);",
        ),
        by=MEMORY,
    ),
    *of(
        "psk_run.c",
        ("    if (!run->keep_going)\n        run->failed = true;", ""),
        ("run->lines += job->lines;", ""),
        ("    run->lines = 1;\n", ""),
        ("return done && run.bad == 0;", "return done;"),
        ("            written = mark->end;\n", ""),
        ("if (result == BLOCK_END)\n        return true;", "return true;"),
        ("!private_file_is_private(&status))", "false)"),
        (" || !write_out(run, format->end, strlen(format->end))", ""),
        ("if (!refuse_until(run, job, &next, mark->line))", "if (false)"),
        by=PSK,
    ),
    *of(
        "pipeline.c",
        ("< pipeline->jobs;", "<= pipeline->jobs;"),
        ("pipeline->done[pipeline->filled++ % pipeline->jobs] = false;", "pipeline->filled++;"),
        by=PSK,
    ),
    *of("progress.c", (".shown = isatty(STDERR_FILENO) == 1", ".shown = true"), by=PSK),
    *of(
        "seen.c",
        ("if (*slot == hash)", "if (false)"),
        ("seen->table.capacity - seen->table.capacity / 8", "seen->table.capacity / 4"),
        by=PSK,
    ),
    *of(
        "devices_edit.c",
        ("if (is_at_path(edit->path, &edit->status))", "if (true)"),
        ("flock(edit->fd, LOCK_EX | LOCK_NB) == 0", "true"),
        ("!S_ISREG(status->st_mode)) {", "false) {"),
        (
            "    if (devices == NULL) {\n        (void)snprintf(fault",
            "    if (false) {\n        (void)snprintf(fault",
        ),
        by=KA,
    ),
    *of(
        "ka_new.c",
        (
            "if (strcmp(devices->rows[i - 1].identity, devices->rows[i].identity) == 0)",
            "if (false)",
        ),
        ("if (devices->count != count)", "if (false)"),
        ("list->octets[list->length - 1] == '\\n');", "true);"),
        ("if (memchr(identity, '\\0', length) != NULL || memchr", "if (memchr"),
        by=KA,
    ),
    *of(
        "ka_add.c",
        ("device->ks_naf == NULL && known != NULL", "false"),
        (
            "if (named && !has_ka_id)\n            secret_text_puts",
            "if (false)\n            secret_text_puts",
        ),
        ("qsort(added->rows", "if (false)\n        qsort(added->rows"),
        ("if (done && (*added)->count != 1)", "if (false)"),
        ("secret->length >= min ||", "true ||"),
        by=KA,
    ),
    *of(
        "ka_remove.c",
        ("(option.ka_id != NULL && strcmp(device->ka_id, option.ka_id) != 0)", "false"),
        ("if (!goes[number])", "if (goes[number])"),
        ("if (count == 0) {", "if (false) {"),
        by=KA,
    ),
    *of(
        "secret_text.c",
        ("OPENSSL_clear_free(text->octets, text->size);", "OPENSSL_free(text->octets);"),
        by=MEMORY,
    ),
    *of(
        "doctor.c",
        ("(void)OSSL_PROVIDER_set_default_search_path(doctor->libctx, option.path);", ";"),
        ("if (argv[i][0] != '-' || !isalpha((unsigned char)argv[i][1]))", "if (true)"),
        ("if (doctor->count > 0)", "if (true)"),
        by=DOCTOR,
    ),
    *of(
        "doctor_config.c",
        ("if (!is_known(value->name))", "if (false)"),
        ("else if (is_section(doctor, value->value))", "else if (false)"),
        ("else if (!is_yes(activate))", "else if (false)"),
        ("return dot == NULL ? name : dot + 1;", "return name;"),
        ("if (distance(key, known_keys[i]) < distance(key, nearest))", "if (false)"),
        ("if (activate == NULL)", "if (false)"),
        by=DOCTOR,
    ),
    *of(
        "doctor_modules.c",
        ("if (module != NULL && module[0] == '/')", "if (false)"),
        ('else if (dlsym(module, "OSSL_provider_init") == NULL)', "else if (false)"),
        ("if (stat(path, &status) != 0) {", "if (false) {"),
        by=DOCTOR,
    ),
    *of("doctor_instances.c", ("if (status != 1)", "if (false)"), by=DOCTOR),
    *of(
        "doctor_derivation.c",
        ("else if (active > 1 &&", "else if (active > 2 &&"),
        ("if (right && mac(ctx, NULL, 0))", "if (right)"),
        ('strstr(why, "policy: ") != NULL', "true"),
        ("is_found_but_for_fips(doctor)\n", "false\n"),
        ("if (fault != NULL)", "if (false)"),
        by=DOCTOR,
    ),
    *of(
        "report.c",
        ("report->failed += !ok;", ""),
        ("if (*text == '\\\\')", "if (false)"),
        by=DOCTOR,
    ),
]

TESTS = ["test_tool", "test_tool_psk", "test_tool_ka", "test_tool_doctor", "test_tool_memory"]
ROOM = Room("tool", "akma akma-tool remains", TESTS, FAULTS)
