#!/bin/sh
getent passwd qcc >/dev/null || useradd --system --user-group --home-dir /var/lib/qcc \
    --no-create-home --shell /sbin/nologin qcc
install -d -m 700 -o qcc -g qcc /var/lib/qcc
# Readable by root only, and empty until the SecretKey is put into it.
[ -e /etc/qcc/secret_key ] || install -m 600 /dev/null /etc/qcc/secret_key
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # An upgrade restarts the running service. A first installation starts nothing.
    systemctl try-restart qcc.service
fi
