/*
 * BootstrappingInfo, read with expat
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bsf_info.h"

#include "names.h"
#include "printable.h"
#include "utc.h"

#include <expat.h>
#include <stdio.h>
#include <string.h>

#define SPACE     "uri:3gpp-gba"
#define SEPARATOR '|'
#define NAME(is)  SPACE "|" is

/* An element whose text is wanted. */
struct field {
    const char *name;
    char *text;
    size_t size, length;
    bool is_given;
};

enum { B_TID, LIFETIME, FIELDS };

struct reading {
    XML_Parser parser;
    struct field fields[FIELDS];
    struct field *open; /* the one whose text comes now */
    unsigned int depth;
    bool has_root;
    const char *fault; /* the first; the parser is stopped */
};

static void stop(struct reading *reading, const char *fault)
{
    if (reading->fault == NULL)
        reading->fault = fault;
    (void)XML_StopParser(reading->parser, XML_FALSE);
}

static void XMLCALL on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_subset;
    stop(context, "it has a DTD, which is refused");
}

static void XMLCALL on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *reading = context;

    (void)attributes;
    if (reading->open != NULL)
        stop(reading, "btid or lifetime has an element inside it");
    if (reading->depth++ == 0 && strcmp(name, NAME("BootstrappingInfo")) != 0)
        stop(reading, "its root is not BootstrappingInfo of " SPACE);
    reading->has_root = true;
    for (size_t i = 0; i < FIELDS && reading->depth == 2; i++)
        if (strcmp(name, reading->fields[i].name) == 0) {
            if (reading->fields[i].is_given)
                stop(reading, "btid or lifetime occurs in it twice");
            reading->fields[i].is_given = true;
            reading->open = &reading->fields[i];
        }
}

static void XMLCALL on_end(void *context, const XML_Char *name)
{
    struct reading *reading = context;

    (void)name;
    reading->depth--;
    reading->open = NULL;
}

static void XMLCALL on_text(void *context, const XML_Char *text, int length)
{
    struct reading *reading = context;
    struct field *field = reading->open;

    if (field == NULL)
        return;
    if ((size_t)length >= field->size - field->length) {
        stop(reading, "btid or lifetime is too long");
        return;
    }
    memcpy(field->text + field->length, text, (size_t)length);
    field->length += (size_t)length;
    field->text[field->length] = '\0';
}

/* White space around a value is ignored (XML Schema, whiteSpace collapse). */
static void collapse(struct field *field)
{
    static const char blank[] = " \t\r\n";
    const size_t before = strspn(field->text, blank);

    memmove(field->text, field->text + before, field->length - before + 1);
    field->length -= before;
    while (field->length > 0 && strchr(blank, field->text[field->length - 1]) != NULL)
        field->text[--field->length] = '\0';
}

/* expat 2.9 has another function for the 64-bit number, and deprecates the old one. */
static unsigned long line_of(XML_Parser parser)
{
#if XML_MAJOR_VERSION > 2 || XML_MINOR_VERSION >= 9
    return (unsigned long)XML_GetCurrentLineNumber64(parser);
#else
    return (unsigned long)XML_GetCurrentLineNumber(parser);
#endif
}

static bool parse(struct reading *reading, const char *text, size_t length,
                  char fault[GBA_FAULT_SIZE])
{
    XML_SetUserData(reading->parser, reading);
    XML_SetStartDoctypeDeclHandler(reading->parser, on_doctype);
    XML_SetElementHandler(reading->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reading->parser, on_text);
    if (XML_Parse(reading->parser, text, (int)length, 1) != XML_STATUS_OK)
        return gba_fail(fault, "the BSF's document: %s, line %lu",
                        reading->fault != NULL ? reading->fault
                                               : XML_ErrorString(XML_GetErrorCode(reading->parser)),
                        line_of(reading->parser));
    for (size_t i = 0; i < FIELDS; i++) {
        if (!reading->fields[i].is_given)
            return gba_fail(fault, "the BSF's document has no %s",
                            i == B_TID ? "btid" : "lifetime");
        collapse(&reading->fields[i]);
    }
    return true;
}

static bool check(struct bsf_info *info, int64_t now, char fault[GBA_FAULT_SIZE])
{
    const char *wrong = names_nai_fault(info->b_tid);

    if (wrong != NULL)
        return gba_fail(fault, "btid \"%s\": must be %s", PRINTABLE(info->b_tid), wrong);
    if (!utc_read(info->lifetime_text, UTC_XML_SCHEMA, &info->lifetime))
        return gba_fail(fault, "lifetime \"%s\": must be a date-time such as 2026-11-30T12:00:00Z",
                        PRINTABLE(info->lifetime_text));
    return info->lifetime > now ||
           gba_fail(fault, "lifetime \"%s\" has passed: is the clock of this device right?",
                    PRINTABLE(info->lifetime_text));
}

bool bsf_info_read(struct bsf_info *info, const char *text, size_t length, int64_t now,
                   char fault[GBA_FAULT_SIZE])
{
    struct reading reading = {
        .parser = XML_ParserCreateNS(NULL, SEPARATOR),
        .fields = {{NAME("btid"), info->b_tid, sizeof(info->b_tid), 0, false},
                   {NAME("lifetime"), info->lifetime_text, sizeof(info->lifetime_text), 0, false}},
    };
    bool done;

    memset(info, 0, sizeof(*info));
    if (reading.parser == NULL)
        return gba_fail(fault, "out of memory");
    done = parse(&reading, text, length, fault) && check(info, now, fault);
    XML_ParserFree(reading.parser);
    return done;
}
