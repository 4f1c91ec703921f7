/*
 * The PIN of a card, from where a program takes secrets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef USIM_PIN_H
#define USIM_PIN_H

#include "secret_source.h"

#define USIM_PIN_SIZE 17 /* more than a PIN: one that is too long is refused when it is tried */

/*
 * Read it as a text, without its line end. If others can read the file, note gets a warning; with a
 * NULL note it is refused. False: fault says why, without the PIN. Cleanse it.
 */
bool usim_pin_read(char pin[USIM_PIN_SIZE], const char *source, void (*note)(const char *warning),
                   char fault[SECRET_FAULT_SIZE]);

#endif
