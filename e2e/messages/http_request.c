/*
 * A request of HTTP/1.1 (RFC 9112), of those that have at most a short body
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "messages/http_request.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What the headers say about the body and the connection. */
struct head {
    size_t length; /* octets of it all, with the empty line */
    size_t content_length;
    bool has_length, is_chunked, has_host, closes, waits, is_old;
};

static enum http_parsed bad(struct received_request *request, int status)
{
    request->status = status;
    return HTTP_BAD;
}

/* A line's end, CR LF or LF alone (RFC 9112 2.2), as the place behind it; NULL: it is not there
 * yet. */
static const char *line_end(const char *line, const char *end, size_t *length)
{
    const char *feed = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;

    if (feed == NULL)
        return NULL;
    *length = (size_t)(feed - line);
    if (*length > 0 && feed[-1] == '\r')
        --*length;
    return feed + 1;
}

/* A token (RFC 9110 5.6.2), and no more. */
static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~' || strchr("\"(),/:;<=>?@[\\]{}", text[i]) != NULL)
            return false;
    return length > 0;
}

static bool copy(char *to, size_t size, const char *from, size_t length)
{
    if (length >= size || memchr(from, '\0', length) != NULL)
        return false;
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

/* method SP target SP version */
static int read_first_line(struct received_request *request, struct head *head, const char *line,
                           size_t length)
{
    const char *method_end = memchr(line, ' ', length);
    const char *version = line + length - strlen("HTTP/1.1");
    const char *target = method_end == NULL ? line : method_end + 1, *query;
    size_t target_length;

    if (method_end == NULL || length < strlen("HTTP/1.1") || version <= target ||
        version[-1] != ' ' || strncmp(version, "HTTP/", 5) != 0)
        return 400;
    if (strncmp(version, "HTTP/1.", 7) != 0)
        return 505;
    head->is_old = version[7] == '0';
    target_length = (size_t)(version - 1 - target);
    if (!is_token(line, (size_t)(method_end - line)) || target_length == 0 ||
        memchr(target, ' ', target_length) != NULL)
        return 400;
    if (!copy(request->method, sizeof(request->method), line, (size_t)(method_end - line)))
        return 501;
    query = memchr(target, '?', target_length);
    if (query != NULL)
        target_length = (size_t)(query - target);
    return copy(request->path, sizeof(request->path), target, target_length) ? 0 : 414;
}

static int read_length(struct head *head, const char *value)
{
    char *end;
    const unsigned long length = strtoul(value, &end, 10);

    if (value[0] < '0' || value[0] > '9' || *end != '\0' ||
        (head->has_length && head->content_length != length))
        return 400;
    head->has_length = true;
    head->content_length = length;
    return length > HTTP_REQUEST_BODY_MAX ? 413 : 0;
}

/* Is a word in a list with commas? */
static bool has_word(const char *list, const char *word)
{
    const size_t length = strlen(word);

    while (*list != '\0') {
        const size_t part = strcspn(list, ",");
        size_t start = strspn(list, " \t"), end = part;

        while (end > start && (list[end - 1] == ' ' || list[end - 1] == '\t'))
            end--;
        if (end - start == length && strncasecmp(list + start, word, length) == 0)
            return true;
        list += part + (list[part] == ',');
    }
    return false;
}

/* What a header means; a status: why the request is refused. */
static int read_header(struct received_request *request, struct head *head, const char *name,
                       const char *value)
{
    if (strcasecmp(name, "Host") == 0)
        head->has_host = true;
    else if (strcasecmp(name, "Content-Length") == 0)
        return read_length(head, value);
    else if (strcasecmp(name, "Transfer-Encoding") == 0 && strcasecmp(value, "chunked") != 0)
        return 501;
    else if (strcasecmp(name, "Transfer-Encoding") == 0)
        head->is_chunked = true;
    else if (strcasecmp(name, "Connection") == 0)
        head->closes = head->closes || has_word(value, "close");
    else if (strcasecmp(name, "Expect") == 0)
        head->waits = has_word(value, "100-continue");
    else if (strcasecmp(name, "Content-Type") == 0)
        return copy(request->content_type, sizeof(request->content_type), value, strlen(value))
                   ? 0
                   : 415;
    return 0;
}

/* name ":" OWS value OWS; a line that continues in the next one is refused (RFC 9112 5.2). */
static int read_header_line(struct received_request *request, struct head *head, const char *line,
                            size_t length)
{
    const char *colon = memchr(line, ':', length);
    char name[64], value[512];
    const char *start = colon == NULL ? line : colon + 1, *end = line + length;

    if (colon == NULL || !is_token(line, (size_t)(colon - line)) ||
        memchr(line, '\0', length) != NULL)
        return 400;
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (!copy(name, sizeof(name), line, (size_t)(colon - line)) ||
        !copy(value, sizeof(value), start, (size_t)(end - start)))
        return 0; /* too long to be one that means something here */
    return read_header(request, head, name, value);
}

static enum http_parsed read_head(struct received_request *request, struct head *head,
                                  const char *octets, size_t length)
{
    const char *const end = octets + length;
    const char *line = octets, *next;
    size_t line_length, number = 0;
    int status = 0;

    for (; (next = line_end(line, end, &line_length)) != NULL && line_length > 0; line = next) {
        status = number++ == 0 ? read_first_line(request, head, line, line_length)
                               : read_header_line(request, head, line, line_length);
        if (status != 0)
            return bad(request, status);
    }
    head->length = (size_t)((next == NULL ? end : next) - octets);
    if (head->length > HTTP_REQUEST_HEAD_MAX ||
        (next == NULL && head->length == HTTP_REQUEST_HEAD_MAX))
        return bad(request, 431);
    if (next == NULL)
        return HTTP_PARTIAL;
    if (number == 0 || (!head->has_host && !head->is_old) ||
        (head->is_chunked && (head->has_length || head->is_old)))
        return bad(request, 400); /* no request, or one that two readers would read differently */
    return HTTP_WHOLE;
}

/* Hex digits, and perhaps extensions, which mean nothing here. */
static bool read_chunk_size(const char *line, size_t length, size_t *size)
{
    size_t digits = 0;

    *size = 0;
    for (; digits < length && digits < 8; digits++) {
        const int digit = OPENSSL_hexchar2int((unsigned char)line[digits]);

        if (digit < 0)
            break;
        *size = *size * 16 + (size_t)digit;
    }
    return digits > 0 && (digits == length || strchr("; \t", line[digits]) != NULL);
}

/* A body in chunks (RFC 9112 7.1), as far as it was read. */
struct chunks {
    const char *place, *end; /* what comes next */
    char *body;              /* the octets of the chunks, one after the other */
    size_t length;
};

/* The next one; size 0: it was the last. */
static enum http_parsed read_chunk(struct received_request *request, struct chunks *chunks,
                                   bool move, size_t *size)
{
    size_t length;
    const char *next = line_end(chunks->place, chunks->end, &length);

    if (next == NULL)
        return HTTP_PARTIAL;
    if (!read_chunk_size(chunks->place, length, size))
        return bad(request, 400);
    if (*size > HTTP_REQUEST_BODY_MAX - chunks->length)
        return bad(request, 413);
    chunks->place = next;
    if (*size == 0)
        return HTTP_WHOLE;
    if ((size_t)(chunks->end - next) < *size + 2)
        return HTTP_PARTIAL;
    if (move)
        memmove(chunks->body + chunks->length, next, *size);
    chunks->length += *size;
    chunks->place = line_end(next + *size, chunks->end, &length);
    return chunks->place == NULL || length != 0 ? bad(request, 400) : HTTP_WHOLE;
}

/* They mean nothing here. False: they are not whole yet. */
static bool skip_trailers(struct chunks *chunks)
{
    const char *next;
    size_t length;

    do {
        next = line_end(chunks->place, chunks->end, &length);
        if (next == NULL)
            return false;
        chunks->place = next;
    } while (length > 0);
    return true;
}

/* The chunks of a body (RFC 9112 7.1): their octets are moved together, once move is set. */
static enum http_parsed read_chunks(struct received_request *request, char *octets, size_t length,
                                    bool move, size_t *used)
{
    struct chunks chunks = {.place = octets, .end = octets + length, .body = octets};
    size_t size = 1;

    while (size > 0) {
        const enum http_parsed parsed = read_chunk(request, &chunks, move, &size);

        if (parsed != HTTP_WHOLE)
            return parsed;
    }
    if (!skip_trailers(&chunks))
        return HTTP_PARTIAL;
    request->body = octets;
    request->body_length = chunks.length;
    *used = (size_t)(chunks.place - octets);
    return HTTP_WHOLE;
}

static enum http_parsed read_body(struct received_request *request, const struct head *head,
                                  char *octets, size_t length)
{
    size_t used = head->content_length;
    enum http_parsed parsed = HTTP_WHOLE;

    if (head->is_chunked) {
        parsed = read_chunks(request, octets, length, false, &used);
        if (parsed == HTTP_WHOLE)
            (void)read_chunks(request, octets, length, true, &used);
    } else if (length < used) {
        parsed = HTTP_PARTIAL;
    } else {
        request->body = octets;
        request->body_length = used;
    }
    request->consumed = head->length + used;
    return parsed == HTTP_PARTIAL && length == 0 && head->waits ? HTTP_CONTINUE : parsed;
}

enum http_parsed http_request_parse(struct received_request *request, char *octets, size_t length)
{
    struct head head = {.length = 0};
    enum http_parsed parsed;

    *request = (struct received_request){.status = 0};
    parsed = read_head(request, &head, octets, length);
    request->stays = !head.closes && !head.is_old;
    return parsed == HTTP_WHOLE
               ? read_body(request, &head, octets + head.length, length - head.length)
               : parsed;
}

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {204, "No Content"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *http_phrase(int status)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "";
}
