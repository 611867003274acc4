#!/bin/sh
# Installs the pinned dependencies and builds the dashboard, each once; a no-op while nothing of them has changed.
set -eu
cd "$(dirname "$0")/.."
stamp=node_modules/.roadstead-lock
if ! { [ -f "$stamp" ] && cmp -s package-lock.json "$stamp"; }; then
  command -v npm >/dev/null 2>&1 || { echo "roadstead: npm is needed (Node 20 or newer brings it); see https://nodejs.org" >&2; exit 1; }
  echo "Installing dependencies (once)…" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
  # Once as the edge and the command line run, once as the control plane does: V8 keeps code apart by its flags.
  for flag in --no-optimize-for-size --optimize-for-size; do
    NODE_COMPILE_CACHE=$PWD/node_modules/.cache/compile node_modules/.bin/node "$flag" bin/warm-up.ts
  done
  cp package-lock.json "$stamp"
fi
# Without the dashboard everything else works: a failure here is told, and stops nothing.
sh scripts/build-web.sh || echo "roadstead: the dashboard could not be built; all else works. Try again: sh scripts/build-web.sh" >&2
