#!/bin/sh
# A machine of systemd's own from a folder, by systemd-nspawn, which runs a script and ends: machine.sh FOLDER SCRIPT
# As root. It needs no systemd outside: control groups come from a mount of their own. 77: there are none here.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
folder=$1
cp "$2" "$folder/machine-script"
rm -f "$folder/result" "$folder/log"
cat >"$folder/etc/systemd/system/machine-script.service" <<'UNIT'
[Unit]
Description=What this machine is for
After=multi-user.target

[Service]
Type=oneshot
StandardOutput=file:/log
StandardError=inherit
Environment=DEBIAN_FRONTEND=noninteractive
ExecStart=/bin/sh /machine-script
ExecStopPost=/bin/systemctl --no-block poweroff
TimeoutStartSec=600

[Install]
WantedBy=default.target
UNIT
mkdir -p "$folder/etc/systemd/system/default.target.wants"
ln -sf ../machine-script.service "$folder/etc/systemd/system/default.target.wants/machine-script.service"

# shellcheck disable=SC2016 # for the inner shell
timeout 900 unshare --mount --pid --fork --cgroup --kill-child sh -c '
    mount --make-rprivate /
    while umount --lazy /sys/fs/cgroup 2>/dev/null; do :; done
    mount -t cgroup2 none /sys/fs/cgroup || exit 77
    mkdir -p /sys/fs/cgroup/machine
    echo $$ >/sys/fs/cgroup/machine/cgroup.procs
    exec systemd-nspawn --quiet --directory="$1" --machine=akma --boot --register=no --keep-unit --private-network \
        >"$1/console" 2>&1
' sh "$folder" || status=$?
[ "${status:-0}" -ne 77 ] || exit 77
[ -f "$folder/result" ] || {
    tail -n 40 "$folder/log" || tail -n 20 "$folder/console"
    exit 1
}
cat "$folder/result"
