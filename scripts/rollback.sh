#!/bin/sh
# The runbook's name for it: scripts/rollback.sh STACK [RELEASE], e.g. scripts/rollback.sh chat v1.5.2
set -eu
[ $# -ge 1 ] || { echo "usage: $0 STACK [RELEASE] [options of: roadstead rollback]" >&2; exit 2; }
exec "${ROADSTEAD:-$(dirname "$0")/../roadstead}" rollback "$@"
