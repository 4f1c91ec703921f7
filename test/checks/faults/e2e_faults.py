"""What is broken in the flow's programs, e2e-as and e2e-ue.

Each group names the tests that have to notice, as the whole suite of the flow takes minutes.

SPDX-License-Identifier: Apache-2.0
"""

from room import Fault, Room, of

FAULTS: list[Fault] = [
    # Who is let in
    *of(
        "session/ue.c",
        (
            "return kind != &ue_kind_naf && service->endpoint.store",
            "return service->endpoint.store",
        ),
        (
            "return kind != &ue_kind_e2e && service->naf.third_party",
            "return service->naf.third_party",
        ),
        by="operator_in_the_middle or first_identity_is_no_key or flag_identity_is_no_key",
    ),
    *of(
        "session/ue.c",
        (
            "conn_limit_acquire(ue_service(ue)->devices, name, strlen(name));",
            "conn_limit_acquire(ue_service(ue)->devices, name, strlen(name)) || true;",
        ),
        (
            "    if (ue->is_counted)\n        conn_limit_release",
            "    if (false)\n        conn_limit_release",
        ),
        by="connections_per_device",
    ),
    *of(
        "session/app_session.c",
        (
            "    return session->conn.active + (int64_t)limits_of(session)->idle * 1000;",
            "    return session->conn.active + (int64_t)limits_of(session)->idle * 100000;",
        ),
        by="line_timeout_of_the_echo",
    ),
    *of(
        "session/app_session.c",
        ("seconds != 0 && end < idle_until(session)", "seconds == 0 && end < idle_until(session)"),
        by="session_lifetime",
    ),
    *of(
        "session/ue.c",
        (
            "    if (claim->role == UE_E2E)\n        return agrees",
            "    if (false)\n        return agrees",
        ),
        (
            "agrees(scope->device, claim->device) && agrees(scope->ka_id, claim->ka_id) &&",
            "agrees(scope->device, claim->device) &&",
        ),
        ("claim->role == UE_FIRST && scope->ka_id == NULL &&", "claim->role == UE_FIRST &&"),
        by="reload_takes_a_row_away or reload_during_a_change_of_ka",
    ),
    # The ClientHello
    *of(
        "session/psk_offers.h",
        ("#define PSK_OFFERS_MAX 4", "#define PSK_OFFERS_MAX 5"),
        ("#define PSK_OFFERS_MAX 4", "#define PSK_OFFERS_MAX 3"),
        by="identities_of_a_client_hello",
    ),
    *of(
        "session/psk_lookup.c",
        (
            "    if (ue->lookup == NULL)\n        return count == 0 ?",
            "    if (true)\n        return count == 0 ?",
        ),
        by="hello_retry_request_looks_up_once",
    ),
    *of(
        "session/psk_lookup.c",
        (
            "    return is_offered_still(ue->lookup, offered, count) ? SSL_CLIENT_HELLO_SUCCESS\n",
            "    return is_offered_still(ue->lookup, offered, count) || true ? SSL_CLIENT_HELLO_SUCCESS\n",
        ),
        by="another_identity_after_a_hello_retry_request",
    ),
    *of(
        "session/psk_lookup.c",
        (
            "!hash(given, length, digest) ||\n        memcmp(digest, ue->lookup->chosen, sizeof(digest)) != 0)",
            "!hash(given, length, digest))",
        ),
        (
            "           lookup->next < lookup->count)\n        ask(lookup);",
            "           lookup->next < 1 && lookup->next < lookup->count)\n        ask(lookup);",
        ),
        by="second_identity",
    ),
    *of(
        "session/psk_lookup.c",
        # a decoy that is not made ends the handshake with the same alert
        (
            "identity->octets, identity->length, lookup->claim.key,",
            "identity->octets, identity->length, (unsigned char[UE_KEY_LENGTH]){0},",
        ),
        by="unknown_identities_look_like_wrong_keys",
    ),
    # The flow
    *of(
        "session/ue_e2e.c",
        ("    } else if (!same) {", "    } else if (false) {"),
        ("store->ops->consume(store,", "store->ops->get(store,"),
        by="refresh_is_good_once or refresh_used_during",
    ),
    *of(
        "session/ue_first.c",
        (
            "    if (third_party_refuses(given->result, &metric))\n        ue_refuse",
            "    if (third_party_refuses(given->result, &metric) && false)\n        ue_refuse",
        ),
        by="failures_are_never_a_withheld_flag or nobody_there",
    ),
    *of(
        "session/ue_first.c",
        ("else if (ue_service(ue)->naf.when == WHEN_REQUIRED)", "else if (false)"),
        ("    if (naf->when == WHEN_OFF) {", "    if (false) {"),
        by="test_without_ka or test_e2e_off or test_off_asks_nobody",
    ),
    *of(
        "session/ue_first.c",
        (
            "    connection_set_deadline(connection, ue_server(ue)->limits.line);",
            "    connection->deadline = 0;",
        ),
        by="line_timeout_of_the_nonce",
    ),
    # A first connection that carries several flags
    *of(
        "session/ue_first.c",
        ("    ue->goes_on = ue->goes_on && flag->e2e;", "    ue->goes_on = true;"),
        ("    if (is_first)\n        ask_for_flag", "    if (true)\n        ask_for_flag"),
        ("    return ue_resume(ue);", "    return true;"),
        ("    if (limits->session != 0 && session", "    if (false && session"),
        (
            '    if (ue->state == UE_HELD)\n        connection_close(&ue->connection, "no other',
            '    if (false)\n        connection_close(&ue->connection, "no other',
        ),
        by="test_flow_held",
    ),
    *of(
        "session/ua_alpn.c",
        ("    if (other == NULL)", "    if (true)"),
        ("->role == UE_FIRST;", "->role != UE_NOBODY;"),
        by="test_flow_held",
    ),
    *of(
        "session/ue.c",
        (
            "    conn_limit_release(service->devices, name, strlen(name));\n    ue->is_counted = false;",
            "",
        ),
        ("    if (((struct ue *)connection)->state == UE_HELD)", "    if (false)"),
        ("!conn_limit_acquire(service->held, name, strlen(name))", "false"),
        by="test_flow_held",
    ),
    *of(
        "server/connection.c",
        ("        oldest = TAILQ_FIRST(&worker->idle);", "        oldest = NULL;"),
        by="held_ones_make_room",
    ),
    *of(
        "ue/client.c",
        ("    client->is_reused = true;", "    client->is_reused = false;"),
        ("    client->is_reused = false;", "    client->is_reused = true;"),
        by="while_a_nonce_is_on_its_way or tried_again_once",
    ),
    *of(
        "ue/first_pool.c",
        ("current == setup ?", "true ?"),
        ("        if (is_current)", "        if (true)"),
        by="reload_of_the_ue",
    ),
    *of(
        "third_party/key_issuer.c",
        ("    memcpy(flag->refresh, nonce, NONCE_LENGTH);", "    (void)nonce;"),
        (
            "    return RAND_bytes(flag->refresh + NONCE_LENGTH, NONCE_LENGTH) > 0;",
            "    return memset(flag->refresh + NONCE_LENGTH, 0, NONCE_LENGTH) != NULL;",
        ),
        by="test_e2e or test_answer",
    ),
    *of(
        "third_party/key_revocation.c",
        (
            "    revoking->store_request =\n        store->ops->revoke(store, loop, scope, on_revoked, revoking, &revoked);",
            "    (void)store, (void)loop, (void)on_revoked, store_answer_set(&revoked, STORE_OK, NULL);",
        ),
        by="reload_takes_a_row_away or reload_during_a_change_of_ka or test_revocation",
    ),
    *of(
        "third_party/key_issuer.c",
        ("{.subject = identity, .naf = naf}", "{.subject = identity}"),
        by="test_revocation",
    ),
    *of("session/ue.c", (" && agrees(scope->naf, claim->naf);", ";"), by="test_revocation"),
    *of(
        "as/revocation_queue.c",
        ("{.device = removal->device, .ka_id = removal->ka_id}", "{.device = removal->device}"),
        ("{.subject = removal->identity}", "{.device = removal->device}"),
        by="reload_during_a_change_of_ka or old_identity_is_removed",
    ),
    *of(
        "as/revocation_queue.c",
        ("    loop_add_event(queue->retry, &pause);", "    (void)pause;"),
        ("    if (!first->has_failed)\n", ""),
        by="refuses_a_revocation",
    ),
    # The store
    *of(
        "store/store_memory.c",
        ("forget(own == NULL ? oldest : own);", "forget(TAILQ_FIRST(&naf->entries));"),
        ("    if (count >= STORE_MAX_OF_DEVICE)\n", "    if (false)\n"),
        ("            if (own == NULL && strcmp", "            if (strcmp"),
        by="one_device_cannot_crowd_out",
    ),
    *of(
        "store/store_memory.c",
        ("if (strcmp(naf->name, name) == 0)", "if (naf->name[0] != '\\1' || name[0] != '\\1')"),
        by="bounds_are_per_naf",
    ),
    *of(
        "third_party/key_issuer.c",
        ("not_after + 1 - now.tv_sec", "not_after - now.tv_sec"),
        ("not_after == 0 || not_after - now.tv_sec >= own", "now.tv_sec != 0"),
        ("not_after == 0 || not_after - now.tv_sec >= own", "not_after - now.tv_sec >= own"),
        by="very_second or not_after_shortens or test_answer",
    ),
    *of(
        "store/store_memory.c",
        ("        in_time = !is_over(entry, clock_ms());", "        in_time = true;"),
        by="test_refresh_lifetime",
    ),
    *of(
        "store/store_memory.c",
        ("        if (consumed || !in_time)\n", "        if (!in_time)\n"),
        by="refresh_is_good_once or refresh_used_at_the_same_time",
    ),
    *of(
        "store/store_memory.c",
        (
            "    entry->naf->count--;\n    OPENSSL_clear_free(entry, sizeof(*entry));",
            "    entry->naf->count--;\n    OPENSSL_free(entry);",
        ),
        by="keys_that_a_store_forgets",
    ),
    *of(
        "store/store_memory.c",
        (
            "            next = LIST_NEXT(entry, of_device);\n            if (is_meant(scope, &entry->record))\n",
            "            next = LIST_NEXT(entry, of_device);\n            if (false)\n",
        ),
        ("agrees(scope->subject, record->subject) &&", "true &&"),
        ("agrees(scope->device, record->device) &&", "true &&"),
        ("agrees(scope->ka_id, record->ka_id) &&", "true &&"),
        by="reload_takes_a_row_away or reload_during_a_change_of_ka or test_revocation",
    ),
    # The lines
    *of(
        "ue/ue_flag.c",
        (
            "memcmp(flag->refresh, nonce, NONCE_LENGTH) != 0)",
            "memcmp(flag->refresh, nonce, 8) != 0)",
        ),
        ("flag->refresh_length < (size_t)2 * NONCE_LENGTH ||", "flag->refresh_length < 1 ||"),
        (
            "    if (!e2e_is_ours(e2e, flag->mode, flag->digest, flag->usage))",
            "    if (e2e == NULL)",
        ),
        by="altered_flag",
    ),
    *of(
        "ue/ue_flag.c",
        ("    if (!flag.e2e && !setup->allow_plain)", "    if (false)"),
        (
            "    if (!e2e_flag_decode(&flag, line, length, fault))",
            "    if (e2e_flag_decode(&flag, line, length, fault) && false)",
        ),
        by="withheld_flag or test_no_flag",
    ),
    *of(
        "ue/ue_flag.c",
        ("    if (setup->oldest == NULL ||\n", "    if (true ||\n"),
        ("devices_first_of_ka(setup->devices, meant)->row >=", "meant->row >="),
        by="oldest_ka_id or flag_names_the_ka",
    ),
    *of(
        "messages/e2e_flag.c",
        ("    if (e2e != 1)\n", "    if (e2e < 1)\n"),
        ('JSON_STRICT, "{s:s,s?s,s?s}"', '0, "{s:s,s?s,s?s}"'),
        ('JSON_STRICT, "{s:I,s:s', '0, "{s:I,s:s'),
        ("    if (identity[0] == '\\0')", "    if (false)"),
        by="altered_flag or no_flag or lines_that_are_no_nonce or flag_with_another_identity",
    ),
    *of(
        "messages/json_line.c",
        (
            "json_loadb(line, length, JSON_REJECT_DUPLICATES, &error)",
            "json_loadb(line, length, 0, &error)",
        ),
        ("    return strlen(hex) == 2 * length &&", "    return strlen(hex) >= 2 * length &&"),
        by="lines_that_are_no_nonce or bad_requests",
    ),
    *of(
        "net/tls_lines.c",
        (
            "        if (lines->in_length > max_length(lines))\n",
            "        if (lines->in_length > in_size(lines))\n",
        ),
        by="over_long_line or bad_lines",
    ),
    *of(
        "app/echo.c",
        (
            "            echo->deadline = now + echo->timeout;",
            "            echo->deadline = 0;",
        ),
        (
            "tls_lines_has_begun(&echo->lines) || tls_lines_unwritten(&echo->lines) > 0;",
            "tls_lines_has_begun(&echo->lines);",
        ),
        (
            "        else if (echo->deadline == 0)\n",
            "        else\n",
        ),
        by="line_timeout_of_the_echo or octets_do_not_stretch or who_never_reads",
    ),
    *of(
        "messages/identity.c",
        (
            '{"3GPP-bootstrapping-uicc", IDENTITY_GBA_UICC},',
            '{"3GPP-bootstrapping-uicd", IDENTITY_GBA_UICC},',
        ),
        ("rest += *rest == '.' || *rest == ';';", "rest += *rest == '.';"),
        # an empty identity that goes on is one that no devices file has, and no operator is asked for
        by="test_identities or pinned_separator or wrong_keys",
    ),
    # Between NAF and third party
    *of(
        "third_party/tp_link_server.c",
        ("#define IN_FLIGHT     256", "#define IN_FLIGHT     0"),
        ("    return has_id;", "    return true;"),
        by="names_of_a_naf or bad_requests or bad_lines or test_answer",
    ),
    *of(
        "third_party/tp_link_server.c",
        ("        naf->connection.deadline = 0; /*", "        /*"),
        ("        naf->connection.deadline = clock_ms() + limit;", "        (void)limit;"),
        by="a_line_of_a_naf or every_line_of_a_naf",
    ),
    *of(
        "third_party/tp_link_server.c",
        (
            "!request->is_revocation && !tp_link_tls_names(naf->connection.ssl, request->naf_fqdn)",
            "false",
        ),
        by="names_of_a_naf or bad_requests or bad_lines or test_answer",
    ),
    *of(
        "third_party/tp_link_server.c",
        ("strcmp(setup->fqdn, request->naf_fqdn) == 0 &&", "true &&"),
        (
            "memcmp(setup->naf.ua_protocol_id, request->ua_protocol_id, TP_LINK_UA_LENGTH) == 0",
            "true",
        ),
        by="setups_of_one_link or identifiers_by_turns",
    ),
    *of(
        "as/ua_protocol_ids.c",
        ("texts[system] != NULL)\n            return", "false)\n            return"),
        ("texts[system] != NULL ? texts[system] : texts[KEY_SYSTEMS]", "texts[KEY_SYSTEMS]"),
        by="ua_protocol_ids",
    ),
    *of(
        "session/psk_lookup.c",
        (
            "ids->fixed[identity_system(claim->kind)]",
            "ids->fixed[KEY_AKMA]",
        ),
        by="ua_protocol_ids",
    ),
    *of(
        "third_party/tp_link_tls.c",
        (
            "SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT",
            "SSL_VERIFY_NONE",
        ),
        (" | SSL_VERIFY_FAIL_IF_NO_PEER_CERT", ""),
        ("X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK)", "store != NULL"),
        ("strlen(wanted) == length && memcmp", "memcmp"),
        # a "*" that goes on is refused by the provider: it is no text of a host name
        (
            "SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION)",
            "SSL_CTX_set_min_proto_version(ctx, 0)",
        ),
        by="certificates_of_a_naf or names_of_a_naf or certificates_of_a_third_party",
    ),
    *of(
        "third_party/tp_link_server.c",
        (
            "    else if (!tp_link_tls_verifies_still(",
            "    else if (false && !tp_link_tls_verifies_still(",
        ),
        by="reload_with_a_revoked",
    ),
    *of(
        "third_party/tp_link_client.c",
        ("    if (!tp_link_tls_verifies_still(", "    if (false && !tp_link_tls_verifies_still("),
        by="reload_with_a_revoked",
    ),
    *of(
        "third_party/tp_link_tls.c",
        ("atomic_fetch_add(&numbers, 1) + 1;", "1;"),
        by="reload_with_a_revoked",
    ),
    *of(
        "third_party/tp_link_tls.c",
        ("now + VERIFY_MS}", "now + 1000 * VERIFY_MS}"),
        by="that_ends",
    ),
    *of(
        "third_party/dialer.c",
        ("host, X509_CHECK_FLAG_NO_WILDCARDS)", "host, 0)"),
        by="test_name_of_a_third_party",
    ),
    *of(
        "net/tls_client.c",
        ("flags | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT", "flags"),
        by="test_name_of_a_third_party",
    ),
    *of(
        "third_party/tp_link_client.c",
        ("clock_ms() - client->up >= PAUSE_MAX_MS)", "true)"),
        by="pauses_grow",
    ),
    *of(
        "third_party/tp_link_server.c",
        ("    else if (naf->state == NAF_DRAINING)", "    else if (false)"),
        by="test_drain",
    ),
    *of(
        "third_party/tp_link_server.c",
        ("    if (!naf->is_counted || !tls_backlog_add(connection->ssl)) {", "    if (false) {"),
        by="links_of_one_naf",
    ),
    *of(
        "third_party/tp_link_client.c",
        (
            '        tp_link_pending_return(pending, "the third party did not answer in time");',
            "        tp_link_pending_return(pending, NULL);",
        ),
        by="failures_are_never or nobody_there or out_of_order or that_hangs or that_dies",
    ),
    *of(
        "third_party/tp_link_client.c",
        (
            '    fail_all(client, "the link to the third party is down");',
            "    fail_all(client, NULL);",
        ),
        ("    if (answer.id >= client->next_id)\n", "    if (false)\n"),
        ("    loop_add_timer(client->retry, client->pause);", ""),
        (
            "        if (pending->request.id == id && pending->sent != 0)",
            "        if (pending->sent != 0)",
        ),
        by="failures_are_never or nobody_there or out_of_order or that_hangs or that_dies",
    ),
    *of(
        "third_party/tp_link_client.c",
        (
            "pending->answer.verdict != TP_LINK_ERROR)",
            "true)",
        ),
        by="failures_are_never",
    ),
    *of(
        "messages/tp_link_messages.c",
        ("json_integer_value(value) < 0)", "false)"),
        ('JSON_STRICT, "{s:s,s?s,s?s,s:s', '0, "{s:s,s?s,s?s,s:s'),
        ("if (given[0] == '\\0' || strlen(given)", "if (strlen(given)"),
        by="bad_requests or bad_lines",
    ),
    *of(
        "messages/tp_link_messages.c",
        ('json_unpack(object, "{s:s!}", "revoke"', 'json_unpack(object, "{s:s}", "revoke"'),
        by="test_revocation",
    ),
    # Limits
    *of(
        "server/acceptor.c",
        (
            "if (atomic_fetch_add(&pool->open, 1) < pool->max)",
            "(void)atomic_fetch_add(&pool->open, 1);\n    if (pool != NULL)",
        ),
        (
            "    if (connection_evict(acceptor->worker, number) || evict_elsewhere(server, number)) {",
            "    if (false) {",
        ),
        by="test_connections_max",
    ),
    *of(
        "ue/first_pool.c",
        ("(int64_t)FIRST_POOL_SECONDS * 1000", "(int64_t)FIRST_POOL_SECONDS * 2000"),
        by="closed_in_time",
    ),
    *of(
        "server/acceptor.c",
        ("if (atomic_load(&server->workers[i].open) < atomic_load(&least->open))", "if (false)"),
        by="test_loops_share_connections",
    ),
    *of(
        "server/acceptor.c",
        (
            "    if (conn_limit_acquire(pool->networks, key, length)) {",
            "    if (conn_limit_acquire(pool->networks, key, length) || true) {",
        ),
        by="handshakes_per_source or five_thousand",
    ),
    *of(
        "server/acceptor.c",
        ("    loop_add_event(acceptor->pause, &pause);", "    (void)pause;"),
        (
            "        (void)event_del(acceptor->listening[i]);\n    loop_add_event",
            "        (void)acceptor->listening[i];\n    loop_add_event",
        ),
        by="no_descriptors_left",
    ),
    *of(
        "server/connection.c",
        (
            "    conn_limit_release(pool_of(connection)->networks, key, length);",
            "    (void)key, (void)length;",
        ),
        by="handshakes_per_source",
    ),
    *of(
        "server/connection.c",
        (
            "(int64_t)worker->server->limits.handshake * 1000;",
            "(int64_t)worker->server->limits.handshake * 100000;",
        ),
        by="handshake_timeout",
    ),
    *of(
        "server/connection.c",
        (
            "    tcp_user_timeout(connection->fd, connection->worker->server->limits.line * 1000);",
            "    (void)connection;",
        ),
        by="who_never_reads",
    ),
    *of(
        "server/connection.c",
        (
            "struct connection *oldest = TAILQ_FIRST(&worker->unfinished[pool]);",
            "struct connection *oldest = TAILQ_FIRST(&worker->all);",
        ),
        by="test_connections_max",
    ),
    *of(
        "server/conn_limit.c",
        ("entry != NULL && entry->count < limit->max;", "entry != NULL;"),
        ("entry->count < limit->max;", "entry->count <= limit->max;"),
        by="connections_per_device",
    ),
    # Signals and files
    *of(
        "as/control.c",
        ("{SIGINT, drain_or_close}", "{SIGUSR1, drain_or_close}"),
        ("control->state == CONTROL_DRAINING && clock_ms() >= control->deadline", "false"),
        ("    else if (control->state == CONTROL_DRAINING)\n", "    else if (false)\n"),
        ("    endpoints_close(endpoints, &control->app_server->server);", ""),
        (
            "return atomic_load(&app_server->endpoints.closed) >= (int)app_server->server.loops->count",
            "return true",
        ),
        by="test_drain or second_signal",
    ),
    *of(
        "as/control.c",
        ("    predecessor_say_reload();\n", ""),
        ("    predecessor_say_reopen();\n", ""),
        ("{SIGUSR2, start_successor}", "{SIGUSR2, reopen_logs}"),
        ("    if (!endpoints->are_handed_over)\n", ""),
        by="test_upgrade",
    ),
    *of(
        "ue/client.c",
        ("client->step == STEP_HANDSHAKE_E2E && !client->is_repeated", "false"),
        by="repeats_a_flow",
    ),
    *of(
        "as/control.c",
        (
            "    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);\n    (void)signal(SIGUSR2, SIG_DFL);\n",
            "    (void)set;\n",
        ),
        by="before_the_server_runs",
    ),
    *of(
        "as/control.c",
        ("    } else if (control->state == CONTROL_CLOSING) {", "    } else if (false) {"),
        by="after_the_end",
    ),
    *of(
        "as/reload.c",
        (
            "        drop_files(&files);\n        flush(app_server); /* rows of the first of two files */\n"
            "        return false;",
            "        ;",
        ),
        (
            "    if (taken == NULL || devices_current_use",
            "    if (true || devices_current_use",
        ),
        (
            "        tp_link_tls_use(app_server->link_tls, files.link_ctx);",
            "        SSL_CTX_free(files.link_ctx);",
        ),
        by="test_reload",
    ),
    *of(
        "../common/devices_current.c",
        (
            "compare_kas(change->now_rows[place].row, row) == 0))",
            "true))",
        ),
        (
            "return now != NULL && is_same_ks_naf(now, row) &&",
            "return now != NULL &&",
        ),
        (
            "        order = memcmp(one->ka, other->ka, one->ka_length);",
            "        order = 0;",
        ),
        (
            "        qsort(places, devices->count, sizeof(*places), compare_places);",
            "        (void)compare_places;",
        ),
        ("current_replace(&current->files, fresh);", "(devices_free(fresh), true);"),
        by="test_reload",
    ),
    *of(
        "../common/devices_current.c",
        ("(row->ka == NULL || current->rules.may_have_ka) &&", "true &&"),
        by="files_of_the_roles",
    ),
]

ROOM = Room(
    folder="e2e",
    target="akma akma-tool e2e-as e2e-ue held_connections store preload_accept preload_getaddrinfo"
    " preload_time preload_wakeups",
    tests=[
        *[
            "test_flow",
            "test_flow_held",
            "test_flow_limits",
            "test_flow_link",
            "test_flow_operation",
        ],
        *["test_flow_peers", "test_flow_remanence", "test_identities", "test_upgrade"],
    ],
    faults=FAULTS,
)
