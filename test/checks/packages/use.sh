#!/bin/sh
# In a root that never saw a compiler, by packages.sh: install the packages, use them, take the module away, purge; then
# debian/tests once more, as autopkgtest runs them.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
cd /packages
config=/etc/akma/openssl.cnf

# Everything that is there, without what apt and dpkg keep for themselves.
list() {
    find / -xdev \( -path /packages -o -path /project -o -path /proc -o -path /dev -o -path /sys -o -path /tmp \
        -o -path /run -o -path /var/log -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg \
        -o -name __pycache__ \) -prune -o -print | sort
}

# The packages' dependencies first, so that what is there afterwards can be compared.
dependencies() {
    for package in *.deb; do
        dpkg-deb -f "$package" Depends | tr ',' '\n' | sed '/akma/d; /^ *$/d'
    done | sort -u | paste -sd ','
}

# Try until it works, for as long as a busy machine may need to start a server.
until_it_works() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 40 ] || return 1
        sleep 0.5
    done
}

# Configured for all of these, and gone: nothing breaks.
without_the_module() {
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
        -keyout /tmp/key.pem -out /tmp/cert.pem 2>/dev/null
    timeout 60 openssl s_server -accept 127.0.0.1:4499 -key /tmp/key.pem -cert /tmp/cert.pem -www >/dev/null 2>&1 &
    server=$!
    until_it_works curl --silent --fail --output /dev/null --cacert /tmp/cert.pem https://127.0.0.1:4499/
    /usr/bin/python3 -c 'import ssl, urllib.request
context = ssl.create_default_context(cafile="/tmp/cert.pem")
assert urllib.request.urlopen("https://127.0.0.1:4499/", context=context).status == 200'
    kill "$server"
    ssh_login
    [ -n "$(openssl rand -hex 8)" ]
    openssl kdf -keylen 32 AKMA-E2E 2>&1 | grep -q -e 'Invalid KDF name' -e unsupported
}

# A server and a client of ssh, both with the configuration.
ssh_login() {
    mkdir -p /run/sshd /tmp/ssh
    ssh-keygen -q -t rsa -N '' -f /tmp/ssh/host
    ssh-keygen -q -t ed25519 -N '' -f /tmp/ssh/user
    chmod 700 /tmp/ssh
    timeout 60 /usr/sbin/sshd -D -f none -p 4498 -h /tmp/ssh/host -o ListenAddress=127.0.0.1 -o StrictModes=no \
        -o AuthorizedKeysFile=/tmp/ssh/user.pub -o UsePAM=no 2>/tmp/ssh/log &
    server=$!
    until_it_works ssh -F none -p 4498 -i /tmp/ssh/user -o BatchMode=yes -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1 echo logged in >/tmp/ssh/said 2>/dev/null ||
        cat /tmp/ssh/log
    kill "$server"
    grep -q '^logged in$' /tmp/ssh/said
}

apt-get -qq update
apt-get -qq satisfy --no-install-recommends "$(dependencies)" >/dev/null
apt-get -qq install --no-install-recommends openssl curl openssh-client openssh-server gcc libc6-dev pkgconf \
    mosquitto mosquitto-clients libssl-dev >/dev/null
list >/tmp/before

apt-get -qq install --no-install-recommends ./*.deb >/dev/null
echo "installed: $(dpkg-query -W -f '${Package} ${Version}, ' '*akma*')"
[ -z "$(find /etc/systemd -name '*e2e*')" ] # no unit is enabled
cd /project
tests=$(sed -n 's/^Tests: //p' debian/tests/control)
[ -n "$tests" ]
for test in $tests; do
    echo "$test"
    "debian/tests/$test" >/tmp/log 2>&1 || {
        cat /tmp/log
        exit 1
    }
done
OPENSSL_CONF=$config akma doctor
module=$(dpkg -L openssl-provider-akma | grep '/akma\.so$')
mv "$module" /tmp/akma.so
(export OPENSSL_CONF=$config && without_the_module)
mv /tmp/akma.so "$module"
echo "nothing breaks without the module"

dpkg-query -W -f '${Package}\n' '*akma*' | xargs apt-get -qq purge >/dev/null
list >/tmp/after
diff /tmp/before /tmp/after
left=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' '*akma*' 2>/dev/null | grep -v not-installed || true)
[ -z "$left" ]
echo "purged without a trace"

# autopkgtest installs the packages by itself, from a repository that it makes, with what each test asks for.
apt-get -qq install --no-install-recommends autopkgtest >/dev/null
autopkgtest --no-built-binaries /packages/*.deb /project/ -- null >/tmp/autopkgtest 2>&1 || {
    tail -n 60 /tmp/autopkgtest
    exit 1
}
sed -n '/@@@@@@@@@@@@@@@@@@@@ summary/,$p' /tmp/autopkgtest
