#!/bin/bash
# make-ferretdb-image.sh - builds an image that stands in for mongo:8.0 where Docker Hub cannot be reached: FerretDB 1.24,
# a real server of the MongoDB wire protocol over SQLite, compiled from the Go module proxy. Not MongoDB: same port, same
# data folder, same MONGO_INITDB_ROOT_* variables, other contents (labelled test.stand-in=1).
#
#   make-ferretdb-image.sh [IMAGE]      default: roadstead-test/mongo:8.0-ferretdb, used by MONGO_IMAGE=… of stacks/nickapp
#
# An image that the engine already has is left alone, unless REBUILD=1.
# env: FERRETDB_BIN  a binary built before (else it is compiled, about five minutes on two cores, and kept in the cache)
#      ROADSTEAD_TEST_IMAGES (cache, default ~/.cache/roadstead-test-images)   DOCKER="docker -H …"
# needs: go 1.24 or newer for compiling, docker, the image alpine:3 (make-test-images.sh busybox)
set -euo pipefail
VERSION=v1.24.2
IMAGE=${1:-roadstead-test/mongo:8.0-ferretdb}
CACHE=${ROADSTEAD_TEST_IMAGES:-${HOME:-/root}/.cache/roadstead-test-images}
DOCKER=${DOCKER:-docker}
BIN=${FERRETDB_BIN:-$CACHE/ferretdb-$VERSION}

if [ -z "${REBUILD:-}" ] && $DOCKER image inspect "$IMAGE" >/dev/null 2>&1; then echo "$IMAGE is there" >&2; exit 0; fi
mkdir -p "$CACHE"; WORK=$(mktemp -d "$CACHE/work.XXXXXX"); trap 'chmod -R u+w "$WORK"; rm -rf "$WORK"' EXIT

if [ ! -x "$BIN" ]; then
  # Not `go install`: the released module lacks the version file that its own main package insists on.
  source=$(GOFLAGS=-mod=mod go mod download -json "github.com/FerretDB/FerretDB@$VERSION" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  [ -n "$source" ] || { echo "cannot download FerretDB $VERSION from the Go module proxy" >&2; exit 1; }
  cp -r "$source" "$WORK/source"; chmod -R u+w "$WORK/source"
  echo "$VERSION" > "$WORK/source/build/version/version.txt"
  (cd "$WORK/source" && CGO_ENABLED=0 GOFLAGS=-buildvcs=false nice -n 5 go build -trimpath -ldflags "-s -w" -o "$BIN.part" ./cmd/ferretdb)
  mv "$BIN.part" "$BIN"
fi

mkdir "$WORK/image"; cp "$BIN" "$WORK/image/ferretdb"
cat > "$WORK/image/docker-entrypoint.sh" <<'S'
#!/bin/sh
# The contract of the official image: no credentials, no access control; with them, a root user made at the first start.
set -e
[ "${1:-mongod}" = mongod ] || exec "$@"
export FERRETDB_HANDLER=sqlite FERRETDB_SQLITE_URL=file:/data/db/ FERRETDB_STATE_DIR=/data/db FERRETDB_LISTEN_ADDR=:27017
export FERRETDB_DEBUG_ADDR=- FERRETDB_TELEMETRY=disable FERRETDB_LOG_LEVEL=${FERRETDB_LOG_LEVEL:-warn}
if [ -n "$MONGO_INITDB_ROOT_USERNAME" ]; then
  export FERRETDB_TEST_ENABLE_NEW_AUTH=true FERRETDB_SETUP_DATABASE=admin
  export FERRETDB_SETUP_USERNAME="$MONGO_INITDB_ROOT_USERNAME" FERRETDB_SETUP_PASSWORD="$MONGO_INITDB_ROOT_PASSWORD"
fi
unset MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD
exec ferretdb
S
cat > "$WORK/image/mongosh" <<'S'
#!/bin/sh
# Only the ping that health checks use; this is not a shell.
case "$*" in
  *ping*) exec nc -w 1 127.0.0.1 27017 </dev/null ;;
  *) echo "mongosh (stand-in): only ping is known, not: $*" >&2; exit 2 ;;
esac
S
chmod 755 "$WORK/image/docker-entrypoint.sh" "$WORK/image/mongosh"
cat > "$WORK/image/Dockerfile" <<'S'
FROM alpine:3
LABEL test.stand-in=1
COPY ferretdb docker-entrypoint.sh mongosh /usr/local/bin/
RUN mkdir -p /data/db && chmod 1777 /data/db
VOLUME /data/db
EXPOSE 27017
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["mongod"]
S
$DOCKER build -q -t "$IMAGE" "$WORK/image" >/dev/null
echo "$IMAGE  $($DOCKER image inspect -f '{{.Size}}' "$IMAGE" | awk '{printf "%.1f MB",$1/1e6}')" >&2
