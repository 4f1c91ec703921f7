/*
 * Where Ka comes from: what is the same for every source
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_source.h"

#include <stdio.h>

void ka_answer_set(struct ka_answer *answer, enum ka_result result, const char *reason)
{
    *answer = (struct ka_answer){.result = result};
    (void)snprintf(answer->reason, sizeof(answer->reason), "%s", reason == NULL ? "" : reason);
}

void ka_source_stop(struct ka_source *source)
{
    if (source != NULL)
        source->ops->stop(source);
}

void ka_source_free(struct ka_source *source)
{
    if (source != NULL)
        source->ops->free(source);
}
