/*
 * What akma doctor finds: one line per check, or JSON
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "report.h"

#include "printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 1200

void report_begin(struct report *report, bool json)
{
    *report = (struct report){.json = json};
    if (json)
        printf("{\"checks\":[");
}

/* Text that the filter has made printable; its backslashes are doubled, as JSON wants it. */
static void print_json(const char *name, const char *text)
{
    printf("\"%s\":\"", name);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            (void)putchar('\\');
        (void)putchar(*text);
    }
    (void)putchar('"');
}

/* Without what led to a remedy that is not there. */
static void end_sentence(char *detail)
{
    size_t length = strlen(detail);

    while (length > 0 && (detail[length - 1] == ' ' || detail[length - 1] == ':'))
        detail[--length] = '\0';
}

bool report_add(struct report *report, bool ok, const char *check, const char *subject,
                const char *format, ...)
{
    char detail[DETAIL_SIZE], shown[DETAIL_SIZE], about[256] = "";
    va_list arguments;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    (void)vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    end_sentence(detail);
    (void)printable_octets(shown, sizeof(shown), detail, strlen(detail));
    if (subject != NULL)
        (void)printable_octets(about, sizeof(about), subject, strlen(subject));
    if (report->json) {
        printf("%s\n{", report->checks > 0 ? "," : "");
        print_json("check", check);
        printf(",\"ok\":%s,", ok ? "true" : "false");
        if (subject != NULL) {
            print_json("subject", about);
            (void)putchar(',');
        }
        print_json("detail", shown);
        (void)putchar('}');
    } else {
        printf("%s: %s%s%s: %s\n", ok ? "ok" : "not ok", check, subject == NULL ? "" : " ", about,
               shown);
    }
    report->checks++;
    report->failed += !ok;
    return ok;
}

bool report_end(const struct report *report)
{
    const bool ok = report->failed == 0;

    if (report->json)
        printf("\n],\"ok\":%s}\n", ok ? "true" : "false");
    return fflush(stdout) == 0 && ok;
}
