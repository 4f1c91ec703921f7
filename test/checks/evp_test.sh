#!/bin/sh
# OpenSSL's own test program on the module: evp_test, from the source package of the OpenSSL that is installed, runs the
# module's vectors and refusals as stanzas; and OpenSSL's own tests of its KDFs give with the module loaded what
# they give without it. About a minute, of which most is downloading. As root, on Debian.
#
#   test/checks/evp_test.sh
#
# The exit status is 77 where the source cannot be got.
#
# AKMA_BUILD   build folder, default build/evp_test; the source is kept there, and used again
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${AKMA_BUILD:-$root/build/evp_test}
source=$build/source
"$root/scripts/install-packages.sh" cmake ninja-build gcc libc6-dev libssl-dev pkg-config openssl ca-certificates
mkdir -p "$build"
build=$(cd "$build" && pwd)
cmake -S "$root" -B "$build" -G Ninja >/dev/null
cmake --build "$build" --target akma -- --quiet

# apt's lists have the package's sources where the administrator wanted them; these are ours.
apt_get() {
    apt-get -qq -o Dir::Etc::SourceList="$build/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$build/lists" -o APT::Sandbox::User=root "$@"
}

# The versions of the source package, first the one that is installed: a mirror may not have that any more.
versions() {
    generation=$(openssl version | sed 's/^OpenSSL \([0-9]*\.[0-9]*\)\..*/\1/')
    dpkg-query -W -f '${source:Version}\n' libssl-dev
    apt-cache -o Dir::Etc::SourceList="$build/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$build/lists" showsrc --only-source openssl | sed -n 's/^Version: //p' |
        grep "^$generation\."
}

get_tar() {
    for version in $(versions); do
        (cd "$build" && apt_get source --download-only --tar-only "openssl=$version") 2>/dev/null && return
    done
    return 1
}

get_source() {
    mkdir -p "$build/lists/partial"
    # shellcheck disable=SC2016 # apt's variables
    apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' \
        'Origin: Debian' | sort -u >"$build/sources.list"
    apt_get update && get_tar || return 1
    mkdir "$source.part"
    tar -xf "$(find "$build" -maxdepth 1 -name 'openssl_*.orig.tar.*' | head -n 1)" -C "$source.part" \
        --strip-components=1 --exclude='*/doc/*' --exclude='*/fuzz/*'
    # The longest vector has a line of 16 thousand characters.
    sed -i 's/char buff\[[0-9]*\]/char buff[65536]/' "$source.part/test/testutil.h"
    mv "$source.part" "$source"
}

# What evp_test needs of the source, against the libcrypto that is installed; functions that would need its insides
# are not called, and left out.
compile() {
    mkdir -p "$build/objects"
    # OpenSSL 4.0 lets tests bring randomness of their own, by its insides; stanzas of KDFs bring none.
    cat >"$build/no_randomness.c" <<'END'
void *fake_rand_start(void *libctx) { return libctx == 0 ? "" : libctx; }
void fake_rand_finish(void *started) { (void)started; }
void fake_rand_set_public_private_callbacks(void *libctx) { (void)libctx; }
END
    set -- -w -ffunction-sections -fdata-sections -I "$source/include" -I "$source/apps/include" -I "$source"
    # shellcheck disable=SC2046 # a list of files
    (cd "$build/objects" && gcc "$@" -c $(find "$source/test/testutil" -name '*.c' ! -name fake_random.c) \
        "$source/apps/lib/opt.c" "$build/no_randomness.c" && rm -f libtestutil.a && ar rc libtestutil.a ./*.o)
    gcc "$@" -Wl,--gc-sections -o "$build/evp_test" "$source/test/evp_test.c" "$build/objects/libtestutil.a" -lcrypto
}

# configuration <name> <provider>=<file> ...
configuration() {
    name=$1
    shift
    {
        printf 'openssl_conf = init\n[init]\nproviders = providers\n[providers]\n'
        for provider; do
            echo "${provider%%=*} = ${provider%%=*}_section"
        done
        for provider; do
            printf '[%s_section]\nactivate = 1\nmodule = %s\n' "${provider%%=*}" "${provider#*=}"
        done
    } | sed '/^module = $/d' >"$build/$name.cnf"
}

# evp_test with a configuration, every word of its output and how it ended.
run() {
    "$build/evp_test" -config "$build/$1.cnf" "$2" 2>&1 && echo "passed" || echo "failed"
}

[ -d "$source" ] || get_source || {
    echo "evp_test: the source of openssl cannot be got"
    exit 77
}
compile
legacy=$(openssl version -m | sed 's/.*"\(.*\)"/\1/')/legacy.so
[ -e "$legacy" ] && legacy=legacy=$legacy || legacy=
# shellcheck disable=SC2086 # no legacy provider, no word
configuration without default= $legacy
# shellcheck disable=SC2086
configuration with default= $legacy "akma=$build/akma.so"

stanzas=$root/test/vectors/evpkdf_akma.txt
wanted=$(grep -c '^KDF = ' "$stanzas")
run with "$stanzas" >"$build/akma.out"
grep -q "Completed $wanted tests with 0 errors and 0 skipped" "$build/akma.out" || {
    cat "$build/akma.out"
    exit 1
}
count=0
for file in "$source"/test/recipes/30-test_evp_data/evpkdf_*.txt; do
    run without "$file" >"$build/without.out"
    run with "$file" >"$build/with.out"
    diff "$build/without.out" "$build/with.out"
    grep -q '# Completed [1-9]' "$build/with.out"
    count=$((count + 1))
done
[ "$count" -gt 10 ]
version=$(openssl version | cut -d ' ' -f 1,2)
echo "evp_test of $version: $wanted stanzas of the module, and $count files of OpenSSL's own as without it"
