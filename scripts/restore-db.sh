#!/bin/sh
# The runbook's name for it: scripts/restore-db.sh STACK DAY [SERVICE], e.g. scripts/restore-db.sh chat 2025-11-27 db
# Asks first; without a service everything of the stack that has a backup comes back.
set -eu
[ $# -ge 2 ] || { echo "usage: $0 STACK DAY [SERVICE] [options of: roadstead restore]" >&2; exit 2; }
stack=$1
day=$2
shift 2
exec "${ROADSTEAD:-$(dirname "$0")/../roadstead}" restore "$stack" "$@" --date "$day"
