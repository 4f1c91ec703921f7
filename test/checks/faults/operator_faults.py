"""What is broken in how e2e-as asks an operator, and in what it is told of revocations.

SPDX-License-Identifier: Apache-2.0
"""

from room import Fault, Room, of

FAULTS: list[Fault] = [
    *of(
        "server/http2_server.c",
        ("if (length > HTTP_REQUEST_BODY_MAX - stream->request.body_length) {", "if (false) {"),
        ("    if (stream->head_octets > HTTP_REQUEST_HEAD_MAX)\n", "    if (false)\n"),
        ("    if (length >= size || memchr(octets, '\\0', length) != NULL)\n", "    if (false)\n"),
        ("query == NULL ? length : (size_t)(query - value)", "length"),
        (
            "    (void)nghttp2_submit_goaway(",
            "    if (false)\n        (void)nghttp2_submit_goaway(",
        ),
        ("    if (http2->begun++ == 0)\n", "    if (http2->begun++ == 99)\n"),
        ("    if (status == 405)\n", "    if (false)\n"),
        by="http2",
    ),
    *of(
        "source/http.c",
        ("length > HTTP_BODY_MAX - transfer->length", "false"),
        by="that_are_none",
    ),
    *of(
        "source/http.c",
        ("if (length > HTTP_BODY_MAX - transfer->header_octets) {", "if (false) {"),
        by="that_are_none",
    ),
    *of(
        "source/http.c",
        (
            "if (!transfer->route->is_http1 || !transfer->http2)",
            "if (transfer->route != NULL)",
        ),
        ('length != 2 || memcmp(protocol, "h2", 2) != 0', "length == 0"),
        by="http_1",
    ),
    *of(
        "source/http_route.c",
        ("    tcp_user_timeout(fd, UNHEARD_MS);\n", ""),
        by="notices_a_dead_path",
    ),
    *of(
        "source/http_route.c",
        ("(!route->is_http1 || route->requests", "(route->requests"),
        by="is_unused",
    ),
    *of(
        "source/http.c",
        ("    if (retry_after > 0) /*", "    if (retry_after != 0) /*"),
        by="retry_after",
    ),
    *of(
        "source/http.c",
        (
            "retry_after > HTTP_RETRY_MAX ? HTTP_RETRY_MAX : (unsigned int)retry_after",
            "(unsigned int)retry_after",
        ),
        by="hour_at_most",
    ),
    *of(
        "source/http.c",
        ("left > 0 ? (long)left : 1L", "0L"),
        by="test_slow",
    ),
    *of(
        "source/http.c",
        ("set_file(easy, CURLOPT_SSLCERT_BLOB, &identity->certificate) &&", ""),
        ("(long)CURL_HTTP_VERSION_2TLS", "(long)CURL_HTTP_VERSION_1_1"),
        by="test_akma",
    ),
    *of(
        "source/http.c",
        ("set_file(easy, CURLOPT_CAINFO_BLOB, &identity->ca) &&", ""),
        by="test_akma",
    ),
    *of(
        "source/http.c",
        ("    if (transfer->refused != NULL)\n", "    if (false)\n"),
        by="http_1",
    ),
    # Not here: curl's context without SSL_OP_CLEANSE_PLAINTEXT, which test_flow_remanence looks at: curl writes over libssl's
    # buffer at once.
    *of(
        "source/http.c",
        (" && SET(CURLOPT_PIPEWAIT, 1L) &&", " &&"),
        by="thousand or remanence",
    ),
    *of(
        "source/http_pool.c",
        ("if (pool->is_broken || pool->is_silent) {", "if (pool->is_broken) {"),
        ("    if (watched->futile == FUTILE_MAX)\n", "    if (false)\n"),
        by="silent_connection or no_window",
    ),
    *of(
        "source/http.c",
        ("    if (pause >= 0) {\n", "    if (false) {\n"),
        by="not_processed or rolling",
    ),
    *of(
        "source/http_memory.c",
        ("    OPENSSL_cleanse(block->octets, block->size);", "    (void)block;"),
        ("            OPENSSL_cleanse(block->octets + at, digits);", "            continue;"),
        by="remanence",
    ),
    *of(
        "source/http_memory.c",
        ("    if (is_pem(block))\n", "    if (false)\n"),
        by="ca_file",
    ),
    *of(
        "source/http_pool.c",
        (
            "CURLMOPT_MAX_CONCURRENT_STREAMS, (long)HTTP_STREAMS_MAX",
            "CURLMOPT_MAX_CONCURRENT_STREAMS, 5L",
        ),
        by="thousand",
    ),
    *of(
        "source/token.c",
        ("length > 0 && length + strspn", "length + strspn"),
        ('    static const char characters[] = "ABC', '    static const char characters[] = " ABC'),
        ('if (type == NULL || strcasecmp(type, "Bearer") != 0)', "if (type == NULL)"),
        ("    if (seconds < 1 || ", "    if ("),
        (
            'key_answer_is(reply->content_type, "application/json")\n',
            "reply->content_type != reply->body\n",
        ),
        ("JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL", "JSON_DECODE_INT_AS_REAL"),
        ("fault == NULL && reply->status == 200", "fault == NULL && reply->status > 0"),
        by="tokens_that_are_none",
    ),
    *of(
        "source/token.c",
        ("(seconds - margin) * 1000", "seconds * 1000000"),
        ("strcmp(token->authorization, authorization) == 0", "false"),
        by="token_that_ends",
    ),
    *of(
        "source/token.c",
        ("(int64_t)reply->retry_after * 1000", "0"),
        by="retry_after_of",
    ),
    *of(
        "source/token.c",
        ("(!token->fetching && !fetch(token))", "!fetch(token)"),
        ("curl_easy_escape(NULL, setup->client_id, 0)", 'curl_easy_escape(NULL, "client", 0)'),
        ("curl_easy_escape(NULL, setup->client_secret, 0)", "strdup(setup->client_secret)"),
        ('"%s:%s", id, secret', '"%s:%s", secret, id'),
        (
            "if (form != NULL && setup->scope != NULL && !add_field(",
            "if (form == NULL && !add_field(",
        ),
        by="test_token",
    ),
    *of(
        "source/token.c",
        ('add_field(&form, "nfType", "AF") &&', ""),
        by="of_an_nrf",
    ),
    *of(
        "source/key_service.c",
        ('"AANF",\n     true}', '"AANF",\n     false}'),
        by="http_1",
    ),
    *of(
        "source/key_service.c",
        ('"GBA_BSF", false}', '"BSF", false}'),
        by="of_an_nrf",
    ),
    *of(
        "source/key_service.c",
        ('"notifUri", setup->notify_uri)', '"notifUri", NULL)'),
        ('setup->anonymous, "notifUri"', '1, "notifUri"'),
        ('"gbaUAware", 1);', '"gbaUAware", 0);'),
        by="what_is_asked or exchanges",
    ),
    *of(
        "source/key_service.c",
        ("setup->anonymous ? KEY_NAME_NONE : setup->device_name", "setup->device_name"),
        by="asked_anonymously",
    ),
    *of(
        "source/key_service.c",
        ("key.is_failure ? KEY_REFUSED : KEY_FAILED", "KEY_FAILED"),
        ("refuses(reply) ? KEY_REFUSED : KEY_FAILED", "KEY_FAILED"),
        ("    return reply->status == 403 &&\n", "    return\n"),
        by="refused_for_seconds or not_remembered",
    ),
    *of(
        "source/http.c",
        ('add_header(transfer, "User-Agent: ", transfer->http->user_agent) &&\n', ""),
        by="test_akma or exchanges",
    ),
    *of(
        "source/key_answer.c",
        ("return system == KEY_AKMA && (key == NULL", "return (key == NULL"),
        (
            "    const bool has = json_string_length",
            "    const bool has = true || json_string_length",
        ),
        by="lengths_of_a_bsf or not_remembered",
    ),
    *of(
        "source/key_service.c",
        ("else if (key.not_after < now) {", "else if (false) {"),
        by="that_are_none",
    ),
    *of(
        "source/key_service.c",
        ("return !exchange->redirected && location", "return location"),
        ("(url_same_origin(location, setup->root) ||", "(location[0] != '\\0' ||"),
        ("(reply->status == 307 || reply->status == 308)", "(reply->status / 100 == 3)"),
        by="redirect",
    ),
    *of(
        "source/key_service.c",
        ("setup->redirect != NULL && url_same_origin(location, setup->redirect)", "false"),
        (
            "token != NULL && exchange->url != NULL &&\n        url_same_origin(exchange->url, exchange->service->setup->root)",
            "token != NULL && exchange->url != NULL",
        ),
        by="named_origin",
    ),
    *of(
        "source/key_service.c",
        ("|| reply->status == 404;", ";"),
        ("reply->status == 204 || ", ""),
        by="no_such_key",
    ),
    *of(
        "source/key_service.c",
        ("if (reply->status == 429 || reply->status == 503)", "if (reply->status == 503)"),
        ("if (reply->status == 429 || reply->status == 503)", "if (reply->status == 429)"),
        ("    return clock_ms() < service->not_before;", "    return service->not_before < 0;"),
        by="retry_after",
    ),
    *of(
        "source/key_service.c",
        ("&& !exchange->renewed)", ")"),
        ("        exchange->renewed = true;", ""),
        ("        token_refused(exchange->service->token, exchange->authorization);", ""),
        by="token_that_ends",
    ),
    *of(
        "source/key_service.c",
        (
            "const int64_t left = exchange->until - clock_ms();",
            "const int64_t left = setup->milliseconds;",
        ),
        by="all_that_belongs",
    ),
    *of(
        "source/key_service.c",
        (
            '"status",\n                status, "reason", reason, NULL);\n}',
            "NULL);\n    (void)status, (void)reason;\n}",
        ),
        by="problems_are_logged",
    ),
    *of(
        "source/url.c",
        ('strcasecmp(scheme, "https") == 0', "scheme != NULL"),
        ("!has_credentials(url) && !has(url, CURLUPART_QUERY)", "!has(url, CURLUPART_QUERY)"),
        (
            "url != NULL && !has_credentials(url) &&\n        curl_url_get(",
            "url != NULL && curl_url_get(",
        ),
        ("&& strcmp(a.port, b.port) == 0", ""),
        ("strcasecmp(a.host, b.host) == 0 && ", ""),
        by="redirect or no_sense",
    ),
    *of(
        "source/source_http.c",
        ("clock_ms() + question->http->key_lifetime", "INT64_MAX"),
        ("        cache_key(question, key);", "        (void)keep;"),
        ("    if (lookups_is_revoked(question->lookup))", "    if (false)"),
        by="cache or forgotten",
    ),
    *of(
        "source/source_http.c",
        ("key_cache_forget(http->cache, system, identity);", ""),
        ("lookups_revoke(http->lookups, system, identity);", ""),
        by="cache or forgotten",
    ),
    *of(
        "source/source_http.c",
        ("#define NO_LIFETIME  5000", "#define NO_LIFETIME 0"),
        ("#define NO_LIFETIME  5000", "#define NO_LIFETIME 60000"),
        by="no_such_key",
    ),
    *of(
        "source/source_http.c",
        ("key_cache_sweep(http->cache, clock_ms());", "key_cache_sweep(http->cache, 0);"),
        by="remanence",
    ),
    *of(
        "source/source_http.c",
        (".per_second = setup->per_second,", ".per_second = 10000,"),
        (".per_network = setup->per_network,", ".per_network = 10000,"),
        by="test_flood",
    ),
    *of(
        "source/source_http.c",
        (
            "request->kind == IDENTITY_GBA_UICC ? &key->ks_int_naf",
            "request->kind == IDENTITY_GBA_ME ? &key->ks_int_naf",
        ),
        ("given->given ? SOURCE_FOUND : SOURCE_UNKNOWN", "SOURCE_FOUND"),
        by="test_gba or bsf",
    ),
    *of(
        "source/source_http.c",
        ("if (key_service_is_paused(http->services[wanted->system]))", "if (false)"),
        by="retry_after",
    ),
    *of(
        "source/source_http.c",
        ("    if (request->cancelled)\n        return;\n", ""),
        ("    lookups_leave(request->http->lookups, &request->waiter);", ""),
        by="one_question or cancelled_while",
    ),
    *of(
        "source/source_http.c",
        ("at != NULL && at != identity &&", "at != NULL &&"),
        ("at[1] != '\\0' && ", ""),
        ("strchr(at + 1, '@') == NULL", "true"),
        ("if (*c <= ' ' ||", "if (*c < ' ' ||"),
        ("|| *c == '\"' ||", "||"),
        by="nobody_is_asked",
    ),
    *of(
        "as/source_options.c",
        (
            "value != NULL && !is_default(rows[i].value)",
            "value == NULL && !is_default(rows[i].value)",
        ),
        ("if (nrf && !is_uuid(option.nf_instance_id))", "if (false)"),
        ("if (nrf && option.token_url == NULL)", "if (false)"),
        ("if (option.scope != NULL && option.token_url == NULL)", "if (false)"),
        ("interface == NULL || !url_is_plain(url) ||", "interface == NULL ||"),
        ("    if (service->interface != NULL)\n", "    if (false)\n"),
        ("option.certificate == NULL || option.key == NULL || option.ca == NULL", "false"),
        ("    if (given != 0 && given != 3)", "    if (false)"),
        ("option.notify_uri != NULL && akma == NULL", "false"),
        ("option.af_id != NULL && setup.services[KEY_AKMA].interface == NULL", "false"),
        ('    want_url("source-redirect", option.redirect);', ""),
        ('    want_url("token-url", option.token_url);', ""),
        by="no_sense",
    ),
    *of(
        "as/source_options.c",
        ("option.af_id != NULL ? option.af_id : naf_fqdn", "naf_fqdn"),
        by="what_is_asked",
    ),
    *of(
        "as/source_options.c",
        (
            'service->anonymous ? "" : service->interface->name_scope',
            "service->interface->name_scope",
        ),
        ("    scope = scope_of(system);", '    scope = "";'),
        ("scope[0] == '\\0' ? NULL : scope", "scope"),
        by="test_token or test_scopes",
    ),
    *of(
        "as/source_options.c",
        ("    if (url[length - 1] == '/')", "    if (false)"),
        by="test_gba",
    ),
    *of(
        "source/token.c",
        ("    secret[strcspn(secret, \"\\r\\n\")] = '\\0';", ""),
        by="cannot_be_used or test_token",
    ),
    *of(
        "as/notify.c",
        ("    source_http_forget(naf->source, revocation->identity);", ""),
        by="test_notification",
    ),
    *of(
        "as/notify.c",
        (
            "if (revocation->http != NULL && revocation->revoked)",
            "if (revocation->http != NULL)",
        ),
        by="cannot_confirm",
    ),
    *of(
        "as/notify.c",
        ("JSON_REJECT_DUPLICATES, NULL);", "0, NULL);"),
        ("identity == NULL || identity[0] == '\\0' || ", "identity == NULL || "),
        ("strcmp(request->path, notify->path) != 0", "request->path == NULL"),
        ('!key_answer_is(request->content_type, "application/json")', "request == NULL"),
        by="notifications_that_are_none",
    ),
    *of(
        "as/notify.c",
        (
            "    else if (third_party->ops->revoke(third_party, loop, revocation->identity, on_revoked,\n"
            "                                      revocation, &now) == NULL)",
            "    else if ((void)loop, third_party_revocation_set(&now, true, NULL), true)",
        ),
        by="separate",
    ),
    *of(
        "as/notify.c",
        ("SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT", "SSL_VERIFY_PEER"),
        ("X509_CHECK_FLAG_NO_WILDCARDS |", "0 |"),
        ("X509_CHECK_FLAG_NEVER_CHECK_SUBJECT", "0"),
        ("X509_VERIFY_PARAM_set1_host(rules, name, 0) && ", "name != NULL && "),
        by="notifications_that_are_none",
    ),
    *of(
        "session/ue.c",
        ("ue->lookup != NULL ? psk_lookup_claim(ue->lookup) : &ue->claim", "&ue->claim"),
        by="under_way",
    ),
    *of(
        "server/close_matching.c",
        ("if (atomic_fetch_sub(&matching->left, 1) > 1)", "if (true)"),
        ("        loop_post(matching->loop, matching->then);", "        (void)matching;"),
        by="test_notification",
    ),
    *of(
        "server/close_matching.c",
        ("    while (has_more(ending) && clock_ms() < end)\n", "    while (has_more(ending))\n"),
        by="many_rows_go",
    ),
]

ROOM = Room(
    folder="e2e",
    target="akma key_source e2e-as e2e-ue flood first_connections held_connections"
    " preload_turns preload_faults preload_names preload_time store",
    tests=[
        "test_operator",
        "test_operator_connections",
        "test_operator_flow",
        "test_operator_http2",
        "test_operator_page",
        "test_operator_revocation",
        "test_operator_remanence",
        "test_reload",
    ],
    faults=FAULTS,
)
