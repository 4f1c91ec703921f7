/*
 * Whether this process can serve, and what it depends on
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/readiness.h"

#include "ops/expiry.h"
#include "ops/health.h"
#include "printable.h"

#include <stdlib.h>
#include <time.h>

static bool is_serving(FILE *out)
{
    static const char *const lines[] = {
        [HEALTH_STARTING] = "process: starting\n",
        [HEALTH_SERVING] = "",
        [HEALTH_DRAINING] = "process: draining\n",
    };
    const enum health_phase phase = health_get_phase();

    fputs(lines[phase], out);
    return phase == HEALTH_SERVING;
}

static bool do_loops_turn(FILE *out, const struct heartbeat *heartbeat)
{
    const int64_t age = heartbeat_age(heartbeat);

    if (age < READINESS_STUCK_MS)
        return true;
    fprintf(out, "loops: one of them has not turned for %lld seconds\n", (long long)age / 1000);
    return false;
}

static bool are_certificates_good(FILE *out)
{
    struct expiry files[EXPIRY_FILES_MAX];
    const size_t count = expiry_look(files);
    const int64_t now = (int64_t)time(NULL);
    bool good = true;

    for (size_t i = 0; i < count; i++)
        if (files[i].not_after < now) {
            fprintf(out, "certificate: --%s %s has expired\n", files[i].option,
                    PRINTABLE(files[i].path));
            good = false;
        }
    return good;
}

static void print_since(FILE *out, time_t since)
{
    char shown[32] = "";
    struct tm utc;

    if (gmtime_r(&since, &utc) != NULL)
        (void)strftime(shown, sizeof(shown), "%Y-%m-%dT%H:%M:%SZ", &utc);
    fprintf(out, " since %s", shown);
}

/* False: something that is shared is down. What UEs alone ask counts for a while: where no UE is
 * let in, nobody would ever see it come back. */
static bool are_others_up(FILE *out)
{
    struct health_state state;
    bool up = true;

    for (enum health_part part = 0; part < HEALTH_PARTS; part++) {
        health_look(part, &state);
        if (!state.is_used || state.verdict != HEALTH_DOWN)
            continue;
        fprintf(out, "%s: down", state.name);
        print_since(out, state.since);
        fprintf(out, ": %s\n", PRINTABLE(state.reason));
        up = up && !state.is_fresh;
    }
    return up;
}

bool readiness_text(const struct heartbeat *heartbeat, bool is_strict, char **text)
{
    char *lines = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&lines, &size);
    bool ready = out != NULL, others;

    *text = NULL;
    if (out == NULL)
        return false;
    ready = is_serving(out) && ready;
    ready = do_loops_turn(out, heartbeat) && ready;
    ready = are_certificates_good(out) && ready;
    others = are_others_up(out);
    ready = ready && (others || !is_strict);
    if (fclose(out) == 0 && asprintf(text, "%s\n%s", ready ? "ready" : "not ready", lines) < 0)
        *text = NULL;
    free(lines);
    return ready;
}
