"""Faults of the store in a Redis, the relay, and the UE that listens.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

FAULTS = [
    *of(
        "store/sealed_record.c",
        ("#define VERSION       1", "#define VERSION       2"),
        ("{identity, strlen(identity)};", "{identity, 0};"),
        ("{run_id, strlen(run_id)};", "{run_id, 0};"),
        ("bound->parts[0] = head;", "bound->parts[0] = (struct seal_part){head.octets, 5};"),
        ('#define INFO          "akma e2e store record"', '#define INFO          "akma"'),
        ("RAND_bytes(salt, sizeof(salt)) <= 0", "memset(salt, 0, sizeof(salt)) == NULL"),
        ("return !reader->cut && reader->left == SEALED_LENGTH;", "return !reader->cut;"),
        ("if (length > reader->left)", "if (length > reader->left + 1)"),
        ("else if (head.version != VERSION)", "else if (head.version < VERSION)"),
        ("else if (now > head.until)", "else if (now > head.until + 5)"),
        (
            "const struct seal_key *key = &keys->keys[0];",
            "const struct seal_key *key = &keys->keys[keys->count - 1];",
        ),
        (
            "place = put_text(place, record->subject);\n    place = put_text(place, record->naf);",
            "place = put_text(place, record->naf);\n    place = put_text(place, record->subject);",
        ),
        by="test_records",
    ),
    *of(
        "../common/seal.c",
        ("EVP_aes_256_gcm()", "EVP_aes_256_ctr()"),
        (
            "EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_LENGTH, tag) > 0 &&\n"
            "           EVP_CipherFinal_ex(ctx, out + written, &last) > 0",
            "EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_LENGTH, tag) > 0",
        ),
        by="test_records",
    ),
    *of(
        "../common/seal_keys.c",
        ("value <= UINT32_MAX", "true"),
        ("if (seal_keys_find(keys, key.number) != NULL)", "if (0)"),
        ("if (keys->count == SEAL_KEYS_MAX)", "if (0)"),
        ("text[i] < '0' || text[i] > '9'", "text[i] > '9'"),
        ("wrong != NULL || keys->count > 0 ? wrong", "true ? wrong"),
        by="test_records",
    ),
    *of(
        "store/store_script.c",
        ("'PX', lifetime, 'NX')", "'PX', lifetime)"),
        ("'PX', lifetime, 'NX')", "'NX')"),
        ("redis.call('ZREMRANGEBYSCORE', set, '-inf', now)", "local _ = now"),
        ("redis.call('PEXPIRE', set, lifetime) end", "local _ = 0 end"),
        by="a_lifetime_ends or promised_once or too_old_counts",
    ),
    *of(
        "store/store_script.c",
        ("if excess >= 0 then", "if excess > 0 then"),
        ("redis.call('ZRANGE', set, 0, excess)", "redis.call('ZRANGE', set, -1, -1)"),
        by="bounds_of_devices_and_nafs",
    ),
    *of(
        "store/store_script.c",
        ("agrees(ARGV[1], device) and", "true and"),
        ("agrees(ARGV[2], ka_id) and", "true and"),
        ("agrees(ARGV[3], subject)) then", "true) then"),
        ("if agrees(ARGV[4], naf) then", "if true then"),
        by="scopes_of_revocation",
    ),
    *of(
        "store/store_script.c",
        ('add_text(&text, "=");', 'add_text(&text, "");'),
        by="scopes_of_revocation",
    ),
    *of(
        "store/store_redis.c",
        ('word(operation == GET ? "GET" : "GETDEL")', 'word("GET")'),
        ('word(operation == GET ? "GET" : "GETDEL")', 'word("GETDEL")'),
        by="two_of_each",
    ),
    *of(
        "store/store_redis.c",
        ("        forget(request->client, &answer->record);\n", "        (void)forget;\n"),
        ("STORE_MAX_OF_DEVICE", "STORE_MAX_OF_DEVICE + 1"),
        ('"%d", STORE_MAX);', '"%d", STORE_MAX - 1);'),
        by="bounds_of_devices_and_nafs",
    ),
    *of(
        "store/store_redis.c",
        ("if (reply->kind == REDIS_ERROR)", "if (0)"),
        by="memory_is_full",
    ),
    *of(
        "store/store_redis.c",
        ("store->setup.user = store->options->user;", "store->setup.user = NULL;"),
        (
            "ctx = tls_client_ctx(options->ca);",
            "ctx = tls_client_ctx(NULL);",
        ),
        by="two_of_each",
    ),
    *of(
        "store/store_redis.c",
        (
            "    current_put(&store->keys, files->keys);\n    if (files->tls",
            "    if (store->keys.newest == NULL)\n        current_put(&store->keys, files->keys);\n    if (files->tls",
        ),
        by="keys_of_the_store_change",
    ),
    *of(
        "net/tls_client.c",
        ("SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);", ""),
        by="certificate_of_nobody_known",
    ),
    *of(
        "store/redis.c",
        (
            "redis->state = REDIS_WAITING;\n    loop_add_timer(redis->timer, redis->backoff);",
            "redis->state = REDIS_WAITING;",
        ),
        by="redis_down_and_empty or redis_started_from",
    ),
    *of(
        "store/redis.c",
        ("redis->run_id[0] = '\\0';", ""),
        by="while_connecting_again",
    ),
    *of(
        "store/redis.c",
        ("if (reply != NULL && reply->kind != REDIS_STATUS)", "if (0)"),
        ('{password, strcspn(password, "\\r\\n")}', "{password, strlen(password)}"),
        by="password_that_changes",
    ),
    *of(
        "store/redis.c",
        ("redis_fail_all(&redis->sent, redis->reason);", ""),
        ("redis_fail_all(&redis->queued, redis->reason);", ""),
        ('give_up(redis, "the server does not answer");', ""),
        by="cut_at_the_taking or part_that_hangs or redis_that_says_nothing",
    ),
    *of(
        "store/redis.c",
        ("return redis->fault[0] == '\\0';", "return true;"),
        by="password_that_changes",
    ),
    *of(
        "ue/client.c",
        ("    if (is_gone(client, IO_WANT_READ)) {", "    if (false) {"),
        by="kept_first",
    ),
    *of(
        "app/relay.c",
        ("    OPENSSL_cleanse(scratch, length);", "    (void)length;"),
        by="said_stays",
    ),
    *of(
        "app/relay.c",
        ("direction->source_ended = reading == RELAY_EOF;", "direction->source_ended = false;"),
        (
            "relay->up.status == RELAY_EOF && relay->down.status == RELAY_EOF",
            "relay->up.status == RELAY_EOF || relay->down.status == RELAY_EOF",
        ),
        by="end_of_one_direction",
    ),
    *of(
        "app/relay.c",
        ("waits_for_ue(relay) ? down : last", "last"),
        ("relay->up.held == NULL ? last : up", "last"),
        (
            "if (*sent > before)\n        direction->moved = clock_ms();",
            "(void)before;",
        ),
        by="sends_without_end or a_little_at_a_time",
    ),
    *of(
        "app/relay.c",
        (
            "hold_back(direction, scratch + sent, length - sent)",
            "hold_back(direction, scratch, length - sent)",
        ),
        (
            "        event_active(&relay->on_plain, EV_TIMEOUT, 0);\n" "    return true;\n",
            "    return true;\n",
        ),
        by="gibibyte_each_way",
    ),
    *of(
        "app/relay.c",
        (
            "        free_held(direction);\n    return status;\n",
            "        free_held(direction);\n    relay->up.ssl_wanted = EV_READ;\n"
            "    return RELAY_BLOCKED;\n",
        ),
        by="libssl_has_read_ahead",
    ),
    *of(
        "app/relay.c",
        ("(void)setsockopt(relay->plain, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));", ""),
        ("SSL_set_quiet_shutdown(relay->ssl, 1);", ""),
        by="connection_that_breaks",
    ),
    *of(
        "app/relay.c",
        ("if (shutdown(relay->plain, SHUT_WR) == 0)", "if (relay->plain >= 0)"),
        ("is_said ? 1 : SSL_shutdown(relay->ssl);", "1;"),
        by="end_of_one_direction",
    ),
    *of(
        "app/relay.c",
        ("direction->plain_wanted = EV_WRITE;", "direction->plain_wanted = 0;"),
        (
            "    if (flushed == 0)\n        direction->ssl_wanted = EV_WRITE;",
            "    if (flushed == 0)\n        direction->ssl_wanted = EV_READ;",
        ),
        by="slow_side",
    ),
    *of(
        "app/relay.c",
        (
            "case SSL_ERROR_ZERO_RETURN:\n        return RELAY_EOF;\n    default:\n        ERR_clear_error();\n"
            '        return relay_broken(relay, "the UE\'s connection broke");',
            "default:\n        return RELAY_EOF;",
        ),
        by="connection_that_breaks",
    ),
    *of(
        "app/forward.c",
        ("    if (forward->fd < 0) {\n        fail_to", "    if (false) {\n        fail_to"),
        (
            "SSL_set_quiet_shutdown(forward->conn->ssl, 1);\n"
            "    forward_finish(forward, reason);",
            "forward_finish(forward, reason);",
        ),
        by="application_that_is_down",
    ),
    *of(
        "app/forward.c",
        ("if (!forward->app->proxy_protocol)\n        return 0;", ""),
        by="many_at_once",
    ),
    *of(
        "app/forward.c",
        ("forward->conn->device, datagrams", "forward->conn->identity, datagrams"),
        by="test_the_header",
    ),
    *of(
        "messages/proxy_header.c",
        ("#define SUBTYPE_CN         0x22", "#define SUBTYPE_CN         0x23"),
        (
            "static const unsigned char client[] = {CLIENT_SSL, 0, 0, 0, 1};",
            "static const unsigned char client[] = {CLIENT_SSL, 0, 0, 0, 0};",
        ),
        (
            "put_length(ssl + 1, (size_t)(place - ssl) - 3);",
            "put_length(ssl + 1, (size_t)(place - ssl));",
        ),
        (
            "return put_octets(octets, to.port, PORT);",
            "return put_octets(octets, from.port, PORT);",
        ),
        ("if (IN6_IS_ADDR_V4MAPPED(&ip6->sin6_addr))", "if (0)"),
        ("octets + IP6 - IP4", "octets"),
        by="test_the_header",
    ),
    *of(
        "ue/local_listener.c",
        ("if (!is_loopback(each->ai_addr))", "if (false)"),
        ("errno == ECONNREFUSED)", "errno != 0)"),
        ("umask(S_IXUSR | S_IRWXG | S_IRWXO)", "umask(0)"),
        ("lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode)", "lstat(path, &status) != 0"),
        by="where_a_ue_may_listen or the_clients_of_redis",
    ),
    *of(
        "ue/local_listener.c",
        (" && is_still_there(listener)", ""),
        ("(void)unlink(listener->path);", ""),
        by="path_is_removed",
    ),
    # That a connection which is no e2e one is not relayed either makes no difference today: a UE
    # that listens has a Ka and no --allow-plain, so that its flow ends in e2e or not at all.
    *of(
        "ue/ue_listen.c",
        ("(void)setsockopt(local->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));", ""),
        by="flow_that_fails",
    ),
    *of(
        "ue/ue_keys.c",
        ("current_replace(&keys->current, version)", "(free_version(version), true)"),
        ("if (options->needs_ka &&", "if (false &&"),
        by="without_a_pause or change_during_a_flow",
    ),
    *of(
        "ue/ue_listen.c",
        ("(void)sigaddset(&signals, SIGHUP);", ""),
        by="without_a_pause or change_during_a_flow",
    ),
    *of(
        "third_party/key_revocation.c",
        (
            "    close_matching_run(revoking->server, revoking->matching);",
            "    close_matching_discard(revoking->matching);",
        ),
        by="taken_while_its_revocation_fails",
    ),
    *of(
        "as/revocation_queue.c",
        (
            "    if (batch == NULL || server_close_matching_any(queue->setup.server, batch->scopes, batch->count,",
            "    if (batch == NULL || server_close_matching_any(queue->setup.server, batch->scopes, 0,",
        ),
        (
            "    if (!revocation->is_done && clock_ms() < first->until) {",
            "    if (!revocation->is_done) {",
        ),
        by="while_the_store_is_away or too_old_before_the_store",
    ),
    *of(
        "store/revoked.c",
        ("    watch->revoked(watch->argument, &scope);", "    (void)scope;"),
        ("    watch->revoked(watch->argument, &everything);", "    (void)everything;"),
        ("    if (wrong != NULL) {\n", "    if (false) {\n"),
        (
            "        watch->last = watch->wanted;\n    else if",
            "        watch->last = 0;\n    else if",
        ),
        ("strcmp(watch->run_id, run_id) != 0 || watch->wanted < watch->last", "false"),
        by="test_revoked",
    ),
    *of(
        "as/app_server_options.c",
        ("require(!is_shared || o->third_party == NULL,", "require(true,"),
        ("require(!is_shared || o->store_key != NULL,", "require(true,"),
        ("require(o->forward == NULL || roles->endpoint,", "require(true,"),
        ("require(o->forward != NULL || o->proxy_protocol == NULL,", "require(true,"),
        by="test_store_options",
    ),
    *of(
        "store/redis_io.c",
        ("        if (io->ssl != NULL && !tls_backlog_add(io->ssl)) {", "        if (false) {"),
        by="new_keys_while_lines",
    ),
    *of(
        "net/tls_lines.c",
        ("        flushed = tls_backlog_flush(lines->ssl);\n", ""),
        by="new_keys_while_lines",
    ),
]

ROOM = Room(
    folder="e2e",
    target="akma e2e-as e2e-ue record relay store key_updates preload_getaddrinfo preload_time",
    tests=[
        "test_records",
        "test_store_options",
        "test_relay",
        "test_store",
        "test_revoked",
    ],
    faults=FAULTS,
)
