#!/usr/bin/env bash
# Runs the image's root file system without a container engine: as its user, with its
# environment, against a simulated vendor.
#
#   packaging/try-image.sh [FOLDER]      the folder that packaging/build.sh made
#
# Needs root, for chroot.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
image=$(realpath "${1:-$here/../target/dist/image}")

chown 65532:65532 "$image/data"
settings=$(sed -n '/^ENV/,/[^\\]$/p' "$here/Containerfile" | grep -o 'QCC_[A-Z_]*=[^ \\]*' |
    sed -e 's/:8090/:18190/; s/:9090/:19190/; s/0\.0\.0\.0/127.0.0.1/')
logs=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true' EXIT
chroot=$(command -v chroot)
# Arrays, not functions: what they start in the background is the program itself, so that it can
# be stopped.
read -ra settings <<< "${settings//$'\n'/ }"
inside=("$chroot" --userspec=65532:65532 "$image" /qcc)
env -i "${inside[@]}" sim --listen 127.0.0.1:18199 --every 2s > "$logs/sim.env" 2>/dev/null & pids+=($!)
for _ in $(seq 50); do [ "$(wc -l < "$logs/sim.env")" -ge 4 ] && break; sleep 0.1; done
mapfile -t vendor < <(grep -E '^QCC_(KEY|SECRET_KEY|BASE_URL|DOWNLOAD_HOSTS)=' "$logs/sim.env")
cd /
env -i "${vendor[@]}" "${settings[@]}" "${inside[@]}" serve > "$logs/serve.log" 2>&1 & pids+=($!)
for _ in $(seq 100); do
    if ready=$(curl -sf http://127.0.0.1:19190/readyz); then break; fi
    sleep 0.3
done
echo "readyz: ${ready:-no answer}"
[ -n "${ready:-}" ] || { cat "$logs/serve.log" >&2; exit 1; }
echo "health check: qcc status"
env -i "${vendor[@]}" "${settings[@]}" "${inside[@]}" status || [ $? = 5 ]
kill -TERM "${pids[1]}"
wait "${pids[1]}" || true
[ -e "$image/data/qcc.db" ] && [ "$(stat -c %u "$image/data/qcc.db")" = 65532 ]
echo "ok"
