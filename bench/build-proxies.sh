#!/bin/sh
# Builds the proxies that no Debian package carries, for the edge suite, from their Go modules:
#   sh bench/build-proxies.sh FOLDER && ROADSTEAD_BENCH_BIN=FOLDER npm run bench -- edge
set -eu
[ $# -eq 1 ] || { echo "usage: build-proxies.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build MODULE VERSION NAME: go.sum of the module itself pins everything below it.
build() {
  sources=$(cd "$work" && go mod download -json "$1@$2" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
  cp -R "$sources" "$work/$3"
  chmod -R u+w "$work/$3"
  (cd "$work/$3" && CGO_ENABLED=0 go build -trimpath -o "$out/$3" "./cmd/$3")
  echo "$2" > "$out/$3.version"
  echo "$3 $2"
}

build github.com/basecamp/kamal-proxy v0.9.2 kamal-proxy
build github.com/traefik/traefik/v3 v3.5.3 traefik
