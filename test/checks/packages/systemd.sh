#!/bin/sh
# On a machine of its own that systemd has started (test/checks/packages/machine.sh): the packages are installed, a service is
# started by its sample, flows, reloads, has its logs rotated; separate roles are set up, with two endpoints, upgraded to another
# version as docs/operations.md says, and purged.
#
# SPDX-License-Identifier: Apache-2.0
set -eux
trap 'systemctl list-units --failed; journalctl --no-pager -n 40' EXIT # for the log, where it fails
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
until journalctl --no-pager -u e2e-as-all | grep -F -- '--naf-fqdn NAME is missing'; do sleep 0.2; done
systemctl reset-failed e2e-as-all

# Its three marked lines, and it serves. With logs of its own.
logs=/var/log/e2e-as-all
printf '%s\n' "log-file $logs/e2e-as.log" "audit-log $logs/audit.log" >>"$conf"
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

# Its logs are rotated by the package's file, at the running unit: it goes on in new ones, and no line is lost.
[ "$(stat -c '%a %U' "$logs")" = "750 akma-e2e-all" ]
until grep event=key-issued "$logs/audit.log"; do sleep 0.2; done # lines are written a little later
issued=$(grep -c event=key-issued "$logs/audit.log")
logrotate --force /etc/logrotate.d/akma-tools
until cat "$logs"/e2e-as.log* | grep 'event=reopen .*result=done file=.*/audit.log'; do sleep 0.2; done
flow
until grep event=key-issued "$logs/audit.log"; do sleep 0.2; done
until grep event=flag "$logs/e2e-as.log"; do sleep 0.2; done
[ "$(grep -c event=key-issued "$logs/audit.log.1")" -ge "$issued" ]
[ "$(stat -c '%a %U' "$logs/audit.log" "$logs/e2e-as.log")" = "$(stat -c '%a %U' "$logs/audit.log.1" "$logs/e2e-as.log.1")" ]

# A reload that is refused fails, and the server goes on.
cp "$devices" /srv/good.csv
echo nonsense >>"$devices"
if systemctl reload e2e-as-all; then exit 1; fi
flow
cat /srv/good.csv >"$devices"
systemctl reload e2e-as-all

# Upgraded while it runs: it serves, with its configuration.
dpkg -i /packages/*.deb
systemctl is-active e2e-as-all e2e-ue
grep '^naf-fqdn naf.example.com$' "$conf"
flow
systemctl restart e2e-as-all
flow
systemctl stop e2e-ue e2e-as-all

# Separate roles, by what akma setup has written: the commands of its README that are for a role's own host.
site=/etc/akma/site
echo '127.0.0.1 localhost naf.example.com' >>/etc/hosts
akma setup "$site" --naf-fqdn naf.example.com --third-party localhost --endpoint localhost --redis
akma ka add --new --devices "$site/third-party/devices.csv" --in /srv/ka.csv
sed -n "/^ue1@/p" "$ue" >>"$site/ue/devices.csv"
sed "s/^\\(ue1@[^,]*,[^,]*\\),[^,]*,[^,]*/\\1,,/" "$ue" | sed -n '/^ue1@/p' >>"$site/naf/devices.csv"
sed -n 's/^    \(\(chgrp\|echo\|systemctl\) .*\)/\1/p' "$site/README.md" | grep -v reload >/srv/commands
[ "$(wc -l </srv/commands)" -eq 12 ]
sh -eux /srv/commands
systemctl is-active e2e-as-naf e2e-as-third-party e2e-as-endpoint

# Another endpoint of the same host, as hard as every unit, in front of the application.
sed -e 's/:4434/:4444/; s/9434/9444/' -e 's/^# forward .*/forward 127.0.0.1:8080/' "$site/endpoint/endpoint.conf" \
    >/etc/akma/endpoint-one.conf
systemctl start e2e-as-endpoint@one
systemctl is-active e2e-as-endpoint@one
for property in LimitCORE NoNewPrivileges ProtectSystem; do
    [ "$(systemctl show -p "$property" e2e-as-endpoint@one)" = "$(systemctl show -p "$property" e2e-as-all)" ]
done
for way in 4434:4481 4444:4482; do
    systemd-run --quiet --unit "device-${way#*:}" --setenv OPENSSL_CONF=/etc/akma/openssl.cnf e2e-ue --config "$site/ue/ue.conf" \
        --identity ue1@bsf.example.com --e2e-connect "localhost:${way%:*}" --listen "127.0.0.1:${way#*:}"
done
through_one() {
    curl --silent --fail --retry 20 --retry-delay 1 --retry-all-errors http://127.0.0.1:4482/ | grep '^through the package$'
}
echoed() {
    python3 -c 'import socket
with socket.create_connection(("127.0.0.1", 4481), 60) as local:
    local.sendall(b"hello\n")
    assert local.makefile("rb").readline() == b"e2e: hello\n"'
}
through_one
echoed
systemctl reload e2e-as-endpoint@one
through_one

# Another version, by the commands of docs/operations.md; the other endpoint, which nobody has told, runs on.
doc=/usr/share/doc/akma-doc/operations.md
(zcat "$doc.gz" 2>/dev/null || cat "$doc") | sed -n '/^## Upgrade/,$s/^    //p' >/srv/upgrade
[ "$(wc -l </srv/upgrade)" -eq 5 ]
before=$(systemctl show -p MainPID --value e2e-as-endpoint)
old=$(e2e-as --version)
(cd /next && sh -eux /srv/upgrade)
[ "$(e2e-as --version)" != "$old" ]
new=$(dpkg-query -W -f '${Version}' akma-tools)
until curl --silent http://127.0.0.1:9434/metrics | grep "^e2e_build_info{version=\"${new%-*}\""; do sleep 0.5; done
[ "$(systemctl show -p MainPID --value e2e-as-endpoint)" != "$before" ]
systemctl is-active e2e-as-endpoint
echoed
through_one
systemctl restart e2e-as-endpoint@one
through_one
[ -z "$(systemctl list-units --no-legend --failed)" ]

# Purged: nothing runs; what somebody has put there stays, and nothing else.
dpkg-query -W -f '${Package}\n' '*akma*' | xargs dpkg --purge
if systemctl is-active e2e-as-all || systemctl is-active e2e-ue; then exit 1; fi
rm -r "$site" /etc/akma/endpoint-one.conf # an administrator's
[ "$(find /etc/akma | sort | tr '\n' ' ')" = "/etc/akma /etc/akma/all $devices /etc/akma/ue /etc/akma/ue/devices.csv " ]
[ "$(find /var/log/e2e-as-* | sort | tr '\n' ' ')" = "$logs $logs/audit.log $logs/audit.log.1 " ] # records stay
if find /usr -name 'e2e-*' -o -name '*akma*' | grep .; then exit 1; fi
echo "systemd: installed, started, reloaded, upgraded, purged" >/result
