/*
 * The page at `/`: HTML, CSS and SVG of one server's state, without scripts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/overview.h"

#include "as/readiness.h"
#include "ops/expiry.h"
#include "ops/health.h"
#include "ops/history.h"
#include "ops/log_recent.h"
#include "printable.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REFRESH_SECONDS 10
#define DAY             86400LL
#define SOON            (14 * DAY)

/* Light and dark, down to a telephone's width. */
#define STYLE                                                                                    \
    ":root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--text:#1b1f24;--soft:#57606a;"    \
    "--rule:#d0d7de;--good:#116329;--bad:#b3131d;--warn:#7a4d00;--plot:#0550ae}"                 \
    "@media(prefers-color-scheme:dark){:root{--back:#0d1117;--card:#161b22;--text:#e6edf3;"      \
    "--soft:#9da7b3;--rule:#30363d;--good:#56d364;--bad:#ff8a80;--warn:#e3b341;--plot:#79c0ff}}" \
    "*{box-sizing:border-box}"                                                                   \
    "body{margin:0;padding:1rem;background:var(--back);color:var(--text);"                       \
    "font:1rem/1.5 system-ui,sans-serif}"                                                        \
    "header,main,footer{max-width:72rem;margin:0 auto}"                                          \
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:0 0 .5rem}"                         \
    "section{background:var(--card);border:1px solid var(--rule);border-radius:.5rem;"           \
    "padding:1rem;margin:1rem 0}"                                                                \
    "p{margin:.25rem 0}a{color:var(--plot)}"                                                     \
    "table{border-collapse:collapse;width:100%}"                                                 \
    "th,td{text-align:left;vertical-align:top;padding:.3rem .75rem .3rem 0;"                     \
    "border-top:1px solid var(--rule);overflow-wrap:anywhere}"                                   \
    "thead th{border-top:0;color:var(--soft);font-weight:600;overflow-wrap:normal}"              \
    "tbody th{font-weight:600;overflow-wrap:normal}"                                             \
    ".number{text-align:right;font-variant-numeric:tabular-nums}"                                \
    ".good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.soft{color:var(--"   \
    "soft)}"                                                                                     \
    ".state{font-weight:600;white-space:nowrap}"                                                 \
    ".plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}"    \
    "figure{margin:0}figcaption{display:flex;justify-content:space-between;gap:.5rem}"           \
    "svg{display:block;width:100%;height:3.5rem;border-bottom:1px solid var(--soft)}"            \
    "svg path{fill:var(--plot)}"                                                                 \
    "ol{list-style:none;margin:0;padding:0;font:.85rem/1.5 ui-monospace,monospace}"              \
    "li{border-top:1px solid var(--rule);padding:.25rem 0;overflow-wrap:anywhere}"               \
    "li:first-child{border-top:0}"                                                               \
    ":focus-visible{outline:3px solid var(--plot);outline-offset:2px}"                           \
    "@media(max-width:30rem){body{padding:.5rem}section{padding:.75rem}"                         \
    ".wide thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}"   \
    ".wide tr{display:block;border-top:1px solid var(--rule);padding:.4rem 0}"                   \
    ".wide th,.wide td{display:block;border:0;padding:0}.wide td:empty{display:none}}"

/* Text and times */

/* Text that is one line of UTF-8 already (printable.h), as HTML. */
static void put_html(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            (void)fputc(*text, out);
        }
}

static void put_time(FILE *out, time_t moment)
{
    char shown[32] = "";
    struct tm utc;

    if (gmtime_r(&moment, &utc) != NULL)
        (void)strftime(shown, sizeof(shown), "%Y-%m-%d %H:%M:%S", &utc);
    fprintf(out, "<time>%s</time> UTC", shown);
}

/* In the largest unit that there is more than one of. */
static void put_duration(FILE *out, int64_t seconds)
{
    static const struct {
        int64_t length;
        const char *name;
    } units[] = {{DAY, "days"}, {3600, "hours"}, {60, "minutes"}, {1, "seconds"}};
    size_t unit = 0;

    while (units[unit].length > 1 && seconds < 2 * units[unit].length)
        unit++;
    fprintf(out, "%lld %s", (long long)(seconds / units[unit].length), units[unit].name);
}

/* The sections */

static void put_head(FILE *out, bool is_ready, bool refreshes)
{
    fprintf(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                 "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
                 "<meta name=\"referrer\" content=\"no-referrer\">\n");
    if (refreshes)
        fprintf(out, "<meta http-equiv=\"refresh\" content=\"%d\">\n", REFRESH_SECONDS);
    fprintf(out, "<title>e2e-as: %s</title>\n<style>%s</style>\n</head>\n<body>\n",
            is_ready ? "ready" : "not ready", STYLE);
}

