#!/bin/sh
# Keeps a program running after the control plane is gone (HAProxy's master ends with a worker that was killed).
# usage: supervise.sh <program> <argument>...
child=
trap 'kill -TERM "$child" 2>/dev/null; wait "$child"; exit 0' TERM INT
while :; do
  "$@" &
  child=$!
  wait "$child"
  sleep 0.2
done
