#!/bin/sh
# The runbook's name for it: one line per service of every stack; exit code 0 only when all are well.
set -eu
exec "${ROADSTEAD:-$(dirname "$0")/../roadstead}" health --all "$@"
