#!/bin/sh
# In namespaces that image.sh made: a deployment by the commands of examples/container/compose.yaml, and a flow through it.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$1
name=$2
work=$3
compose=$root/examples/container/compose.yaml
ip link set lo up
mount -t tmpfs none /srv
printf '127.0.0.1 localhost naf.example.com third-party endpoint nginx\n' >"$work/hosts"
mount --bind "$work/hosts" /etc/hosts

# --network host: this namespace's; the limits are those that a machine without privileges of its own permits
podman_here() {
    podman --storage-driver vfs --cgroup-manager cgroupfs --runtime runc "$@"
}
podman_run() {
    podman_here run --rm --network host \
        --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$@"
}
# What this namespace's end does not take along.
end_all() {
    for service in naf third-party endpoint ue; do
        podman_here rm --force --ignore --time 1 "akma-check-$service" >/dev/null 2>&1 || true
    done
}
end_all # of a run that was broken off
trap end_all EXIT
akma() {
    podman_run --user 0:0 --volume /srv:/srv "$name" /usr/bin/akma "$@"
}

# The commands that the file begins with, but for those of compose.
sed -n 's/^#   \(akma setup\|chgrp\)/\1/p' "$compose" >"$work/commands"
[ "$(wc -l <"$work/commands")" -eq 3 ]
# shellcheck disable=SC1091 # made above
. "$work/commands"
chmod 755 /srv/akma # the Redis of this check is no container, and comes by this folder

akma ka new --identity ue1@bsf.example.com --out /srv/ka.csv
for role in third-party ue; do
    akma ka add --new --devices "/srv/akma/$role/devices.csv" --in /srv/ka.csv
done
ks_naf=$(openssl rand -hex 32)
(umask 077 && echo "s/^ue1@bsf.example.com,,/ue1@bsf.example.com,$ks_naf,/" >/srv/edit)
sed -i -f /srv/edit /srv/akma/ue/devices.csv
echo "ue1@bsf.example.com,$ks_naf,,,," >>/srv/akma/naf/devices.csv
chgrp -R 10001 /srv/akma/ue
chmod -R g+rX /srv/akma/ue

printf '%s\n' "pid $work/nginx.pid;" 'daemon off;' 'events {}' "http { access_log off; server {
    listen 127.0.0.1:8080; location / { return 200 \"through containers\\n\"; } } }" >"$work/nginx.conf"
nginx -e "$work/nginx.log" -c "$work/nginx.conf" &
setpriv --reuid 999 --regid 999 --clear-groups redis-server /srv/akma/redis/redis.conf >"$work/redis.log" &

# Each service of the image, as the file has it.
/usr/bin/python3 - "$compose" "$name" >"$work/services" <<'PYTHON'
import shlex
import sys

import yaml

for service, how in yaml.safe_load(open(sys.argv[1]))["services"].items():
    assert how["read_only"] and how["cap_drop"] == ["ALL"], f"{service}: not as hardened as the others"
    if how["image"] != "localhost/akma":
        continue
    assert how["user"] == "10001:10001", f"{service}: another user"
    words = ["--name", f"akma-check-{service}", "--read-only", "--user", how["user"]]
    words += [f"--cap-drop={name}" for name in how["cap_drop"]]
    words += [f"--security-opt={option.replace(':true', '')}" for option in how["security_opt"]]
    words += [f"--volume={volume}" for volume in how["volumes"]]
    print(shlex.join(["podman_run", *words, sys.argv[2], *how["command"]]), "&")
PYTHON
[ "$(wc -l <"$work/services")" -eq 3 ]
# shellcheck disable=SC1091 # made above
. "$work/services"
podman_run --name akma-check-ue --read-only --user 10001:10001 --volume /srv/akma/ue:/srv/akma/ue:ro "$name" \
    /usr/bin/e2e-ue --config /srv/akma/ue/ue.conf --identity ue1@bsf.example.com &

for port in 9433 9434 9435; do
    curl --silent --fail --retry 60 --retry-delay 1 --retry-all-errors "http://127.0.0.1:$port/readyz" | grep '^ready$'
done
curl --silent --fail --retry 60 --retry-delay 1 --retry-all-errors http://127.0.0.1:4480/ | grep '^through containers$'
end_all
echo "4 containers run as their user, with a read-only root, as the compose file says"
