/*
 * attempts LIFETIME INTERVAL: when e2e-ue would bootstrap: "renewal N" for a key of so many
 * seconds, "spread N", in ms, for refusals, "begun N", in ms, after an attempt that succeeds, then
 * "pause N", in ms, for each of twenty attempts in a row that are of no use
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/attempts.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char *argv[])
{
    struct attempts attempts = {.interval_s = 1};
    int64_t now = 1;

    if (argc != 3)
        return 2;
    attempts.interval_s = (unsigned int)strtoul(argv[2], NULL, 10);
    for (int i = 0; i < 50; i++)
        printf("renewal %lld\n", (long long)attempts_renewal(strtoll(argv[1], NULL, 10)));
    for (int i = 0; i < 50; i++) {
        attempts.next = 0;
        attempts_spread(&attempts, now);
        printf("spread %lld\n", (long long)(attempts.next - now));
    }
    attempts.next = 0;
    attempts_begin(&attempts, now);
    printf("begun %lld\n", (long long)(attempts.next - now));
    for (int i = 0; i < 20; i++) {
        attempts_begin(&attempts, now);
        attempts_failed(&attempts, now);
        printf("pause %lld\n", (long long)(attempts.next - now));
        now = attempts.next;
    }
    return 0;
}
