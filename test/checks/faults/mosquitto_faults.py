"""Faults of the mosquitto plugin.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

FAULTS = [
    *of(
        "mosquitto_akma.c",
        ('{"ua_protocol_id", "0100000007"}', '{"ua_protocol_id", "0100000002"}'),
        ('[NAF_FQDN] = {"naf_fqdn", NULL}', '[NAF_FQDN] = {"naf_fqdn", "naf.example.com"}'),
        ("if (option == OPTIONS)", "if (option > OPTIONS)"),
        ("if (plugin->given[option] != NULL)", "if (0)"),
        ("OPENSSL_strdup(options[i].value)", "options[i].value"),
        (
            "if (strlen(hex) != 2 * sizeof(ua) || !hex_decode",
            "if (strlen(hex) < sizeof(ua) || !hex_decode",
        ),
        (".naf_fqdn = plugin->given[NAF_FQDN]", '.naf_fqdn = "naf.example.org"'),
        (".usage = plugin->given[USAGE]", ".usage = NULL"),
        ("== E2E_OPEN ||", "!= E2E_UNAVAILABLE ||"),
        (".ka = ka->ka,", ".ka = device->ks_naf,"),
        (".refresh_length = device->refresh_length", ".refresh_length = 0"),
        ("return MOSQ_ERR_PLUGIN_DEFER;", "return MOSQ_ERR_AUTH;"),
        ("    (void)check_devices(plugin);\n    device = ", "    device = "),
        ("*ka = devices_ka(plugin->watched.devices, device, NULL)", "*ka = device"),
        ("    watched_devices_close(&plugin->watched);\n", ""),
        ("    e2e_close(&plugin->e2e);\n", ""),
        ("    module_close(&plugin->module);\n", ""),
        (".extra = DEVICES_REFRESH", ".extra = 0"),
        (".needs = DEVICES_KS_NAF", ".needs = 0"),
        ("return check_devices(plugin) &&", "(void)check_devices(plugin);\n    return"),
        (
            'identity \\"%s\\" refused: %s", PRINTABLE(identity),',
            'identity \\"%s\\" refused: %s", identity,',
        ),
        ("supported_versions[i] == MOSQ_PLUGIN_VERSION", "supported_versions[i] >= 4"),
        ("events[i].event, events[i].call,\n", "events[i].event, NULL,\n"),
        ("seconds > OVERLAP_MAX)", "false)"),
    ),
    *of(
        "module.c",
        ("CONF_MFLAGS_IGNORE_MISSING_FILE", "CONF_MFLAGS_IGNORE_ERRORS"),
        ("|| !read_configuration(module->libctx)", ""),
        ("!has_module(module->libctx) && !load(module)", "!has_module(module->libctx)"),
        ("!has_module(module->libctx) && !load(module)", "!load(module)"),
        ("        (void)OSSL_PROVIDER_unload(module->loaded);", "        module->loaded = NULL;"),
        ("    OSSL_LIB_CTX_free(module->libctx);\n", ""),
    ),
    *of(
        "watched_devices.c",
        ("    file_watch_reading(&watched->file);\n", ""),
        ("if (watched->devices != NULL && !file_watch_differs", "if (!file_watch_differs"),
        (
            "    watched->before = watched->devices;\n    watched->devices = devices;",
            "    watched->devices = devices;",
        ),
    ),
]

ROOM = Room(
    folder="plugins/mosquitto",
    target="akma mosquitto_akma broker",
    tests=["test_mosquitto_plugin"],
    faults=FAULTS,
)
