#!/bin/sh
# 0: the package is removed. 1: it is replaced by another version.
if [ "$1" = 0 ] && [ -d /run/systemd/system ]; then
    systemctl disable --now qcc.socket qcc.service
fi