static void put_roles(FILE *out, const struct app_server_roles *roles)
{
    const struct {
        bool is_played;
        const char *name;
    } all[] = {
        {roles->naf, "NAF"}, {roles->third_party, "third party"}, {roles->endpoint, "endpoint"}};
    const char *before = "";

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].is_played) {
            fprintf(out, "%s%s", before, all[i].name);
            before = ", ";
        }
}

static const char *phase_text(void)
{
    static const char *const texts[] = {
        [HEALTH_STARTING] = "starting",
        [HEALTH_SERVING] = "serving",
        [HEALTH_DRAINING] = "draining: it accepts no more connections",
    };

    return texts[health_get_phase()];
}

static void put_summary(FILE *out, const struct overview *overview, bool is_ready, bool refreshes)
{
    const time_t started = (time_t)metrics_get(METRIC_STARTED);

    fputs("<header>\n<h1>e2e-as: ", out);
    put_roles(out, overview->roles);
    fprintf(out, "</h1>\n<p><span class=\"state %s\">%s %s</span>, %s", is_ready ? "good" : "bad",
            is_ready ? "&#10003;" : "&#10007;", is_ready ? "ready" : "not ready", phase_text());
    if (started != 0) {
        fputs(", for ", out);
        put_duration(out, (int64_t)time(NULL) - started);
    }
    fputs("</p>\n<p class=\"soft\">As of ", out);
    put_time(out, time(NULL));
    fprintf(out, ". <a href=\"%s\">%s</a> <a href=\"/metrics\">Metrics</a></p>\n</header>\n",
            refreshes ? "/still" : "/", refreshes ? "Do not refresh" : "Refresh every few seconds");
}

/* Why it is not ready, beside what the tables say. */
static void put_reasons(FILE *out, const char *readiness)
{
    const char *line = strchr(readiness, '\n');

    if (line == NULL || line[1] == '\0')
        return;
    fputs("<section aria-labelledby=\"reasons\">\n<h2 id=\"reasons\">What is wrong</h2>\n", out);
    while (line != NULL && line[1] != '\0') {
        const char *text = line + 1;
        char *copy;

        line = strchr(text, '\n');
        copy = strndup(text, line == NULL ? strlen(text) : (size_t)(line - text));
        fputs("<p>", out);
        put_html(out, copy == NULL ? "out of memory" : copy);
        fputs("</p>\n", out);
        free(copy);
    }
    fputs("</section>\n", out);
}

static void put_part(FILE *out, const struct health_state *state)
{
    static const struct {
        const char *class, *text;
    } shown[] = {
        [HEALTH_UNKNOWN] = {"soft", "? not known yet"},
        [HEALTH_UP] = {"good", "&#10003; up"},
        [HEALTH_DOWN] = {"bad", "&#10007; down"},
    };
    const char *system = strchr(state->labels, '"');

    fprintf(out, "<tr><th scope=\"row\">%s%s</th><td class=\"state %s\">%s</td><td>", state->name,
            system == NULL                   ? ""
            : strncmp(system, "\"a", 2) == 0 ? ", AKMA"
                                             : ", GBA",
            shown[state->verdict].class, shown[state->verdict].text);
    if (state->verdict != HEALTH_UNKNOWN) {
        fputs("since ", out);
        put_time(out, state->since);
    }
    fputs("</td><td>", out);
    if (state->verdict == HEALTH_DOWN)
        put_html(out, PRINTABLE(state->reason));
    fputs("</td></tr>\n", out);
}

static void put_dependencies(FILE *out)
{
    struct health_state state;
    size_t count = 0;

    fputs("<section aria-labelledby=\"depends\">\n<h2 id=\"depends\">What it depends on</h2>\n",
          out);
    for (enum health_part part = 0; part < HEALTH_PARTS; part++) {
        health_look(part, &state);
        if (!state.is_used)
            continue;
        if (count++ == 0)
            fputs("<table class=\"wide\"><thead><tr><th scope=\"col\">Part</th><th "
                  "scope=\"col\">State</th><th scope=\"col\">Since</th><th "
                  "scope=\"col\">Reason</th></tr></thead>\n<tbody>\n",
                  out);
        put_part(out, &state);
    }
    fputs(count == 0 ? "<p class=\"soft\">Nothing outside this process.</p>\n</section>\n"
                     : "</tbody></table>\n</section>\n",
          out);
}

