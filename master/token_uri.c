/*
 * A token's URI (RFC 7512)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token.h"

#include "printable.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

static bool set_fault(char fault[MASTER_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, MASTER_FAULT_SIZE, "pkcs11: %s", what);
    return false;
}

/* pin-source is a path or the URI of one (RFC 7512 clause 2.4): as a secret's source, file:PATH. */
static bool take_pin_source(struct token_uri *uri, const char *source,
                            char fault[MASTER_FAULT_SIZE])
{
    const char *path = source;
    size_t size;

    if (strncmp(path, "file:", 5) == 0)
        path += 5;
    if (strncmp(path, "//", 2) == 0) /* file:///etc/pin: the host in between is empty */
        path += 2;
    if (path[0] != '/')
        return set_fault(fault, "pin-source: must be file:/PATH, a file of mode 0600 with the PIN");
    size = strlen(path) + sizeof("file:");
    uri->pin = OPENSSL_malloc(size);
    if (uri->pin == NULL)
        return set_fault(fault, "out of memory");
    (void)snprintf(uri->pin, size, "file:%s", path);
    return true;
}

/* Look for a secret key even if the URI does not say so. */
static bool is_secret_key(const struct token_uri *uri)
{
    const CK_ATTRIBUTE *class = p11_kit_uri_get_attribute(uri->uri, CKA_CLASS);
    CK_OBJECT_CLASS value = CKO_SECRET_KEY;

    if (class != NULL && class->ulValueLen == sizeof(value))
        memcpy(&value, class->pValue, sizeof(value));
    return value == CKO_SECRET_KEY;
}

bool token_uri_read(struct token_uri *uri, const char *text, char fault[MASTER_FAULT_SIZE])
{
    const char *pin_source;
    int code;

    *uri = (struct token_uri){.uri = p11_kit_uri_new()};
    if (uri->uri == NULL)
        return set_fault(fault, "out of memory");
    code = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri->uri);
    if (code == P11_KIT_URI_NO_MEMORY)
        return set_fault(fault, "out of memory");
    if (code != P11_KIT_URI_OK) {
        (void)snprintf(fault, MASTER_FAULT_SIZE, "pkcs11: must be a URI as RFC 7512 has it: %s",
                       PRINTABLE(p11_kit_uri_message(code)));
        return false;
    }
    if (p11_kit_uri_get_pin_value(uri->uri) != NULL)
        return set_fault(fault, "pin-value: every user of the machine can read it here; "
                                "pin-source=file:/PATH names a file that has the PIN");
    if (p11_kit_uri_any_unrecognized(uri->uri))
        return set_fault(fault, "has an attribute that is not known: token, serial, manufacturer, "
                                "model, slot-id, object, id, type, library-..., module-name, "
                                "module-path and pin-source are");
    if (!is_secret_key(uri))
        return set_fault(fault, "type: must be secret-key");
    pin_source = p11_kit_uri_get_pin_source(uri->uri);
    return pin_source == NULL || take_pin_source(uri, pin_source, fault);
}

void token_uri_close(struct token_uri *uri)
{
    p11_kit_uri_free(uri->uri);
    OPENSSL_free(uri->pin);
    *uri = (struct token_uri){.uri = NULL};
}

bool master_token_check(const char *uri, char fault[MASTER_FAULT_SIZE])
{
    struct token_uri read;
    const bool done = token_uri_read(&read, uri, fault);

    token_uri_close(&read);
    return done;
}
