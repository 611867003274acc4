#!/bin/sh
# Keeps HAProxy running after the control plane is gone: its master ends with a worker that was killed.
# usage: supervise.sh <haproxy> <configuration> <master socket>
child=
trap 'kill -TERM "$child" 2>/dev/null; wait "$child"; exit 0' TERM INT
while :; do
  "$1" -W -f "$2" -S "$3,mode,600" &
  child=$!
  wait "$child"
  sleep 0.2
done
