#!/bin/sh
# On a machine of its own that systemd has started (test/checks/packages/machine.sh): the packages are installed, a service is
# started by its sample, flows, reloads, is upgraded, and purged.
#
# SPDX-License-Identifier: Apache-2.0
set -eux
conf=/etc/akma/all.conf
devices=/etc/akma/all/devices.csv
ue=/srv/ue.csv

# Installed: users and folders are there, and nothing runs.
dpkg -i /packages/*.deb
for role in all naf third-party endpoint ue; do
    getent passwd "akma-e2e-$role" >/dev/null
    [ "$(stat -c '%a %U %G' "/etc/akma/$role")" = "2750 root akma-e2e-$role" ]
done
[ -z "$(systemctl list-units --no-legend 'e2e-*.service')" ]

# Not before the sample is filled in, and it says why.
if systemctl start e2e-as-all; then exit 1; fi
journalctl --no-pager -u e2e-as-all | grep -F -- '--naf-fqdn NAME is missing'
systemctl reset-failed e2e-as-all

# Its three marked lines, and it serves.
[ "$(grep -c '^# <-- ' "$conf")" -eq 3 ]
sed -i 's/^#\(naf-fqdn\|devices\|forward\) /\1 /' "$conf"
akma ka new --identity ue1@bsf.example.com --out /srv/ka.csv
akma ka add --new --devices "$devices" --in /srv/ka.csv
ks_naf=$(openssl rand -hex 32)
sed -i "s/^ue1@bsf.example.com,,/ue1@bsf.example.com,$ks_naf,/" "$devices"
[ "$(stat -c '%a %U %G' "$devices")" = "640 root akma-e2e-all" ]
cp "$devices" "$ue"
chown root:root "$ue"
chmod 600 "$ue"
mkdir -p /srv/page
echo 'through the package' >/srv/page/index.html
systemd-run --quiet --unit page python3 -m http.server --bind 127.0.0.1 --directory /srv/page 8080
systemctl start e2e-as-all
systemctl is-active e2e-as-all
curl --silent --fail --retry 20 --retry-delay 1 --retry-all-errors http://127.0.0.1:9433/readyz | grep '^ready$'

# The device, by its own unit.
install -m 640 -o root -g akma-e2e-ue "$ue" /etc/akma/ue/devices.csv
sed -i -e 's/^#connect .*/connect 127.0.0.1:4433/' -e 's/^#naf-fqdn/naf-fqdn/' -e 's/^#identity/identity/' \
    -e 's/^#e2e-connect .*/e2e-connect 127.0.0.1:4434/' /etc/akma/ue.conf
systemctl start e2e-ue
flow() {
    curl --silent --fail --retry 20 --retry-delay 1 --retry-all-errors http://127.0.0.1:4480/ | grep '^through the package$'
}
flow

# A reload that is refused fails, and the server goes on.
cp "$devices" /srv/good.csv
echo nonsense >>"$devices"
if systemctl reload e2e-as-all; then exit 1; fi
flow
cat /srv/good.csv >"$devices"
systemctl reload e2e-as-all

# Several endpoints of one host, as hard as every unit.
for property in LimitCORE NoNewPrivileges ProtectSystem; do
    [ "$(systemctl show -p "$property" e2e-as-endpoint@one)" = "$(systemctl show -p "$property" e2e-as-all)" ]
done
systemctl show -p ExecStart e2e-as-endpoint@one | grep endpoint-one.conf

# Upgraded while it runs: it serves, with its configuration.
dpkg -i /packages/*.deb
systemctl is-active e2e-as-all e2e-ue
grep '^naf-fqdn naf.example.com$' "$conf"
flow
systemctl restart e2e-as-all
flow

# Purged: nothing runs; what somebody has put there stays, and nothing else.
dpkg-query -W -f '${Package}\n' '*akma*' | xargs dpkg --purge
if systemctl is-active e2e-as-all || systemctl is-active e2e-ue; then exit 1; fi
[ "$(find /etc/akma | sort | tr '\n' ' ')" = "/etc/akma /etc/akma/all $devices /etc/akma/ue /etc/akma/ue/devices.csv " ]
if find /usr -name 'e2e-*' -o -name '*akma*' | grep .; then exit 1; fi
echo "systemd: installed, started, reloaded, upgraded, purged" >/result
