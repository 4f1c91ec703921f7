/*
 * How often each question was put to the policy
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ASKED_H
#define ASKED_H

#include <stddef.h>

extern struct asked_of_policy {
    size_t error, permits;
} asked_of_policy;

#endif