static void put_certificate(FILE *out, const struct expiry *file)
{
    const int64_t left = file->not_after - (int64_t)time(NULL);

    fprintf(out, "<tr><th scope=\"row\">--%s</th><td class=\"state %s\">", file->option,
            left < 0      ? "bad"
            : left < SOON ? "warn"
                          : "good");
    fputs(left < 0 ? "&#10007; expired" : left < SOON ? "! " : "&#10003; ", out);
    if (left >= 0) {
        put_duration(out, left);
        fputs(" left", out);
    }
    fputs("</td><td>", out);
    put_time(out, (time_t)file->not_after);
    fputs("</td><td>", out);
    put_html(out, PRINTABLE(file->path));
    fputs("</td></tr>\n", out);
}

static void put_certificates(FILE *out)
{
    struct expiry files[EXPIRY_FILES_MAX];
    const size_t count = expiry_look(files);

    if (count == 0)
        return;
    fputs("<section aria-labelledby=\"files\">\n<h2 id=\"files\">Certificates</h2>\n<table "
          "class=\"wide\"><thead><tr><th scope=\"col\">Option</th><th scope=\"col\">State</th><th "
          "scope=\"col\">End</th><th scope=\"col\">File</th></tr></thead>\n<tbody>\n",
          out);
    for (size_t i = 0; i < count; i++)
        put_certificate(out, &files[i]);
    fputs("</tbody></table>\n</section>\n", out);
}

/* Plots */

#define PLOTS (HISTORY_COUNT - 1) /* bars */

struct series {
    const char *title;
    enum metric first, last; /* of which the sum is shown */
    bool is_gauge;
};

static const struct series all_series[] = {
    {"Flags", METRIC_FLAGS, METRIC_FLAGS, false},
    {"E2e connections", METRIC_E2E_TAKEN, METRIC_E2E_TAKEN, false},
    {"Handshakes", METRIC_HANDSHAKES, METRIC_HANDSHAKES, false},
    {"Refusals", METRIC_REFUSED_HANDSHAKE, METRIC_REFUSED_ADDRESS, false},
    {"Open connections", METRIC_OPEN, METRIC_OPEN, true},
    {"Store errors", METRIC_STORE_ERRORS, METRIC_STORE_ERRORS, false},
};

static long sum_of(const long values[METRIC_COUNT], const struct series *series)
{
    long sum = 0;

    for (enum metric metric = series->first; metric <= series->last; metric++)
        sum += values[metric];
    return sum;
}

/* Bars of one series; those of the time before the start are 0. */
static void bars_of(const struct series *series, long values[HISTORY_COUNT][METRIC_COUNT],
                    size_t count, long bars[PLOTS])
{
    memset(bars, 0, PLOTS * sizeof(bars[0]));
    for (size_t i = 1; i < count; i++) {
        const long now = sum_of(values[i], series);

        bars[PLOTS - count + i] = series->is_gauge ? now : now - sum_of(values[i - 1], series);
    }
}

static void put_plot(FILE *out, const struct series *series, const long bars[PLOTS])
{
    long top = 0, sum = 0;

    for (size_t i = 0; i < PLOTS; i++) {
        top = bars[i] > top ? bars[i] : top;
        sum += bars[i];
    }
    fprintf(out,
            "<figure><figcaption><strong>%s</strong> <span class=\"number\">%ld%s</span>"
            "</figcaption>\n<svg viewBox=\"0 0 %d 30\" preserveAspectRatio=\"none\" role=\"img\" "
            "aria-label=\"%s: %ld %s, at most %ld %s\"><path d=\"",
            series->title, series->is_gauge ? bars[PLOTS - 1] : sum, series->is_gauge ? " now" : "",
            2 * PLOTS, series->title, series->is_gauge ? bars[PLOTS - 1] : sum,
            series->is_gauge ? "now" : "in the last 10 minutes", top,
            series->is_gauge ? "at a time" : "within 10 seconds");
    for (int i = 0; i < PLOTS; i++)
        if (bars[i] > 0)
            fprintf(out, "M%d 30v-%.2fh1.6V30z", 2 * i, 29 * (double)bars[i] / (double)top);
    fprintf(out, "\"/></svg><p class=\"soft\">at most %ld%s</p></figure>\n", top,
            series->is_gauge ? "" : " in 10 seconds");
}

