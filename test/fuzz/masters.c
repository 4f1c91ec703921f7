/*
 * Fuzz target: what names a master secret in a token, and the list of Ka's that are revoked
 *
 * The first octet chooses which. A URI is taken or refused with a sentence, and never with a PIN in
 * it. A list is refused, or has each of its rows, read here once more in a straight line, and no
 * other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_revoked.h"
#include "token.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void want(int condition)
{
    if (!condition)
        abort();
}

static void try_uri(const char *text)
{
    char fault[MASTER_FAULT_SIZE] = "";
    struct token_uri uri;
    const bool done = token_uri_read(&uri, text, fault);

    want(done == (fault[0] == '\0'));
    want(!done || (p11_kit_uri_get_pin_value(uri.uri) == NULL &&
                   (uri.pin == NULL || strncmp(uri.pin, "file:/", 6) == 0)));
    token_uri_close(&uri);
}

/* One row, in either order of the columns. */
static void try_row(const struct ka_revoked *list, char *line, const char *header)
{
    char *second = strchr(line, ',');
    const char *first = line, *device, *ka_id;

    if (second != NULL)
        *second++ = '\0';
    else
        second = line + strlen(line);
    device = strncmp(header, "device", 6) == 0 ? first : second;
    ka_id = device == first ? second : first;
    want(ka_revoked_has(list, device[0] == '\0' ? "any one" : device,
                        ka_id[0] == '\0' ? "any one" : ka_id));
}

static void try_list(const char *text, size_t length)
{
    char fault[KA_REVOKED_FAULT_SIZE] = "", *own = malloc(length + 1), *rest, *line, *header;
    struct ka_revoked *list;

    want(own != NULL);
    memcpy(own, text, length);
    own[length] = '\0';
    list = ka_revoked_parse("list", own, length, fault);
    want((list != NULL) == (fault[0] == '\0'));
    memcpy(own, text, length);
    rest = own;
    header = list == NULL ? NULL : strsep(&rest, "\n");
    while (list != NULL && (line = strsep(&rest, "\n")) != NULL && rest != NULL) {
        line[strcspn(line, "\r")] = '\0';
        try_row(list, line, header);
    }
    want(list == NULL || !ka_revoked_has(list, "no one", "no where"));
    ka_revoked_free(list);
    free(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size == 0)
        return 0;
    text = malloc(size);
    want(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] % 2 == 0)
        try_uri(text);
    else
        try_list(text, size - 1);
    free(text);
    return 0;
}
