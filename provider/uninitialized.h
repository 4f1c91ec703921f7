/*
 * UNINITIALIZED before a large variable of a derivation: what is read of it is written first
 *
 * The build has compilers write zeros to every variable (-ftrivial-auto-var-init,
 * cmake/harden.cmake). To these, that alone would take a third of a derivation beside its HMAC.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_UNINITIALIZED_H
#define AKMA_UNINITIALIZED_H

#if __has_attribute(uninitialized)
#    define UNINITIALIZED __attribute__((uninitialized))
#else
#    define UNINITIALIZED
#endif

#endif