static void put_traffic(FILE *out, long values[HISTORY_COUNT][METRIC_COUNT], size_t count)
{
    long bars[PLOTS];

    fputs("<section aria-labelledby=\"traffic\">\n<h2 id=\"traffic\">The last 10 minutes</h2>\n"
          "<div class=\"plots\">\n",
          out);
    for (size_t i = 0; i < sizeof(all_series) / sizeof(all_series[0]); i++) {
        bars_of(&all_series[i], values, count, bars);
        put_plot(out, &all_series[i], bars);
    }
    fputs("</div>\n</section>\n", out);
}

/* The value of a reason's label. */
static void put_reason(FILE *out, enum metric metric)
{
    const char *label = strchr(metrics_labels(metric), '"');

    for (label = label == NULL ? "" : label + 1; *label != '\0' && *label != '"'; label++)
        (void)fputc(*label, out);
}

static void put_refusals(FILE *out, long values[HISTORY_COUNT][METRIC_COUNT], size_t count)
{
    bool any = false;

    fputs("<section aria-labelledby=\"refusals\">\n<h2 id=\"refusals\">Refusals</h2>\n", out);
    for (enum metric metric = METRIC_REFUSED_HANDSHAKE; metric <= METRIC_REFUSED_ADDRESS;
         metric++) {
        const long all = metrics_get(metric);

        if (all == 0)
            continue;
        if (!any)
            fputs("<table><thead><tr><th scope=\"col\">Reason</th><th scope=\"col\" "
                  "class=\"number\">Last 10 minutes</th><th scope=\"col\" class=\"number\">Since "
                  "the start</th></tr></thead>\n<tbody>\n",
                  out);
        any = true;
        fputs("<tr><th scope=\"row\">", out);
        put_reason(out, metric);
        fprintf(out, "</th><td class=\"number\">%ld</td><td class=\"number\">%ld</td></tr>\n",
                count == 0 ? all : all - values[0][metric], all);
    }
    fputs(any ? "</tbody></table>\n</section>\n"
              : "<p class=\"soft\">None since the start.</p>\n</section>\n",
          out);
}

static void put_events(FILE *out)
{
    char(*lines)[LOG_LINE_MAX + 1] = OPENSSL_malloc(LOG_RECENT_COUNT * sizeof(*lines));
    const size_t count = lines == NULL ? 0 : log_recent_look(lines);

    fputs("<section aria-labelledby=\"events\">\n<h2 id=\"events\">The last events, newest "
          "first</h2>\n<ol>\n",
          out);
    for (size_t i = 0; i < count; i++) {
        fputs(strstr(lines[i], " severity=err ") != NULL       ? "<li class=\"bad\">"
              : strstr(lines[i], " severity=warning ") != NULL ? "<li class=\"warn\">"
                                                               : "<li>",
              out);
        put_html(out, lines[i]);
        fputs("</li>\n", out);
    }
    fputs("</ol>\n</section>\n", out);
    OPENSSL_free(lines);
}

static void put_foot(FILE *out)
{
    fprintf(
        out,
        "<footer class=\"soft\"><p>e2e-as %s, OpenSSL %s. Devices: %ld, Ka's: %ld</p></footer>\n"
        "</body>\n</html>\n",
        AKMA_VERSION, OpenSSL_version(OPENSSL_VERSION_STRING), metrics_get(METRIC_DEVICES),
        metrics_get(METRIC_KAS));
}

static void put_page(FILE *out, const struct overview *overview, bool refreshes,
                     long values[HISTORY_COUNT][METRIC_COUNT])
{
    const size_t count = history_look(values);
    char *readiness;
    const bool is_ready = readiness_text(overview->heartbeat, overview->is_strict, &readiness);

    put_head(out, is_ready, refreshes);
    put_summary(out, overview, is_ready, refreshes);
    fputs("<main>\n", out);
    if (!is_ready && readiness != NULL)
        put_reasons(out, readiness);
    put_dependencies(out);
    put_traffic(out, values, count);
    put_refusals(out, values, count);
    put_certificates(out);
    put_events(out);
    fputs("</main>\n", out);
    put_foot(out);
    free(readiness);
}

char *overview_html(const struct overview *overview, bool refreshes)
{
    long(*values)[METRIC_COUNT] = OPENSSL_malloc(HISTORY_COUNT * sizeof(*values));
    char *text = NULL;
    size_t size = 0;
    FILE *out = values == NULL ? NULL : open_memstream(&text, &size);

    if (out != NULL)
        put_page(out, overview, refreshes, values);
    OPENSSL_free(values);
    if (out == NULL || fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
