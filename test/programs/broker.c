/*
 * Stands in for the mosquitto broker: loads a plugin, and asks it for the key of each identity
 *
 *     broker PLUGIN [OPTION=VALUE ...] < identities
 *
 * One line out for each line in: the key's hex, or "refused" and what the plugin returned. What the
 * plugin logs goes to standard error. Exit status 3: the plugin did not start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dlfcn.h>
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 8
#define KEY_SIZE    512 /* what mosquitto 2.0 passes: twice libcrypto's longest PSK */

static MOSQ_FUNC_generic_callback callback;
static void *callback_userdata;

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): as the broker has them */
__attribute__((format(printf, 2, 3))) void mosquitto_log_printf(int level, const char *format, ...)
{
    va_list arguments;

    (void)level;
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start() is just above */
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

int mosquitto_callback_register(mosquitto_plugin_id_t *identifier, int event,
                                MOSQ_FUNC_generic_callback function, const void *data,
                                void *userdata)
{
    (void)identifier;
    (void)data;
    if (event != MOSQ_EVT_PSK_KEY)
        return MOSQ_ERR_NOT_SUPPORTED;
    callback = function;
    callback_userdata = userdata;
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_callback_unregister(mosquitto_plugin_id_t *identifier, int event,
                                  MOSQ_FUNC_generic_callback function, const void *data)
{
    (void)identifier;
    (void)event;
    (void)data;
    if (function != callback)
        return MOSQ_ERR_NOT_FOUND;
    callback = NULL;
    return MOSQ_ERR_SUCCESS;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* A function of the plugin; ISO C knows no way from a pointer to an object to one to a function. */
static void find(void *plugin, const char *name, void *function)
{
    void *const found = dlsym(plugin, name);

    if (found == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    memcpy(function, &found, sizeof(found));
}

static void ask(const char *identity)
{
    char key[KEY_SIZE + 1] = "";
    struct mosquitto_evt_psk_key asked = {
        .hint = "hint", .identity = identity, .key = key, .max_key_len = KEY_SIZE};
    const int answered = callback(MOSQ_EVT_PSK_KEY, &asked, callback_userdata);

    if (answered == MOSQ_ERR_SUCCESS)
        (void)puts(key);
    else
        (void)printf("refused %d%s\n", answered, key[0] == '\0' ? "" : " with a key");
    (void)fflush(stdout);
}

static void ask_all(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;

    while ((length = getline(&line, &size, stdin)) > 0) {
        line[length - 1] = '\0';
        ask(line);
    }
    free(line);
}

int main(int argc, char *argv[])
{
    int (*version)(int, const int *);
    int (*init)(mosquitto_plugin_id_t *, void **, struct mosquitto_opt *, int);
    int (*cleanup)(void *, struct mosquitto_opt *, int);
    struct mosquitto_opt options[OPTIONS_MAX];
    const int count = argc - 2, versions[] = {4, 5};
    void *userdata = NULL, *plugin = argc < 2 ? NULL : dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);

    if (plugin == NULL || count > OPTIONS_MAX) {
        (void)fprintf(stderr, "%s\n", argc < 2 ? "broker PLUGIN [OPTION=VALUE ...]" : dlerror());
        return 2;
    }
    find(plugin, "mosquitto_plugin_version", &version);
    find(plugin, "mosquitto_plugin_init", &init);
    find(plugin, "mosquitto_plugin_cleanup", &cleanup);
    for (int i = 0; i < count; i++) {
        options[i].key = argv[i + 2];
        options[i].value = strchr(argv[i + 2], '=');
        *options[i].value++ = '\0';
    }
    if (version(1, versions) != -1 || version(2, versions) != 5)
        return 2;
    if (init(NULL, &userdata, options, count) != MOSQ_ERR_SUCCESS)
        return 3;
    /* The broker reads its configuration again, and what it gave the plugin is lost. */
    for (int i = 0; i < count; i++)
        memset(options[i].value, 'x', strlen(options[i].value));
    ask_all();
    (void)cleanup(userdata, options, count);
    return callback == NULL ? 0 : 2;
}
