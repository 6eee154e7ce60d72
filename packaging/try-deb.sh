#!/usr/bin/env bash
# Installs the .deb in a fresh Debian, runs the service as the unit does, removes and purges it:
#
#   packaging/try-deb.sh FILE.deb [ROOT]
#
# Needs root, and debootstrap unless ROOT is a Debian root folder already. Nothing outside that
# folder is changed. systemd does not run in there, so the program is started by hand.
set -euo pipefail

deb=$(realpath "${1:?packaging/try-deb.sh FILE.deb [ROOT]}")
root=${2:-$(mktemp -d)/root}
[ -d "$root/etc" ] || debootstrap --variant=minbase stable "$root"
root=$(realpath "$root")
# Arrays, not functions: what they start in the background is the program itself, so that it can
# be stopped.
inside=(chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8)
as_qcc=("${inside[@]}" setpriv --reuid=qcc --regid=qcc --clear-groups)
is_there() { [ -e "$root$1" ] || { echo "missing: $1" >&2; exit 1; }; }
is_gone() { [ ! -e "$root$1" ] || { echo "left: $1" >&2; exit 1; }; }

echo "== install"
cp "$deb" "$root/tmp/qcc.deb"
"${inside[@]}" dpkg --install /tmp/qcc.deb
for file in /usr/bin/qcc /etc/qcc/qcc.toml /usr/lib/systemd/system/qcc.service \
    /usr/lib/systemd/system/qcc.socket /usr/share/bash-completion/completions/qcc; do
    is_there "$file"
done
[ "$(stat -c '%a %U' "$root/etc/qcc/secret_key")" = "600 root" ]
[ "$("${inside[@]}" stat -c '%a %U' /var/lib/qcc)" = "700 qcc" ]
# A minimal root lacks the units that ours refer to.
if command -v systemd-analyze >/dev/null && [ -e "$root/usr/lib/systemd/system/sysinit.target" ]; then
    systemd-analyze verify --root="$root" qcc.service qcc.socket
fi

echo "== run: a simulated vendor, and the receiver with the command of the unit"
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true' EXIT
"${inside[@]}" qcc sim --listen 127.0.0.1:18099 --every 2s > "$root/tmp/sim.env" 2>"$root/tmp/sim.log" & pids+=($!)
for _ in $(seq 50); do [ "$(wc -l < "$root/tmp/sim.env")" -ge 4 ] && break; sleep 0.1; done
settings=$(grep -E '^QCC_(KEY|SECRET_KEY|BASE_URL|DOWNLOAD_HOSTS)=' "$root/tmp/sim.env")
command=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/qcc.service")
# shellcheck disable=SC2086 # words of the unit's command, and settings without spaces
"${as_qcc[@]}" env -C /var/lib/qcc $settings QCC_LISTEN=127.0.0.1:18090 QCC_ADMIN_LISTEN=127.0.0.1:19090 \
    $command > "$root/tmp/serve.log" 2>&1 & pids+=($!)
ready=""
for _ in $(seq 100); do
    if ready=$(curl -sf http://127.0.0.1:19090/readyz); then break; fi
    sleep 0.3
done
echo "readyz: ${ready:-no answer}"
[ -n "$ready" ] || { cat "$root/tmp/serve.log" >&2; exit 1; }
"${as_qcc[@]}" env -C /var/lib/qcc qcc --config /etc/qcc/qcc.toml status || [ $? = 5 ]
kill -TERM "${pids[1]}"
wait "${pids[1]}" || true
is_there /var/lib/qcc/qcc.db

echo "== remove: settings and data stay"
"${inside[@]}" dpkg --remove qcc
is_gone /usr/bin/qcc
is_there /etc/qcc/qcc.toml
is_there /var/lib/qcc/qcc.db
echo "== purge: only data stays"
"${inside[@]}" dpkg --purge qcc
is_gone /etc/qcc
is_there /var/lib/qcc/qcc.db
echo "ok"
