/*
 * derive - every derivation of standard input through the EVP_KDF of the OpenSSL inside this node
 *
 *     node derive.js <folder of akma.so> < cases.json
 *
 * A case (cases.py) is {name, algorithm, length, params: [[name, type, hex]], key}. Each is derived three
 * times: twice on one context, and on a duplicate of it. Exit status 1 if a key differs from the case's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
"use strict";
const fs = require("fs");
const koffi = require("koffi");

koffi.struct("OSSL_PARAM", {
    key: "const char *",
    data_type: "unsigned int",
    data: "uint8_t *",
    data_size: "size_t",
    return_size: "size_t",
});
const crypto = koffi.load(null);
const OSSL_LIB_CTX_new = crypto.func("void *OSSL_LIB_CTX_new()");
const OSSL_PROVIDER_set_default_search_path = crypto.func(
    "int OSSL_PROVIDER_set_default_search_path(void *libctx, const char *path)");
const OSSL_PROVIDER_load = crypto.func("void *OSSL_PROVIDER_load(void *libctx, const char *name)");
const EVP_KDF_fetch = crypto.func(
    "void *EVP_KDF_fetch(void *libctx, const char *algorithm, const char *properties)");
const EVP_KDF_free = crypto.func("void EVP_KDF_free(void *kdf)");
const EVP_KDF_CTX_new = crypto.func("void *EVP_KDF_CTX_new(void *kdf)");
const EVP_KDF_CTX_dup = crypto.func("void *EVP_KDF_CTX_dup(void *ctx)");
const EVP_KDF_CTX_free = crypto.func("void EVP_KDF_CTX_free(void *ctx)");
const EVP_KDF_CTX_set_params = crypto.func("int EVP_KDF_CTX_set_params(void *ctx, OSSL_PARAM *params)");
const EVP_KDF_derive = crypto.func(
    "int EVP_KDF_derive(void *ctx, _Out_ uint8_t *key, size_t length, void *params)");
const ERR_get_error = crypto.func("unsigned long ERR_get_error()");
const ERR_error_string = crypto.func("const char *ERR_error_string(unsigned long code, void *room)");

/* The value if it is one; otherwise the end, with what OpenSSL says. */
function must(value, call) {
    if (value === null || value === 0)
        throw new Error(`${call}: ${ERR_error_string(ERR_get_error(), null)}`);
    return value;
}

function paramsOf(one) {
    const params = one.params.map(([key, data_type, hex]) => {
        const octets = Buffer.from(hex, "hex");
        const data = octets.length > 0 ? octets : Buffer.alloc(1);
        return { key, data_type, data, data_size: octets.length, return_size: 0 };
    });
    return [...params, { key: null, data_type: 0, data: null, data_size: 0, return_size: 0 }];
}

function deriveOn(ctx, length) {
    const key = Buffer.alloc(length);
    must(EVP_KDF_derive(ctx, key, length, null), "EVP_KDF_derive");
    return key.toString("hex");
}

/* The keys of one case: the first, the second and the duplicate's. */
function derive(libctx, one) {
    const kdf = must(EVP_KDF_fetch(libctx, one.algorithm, "provider=akma"), one.algorithm);
    const ctx = must(EVP_KDF_CTX_new(kdf), "EVP_KDF_CTX_new");
    must(EVP_KDF_CTX_set_params(ctx, paramsOf(one)), "EVP_KDF_CTX_set_params");
    const keys = [deriveOn(ctx, one.length), deriveOn(ctx, one.length)];
    const duplicate = must(EVP_KDF_CTX_dup(ctx), "EVP_KDF_CTX_dup");
    keys.push(deriveOn(duplicate, one.length));
    for (const used of [ctx, duplicate])
        EVP_KDF_CTX_free(used);
    EVP_KDF_free(kdf);
    return keys;
}

/* How many keys of the cases were right and how many were not, which are named on standard error. */
function run(cases, modules) {
    const libctx = must(OSSL_LIB_CTX_new(), "OSSL_LIB_CTX_new");
    OSSL_PROVIDER_set_default_search_path(libctx, modules);
    for (const provider of ["default", "akma"])
        must(OSSL_PROVIDER_load(libctx, provider), `OSSL_PROVIDER_load ${provider}`);
    let passed = 0, failed = 0;
    for (const one of cases)
        derive(libctx, one).forEach((key, turn) => {
            if (key === one.key) {
                passed++;
                return;
            }
            failed++;
            console.error(`${one.name}, turn ${turn + 1}: ${key.slice(0, 64)}, wanted ${one.key.slice(0, 64)}`);
        });
    return [passed, failed];
}

const version = `OpenSSL ${process.versions.openssl}`;
try {
    const [passed, failed] = run(JSON.parse(fs.readFileSync(0)), process.argv[2]);
    console.log(`${version}: ${passed} passed, ${failed} failed`);
    process.exitCode = failed > 0 ? 1 : 0;
} catch (error) {
    console.log(`${version}: ${error.message}`);
    process.exitCode = 1;
}
