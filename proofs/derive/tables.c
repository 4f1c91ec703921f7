/*
 * The module's digests and modes, but for the search by name: stubs/forms.c has its contract
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define digest_find digest_find_by_name
#define mode_find   mode_find_by_name
#include "../../provider/digests.c"
#include "../../provider/modes.c"
