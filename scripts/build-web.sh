#!/bin/sh
# Builds the dashboard into web/dist; a no-op while its sources, and what it takes from src, are those of the last build.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
stamp=web/dist/.roadstead-sources
sources=$(find web/src web/public src/rollout src/lib web/index.html web/package-lock.json web/vite.config.ts -type f ! -name '*.test.ts' -print0 \
  | LC_ALL=C sort -z | xargs -0 cat | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sources" ]; then exit 0; fi
echo "Building the dashboard (once)…" >&2
if ! cmp -s web/package-lock.json web/node_modules/.roadstead-lock; then
  npm ci --prefix web --no-audit --no-fund --loglevel=error >&2
  cp web/package-lock.json web/node_modules/.roadstead-lock
fi
npm run --silent --prefix web build -- --logLevel warn >&2
printf '%s' "$sources" >"$stamp"
