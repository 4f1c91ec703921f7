/*
 * Where Ks_NAF comes from: what is the same for every source
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/source.h"

void source_free(struct source *source)
{
    if (source != NULL)
        source->ops->free(source);
}
