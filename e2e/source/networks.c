/*
 * Networks that look-ups come from, and rates: when each was served
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/networks.h"

#include "net/addr.h"

#include <openssl/crypto.h>
#include <search.h>
#include <string.h>

#define SECOND    1000   /* ms */
#define MEMORY    300000 /* ms */
#define KNOWN_MAX 65536  /* networks */
#define LITTLE    4      /* wanted within MEMORY */

struct rate *rate_new(unsigned int max)
{
    struct rate *rate = OPENSSL_zalloc(sizeof(*rate) + max * sizeof(rate->starts[0]));

    if (rate == NULL)
        return NULL;
    rate->max = max;
    for (size_t i = 0; i < max; i++)
        rate->starts[i] = NETWORK_NEVER;
    return rate;
}

bool rate_allows(const struct rate *rate, int64_t now)
{
    return now - rate->starts[rate->next] >= SECOND;
}

void rate_count(struct rate *rate, int64_t now)
{
    rate->starts[rate->next] = now;
    rate->next = (rate->next + 1) % rate->max;
}

static int compare_networks(const void *one, const void *other)
{
    return memcmp(((const struct network *)one)->address, ((const struct network *)other)->address,
                  ADDR_NETWORK_SIZE);
}

static void network_free(struct network *network)
{
    if (network != NULL)
        OPENSSL_free(network->rate);
    OPENSSL_free(network);
}

static void forget(struct networks *networks, struct network *network)
{
    TAILQ_REMOVE(&networks->all, network, place);
    networks->count--;
    (void)tdelete(network, &networks->tree, compare_networks);
    network_free(network);
}

static void make_room(struct networks *networks)
{
    struct network *network = NULL;

    if (networks->count < KNOWN_MAX)
        return;
    TAILQ_FOREACH(network, &networks->all, place)
    {
        if (network->waiting == 0) {
            forget(networks, network);
            return;
        }
    }
}

struct network *networks_find(struct networks *networks, const struct sockaddr *peer)
{
    struct network wanted, *network, *const *found;

    memset(wanted.address, 0, ADDR_NETWORK_SIZE);
    (void)addr_network(peer, wanted.address);
    found = tfind(&wanted, &networks->tree, compare_networks);
    if (found != NULL)
        return *found;
    make_room(networks);
    network = OPENSSL_zalloc(sizeof(*network));
    if (network == NULL)
        return NULL;
    memcpy(network->address, wanted.address, ADDR_NETWORK_SIZE);
    network->served = NETWORK_NEVER;
    network->rate = rate_new(networks->rate);
    if (network->rate == NULL || tsearch(network, &networks->tree, compare_networks) == NULL) {
        network_free(network);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&networks->all, network, place);
    networks->count++;
    return network;
}

void networks_want(struct networks *networks, struct network *network, int64_t now)
{
    if (network->wanted == 0 || now - network->since >= MEMORY) {
        network->since = now;
        network->wanted = 0;
        network->credit = 0;
    }
    network->wanted++;
    network->seen = now;
    TAILQ_REMOVE(&networks->all, network, place);
    TAILQ_INSERT_TAIL(&networks->all, network, place);
}

void networks_serve(struct network *network, int64_t now)
{
    network->served = now;
    rate_count(network->rate, now);
}

enum priority { PRIORITY_PROVEN, PRIORITY_NEW, PRIORITY_SUSPECT };

static enum priority priority_of(const struct network *network)
{
    if (network->credit > 0)
        return PRIORITY_PROVEN;
    return network->credit == 0 && network->wanted <= LITTLE ? PRIORITY_NEW : PRIORITY_SUSPECT;
}

bool networks_has_priority(const struct network *one, const struct network *other)
{
    const enum priority a = priority_of(one), b = priority_of(other);

    if (a != b)
        return a < b;
    return one->served != other->served ? one->served < other->served : one->since > other->since;
}

void networks_sweep(struct networks *networks, int64_t now)
{
    struct network *network = TAILQ_FIRST(&networks->all), *next;

    for (; network != NULL && now - network->seen >= MEMORY; network = next) {
        next = TAILQ_NEXT(network, place);
        if (network->waiting == 0)
            forget(networks, network);
    }
}

void networks_open(struct networks *networks, unsigned int rate)
{
    networks->tree = NULL;
    networks->rate = rate;
    networks->count = 0;
    TAILQ_INIT(&networks->all);
}

static void free_node(void *network)
{
    network_free(network);
}

void networks_close(struct networks *networks)
{
    tdestroy(networks->tree, free_node);
    networks->tree = NULL;
}
