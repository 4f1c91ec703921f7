/*
 * e2e-ue --message: one line over the flow's connection, and back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/ue_message.h"

#include "net/clock.h"
#include "net/io_watch.h"
#include "net/tls.h"
#include "net/tls_lines.h"
#include "options.h"
#include "printable.h"
#include "ue/client.h"
#include "ue/say_again.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_SECONDS     10 /* the answer has to be there within */
#define MESSAGE_SECONDS_UDP 30 /* ... over datagrams, some of which get lost */

int ue_say(int status, const char *format, ...)
{
    char sentence[CLIENT_REASON_SIZE];
    va_list arguments;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    (void)vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    fprintf(stderr, "e2e-ue: %s%s\n", options_where(sentence), PRINTABLE(sentence));
    return status;
}

/* The message on its way over a connection, and back behind a prefix. */
struct message {
    struct loop *loop;
    struct tls_lines lines;
    struct io_watch watch;
    int64_t deadline;
    struct say_again again; /* over DTLS: the message */
    const char *text, *prefix;
    int status;
    bool is_refused;  /* the NAF takes no first connection with this identity */
    bool comes_again; /* then with another key: nothing is said */
};

static void end_message(struct message *message, int status)
{
    message->status = status;
    io_watch_cancel(&message->watch);
    tls_lines_clear(&message->lines);
    tls_close(message->lines.ssl);
    (void)event_base_loopbreak(message->loop->base);
}

static int check_answer(const struct message *message, const char *line, size_t length)
{
    const size_t before = strlen(message->prefix), sent = strlen(message->text);

    if (length != before + sent || memcmp(line, message->prefix, before) != 0 ||
        memcmp(line + before, message->text, sent) != 0)
        return ue_say(CLIENT_OTHER,
                      "the answer is not the message after \"%s\": is this an e2e-as?",
                      message->prefix);
    (void)fwrite(line, 1, length, stdout);
    (void)putchar('\n');
    return EXIT_SUCCESS;
}

/* Over DTLS again, if it is time. */
static enum io_status write_text(struct message *message)
{
    if (!say_again_now(&message->again, message->deadline))
        return tls_lines_write(&message->lines);
    say_again_sent(&message->again);
    return tls_lines_add(&message->lines, "", message->text, strlen(message->text))
               ? tls_lines_write(&message->lines)
               : IO_ERROR;
}

static void on_ready(void *argument, bool in_time)
{
    struct message *message = argument;
    enum io_status result;
    const char *line;
    size_t length;

    in_time = in_time || say_again_now(&message->again, message->deadline);
    result = in_time ? write_text(message) : IO_WANT_READ;
    if (result == IO_OK)
        result = tls_lines_read(&message->lines, &line, &length);
    if (in_time && (result == IO_WANT_READ || result == IO_WANT_WRITE))
        io_watch_set(&message->watch, result, say_again_until(&message->again, message->deadline));
    else if (result == IO_OK)
        end_message(message, check_answer(message, line, length));
    else
        end_message(message,
                    ue_say(CLIENT_OTHER,
                           "no answer to the message (%s): does the server allow this kind "
                           "of connection?",
                           io_status_text(result)));
}

/* The flow has ended: with a connection, or with a sentence. */
static void take_connection(void *argument, const struct client_result *result)
{
    struct message *message = argument;

    message->lines.ssl = result->ssl;
    message->is_refused = result->is_refused;
    if (result->is_refused && message->comes_again) {
        end_message(message, (int)result->outcome);
        return;
    }
    if (result->outcome != CLIENT_READY) {
        end_message(message, ue_say((int)result->outcome, "%s", result->reason));
        return;
    }
    message->prefix = result->is_e2e ? "e2e: " : "plain: ";
    message->lines.max = LINE_MAX_LENGTH + strlen(message->prefix);
    message->deadline =
        clock_ms() +
        (int64_t)(SSL_is_dtls(result->ssl) ? MESSAGE_SECONDS_UDP : MESSAGE_SECONDS) * 1000;
    if (SSL_is_dtls(result->ssl))
        say_again_sent(&message->again);
    io_watch_init_ssl(&message->watch, message->loop, result->ssl, on_ready, message);
    if (tls_lines_add(&message->lines, "", message->text, strlen(message->text)))
        on_ready(message, true);
    else
        end_message(message, ue_say(CLIENT_OTHER, "out of memory"));
}

/* comes_again: may another key be had? It becomes: is that so, and has the NAF refused this one? */
static int send_message(const char *text, struct ue_keys *keys, bool *comes_again)
{
    const struct client_setup *setup = ue_keys_acquire(keys);
    struct loops *loops = loops_new(1);
    struct message message = {.loop = loops == NULL ? NULL : &loops->loop[0],
                              .text = text,
                              .status = CLIENT_OTHER,
                              .comes_again = *comes_again};

    if (loops != NULL)
        io_watch_init(&message.watch, message.loop, -1, on_ready, &message);
    if (loops == NULL || client_start(message.loop, setup, NULL, take_connection, &message) == NULL)
        (void)ue_say(message.status, "out of memory");
    else
        (void)event_base_dispatch(message.loop->base);
    loops_free(loops);
    ue_keys_release(keys, setup);
    *comes_again = *comes_again && message.is_refused;
    return message.status;
}

static int get_key(const struct ue_bootstrap_options *options, struct ue_keys *keys)
{
    char fault[UE_KEYS_FAULT_SIZE];

    if (ue_bootstrap_is_early(options))
        return ue_say(CLIENT_OTHER, "the key of the last bootstrapping has ended, but not "
                                    "--bootstrap-interval: try again after it");
    return ue_bootstrap_run(options, keys, fault) ? EXIT_SUCCESS
                                                  : ue_say(CLIENT_OTHER, "%s", fault);
}

/* The state file's key may be one that the NAF does not know any more: then another one, once. */
static int send_with_bootstrapping(const char *text, struct ue_keys *keys,
                                   const struct ue_bootstrap_options *options)
{
    const bool is_resumed = ue_bootstrap_resume(options, keys);
    bool comes_again = is_resumed && !ue_bootstrap_is_recent(options);
    int status = is_resumed ? EXIT_SUCCESS : get_key(options, keys);

    if (status == EXIT_SUCCESS)
        status = send_message(text, keys, &comes_again);
    if (!comes_again)
        return status;
    comes_again = false;
    status = get_key(options, keys);
    return status == EXIT_SUCCESS ? send_message(text, keys, &comes_again) : status;
}

int ue_message(const char *text, struct ue_keys *keys, const struct ue_bootstrap_options *bootstrap)
{
    bool comes_again = false;

    return bootstrap == NULL ? send_message(text, keys, &comes_again)
                             : send_with_bootstrapping(text, keys, bootstrap);
}
