/*
 * The numbers and words of e2e-as's options, understood
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef APP_SERVER_SETTINGS_H
#define APP_SERVER_SETTINGS_H

#include "as/app_server_options.h"
#include "as/ua_protocol_ids.h"
#include "messages/identity.h"
#include "ops/log.h"
#include "server/server.h"
#include "session/ue_service.h"

#define LIFETIME_TOP 86400 /* --refresh-lifetime: seconds, a day */

struct app_server_settings {
    struct limits limits;
    unsigned int connections_max, per_source, per_device; /* connections at a time */
    unsigned int connections;                             /* in all; 0: without end */
    unsigned int lifetime, drain;                         /* seconds */
    unsigned int reload_interval; /* seconds; 0: files are read when somebody says so */
    enum log_level log_level;
    enum log_identities log_identities;
    enum when when;
    struct identity_rules identities;
    enum ua_versions versions; /* of first connections */
    struct ua_protocol_ids ua_protocol_ids;
    unsigned char file_ids[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH]; /* what its keys are for */
};

/* Understand the options, or exit with a sentence on standard error. */
void app_server_settings_read(struct app_server_settings *settings,
                              const struct app_server_options *options);

#endif
