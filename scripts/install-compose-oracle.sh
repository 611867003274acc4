#!/bin/sh
# Installs the Compose plugin of Debian trixie (2.26.1), the reference that our own Compose loader is compared with.
# Usage: install-compose-oracle.sh [FOLDER]   (default: /usr/libexec/docker/cli-plugins, where `docker compose` finds it)
# Idempotent. Prints the path of the binary; the tests take it from ROADSTEAD_COMPOSE_ORACLE or from PATH.
set -eu

folder=${1:-/usr/libexec/docker/cli-plugins}
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -E '/debian/?$' | head -n 1)}
[ -n "$mirror" ] || { echo "apt knows no Debian mirror; set DEBIAN_MIRROR" >&2; exit 1; }
mirror=${mirror%/}
version=2.26.1-4
case $(uname -m) in
  x86_64) arch=amd64 sum=47681197cb2b1ab88206b42a1a92fc75f50d9530a6322d03494a473eed0408ea ;;
  *) echo "install-compose-oracle: no checked package for $(uname -m)" >&2; exit 1 ;;
esac

binary=$folder/docker-compose
if [ -x "$binary" ] && [ "$("$binary" version --short 2>/dev/null)" = "$version" ]; then
  echo "$binary"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
curl -fsS --retry 3 --max-time 300 -o "$work/compose.deb" \
  "$mirror/pool/main/d/docker-compose/docker-compose_${version}_$arch.deb"
echo "$sum  $work/compose.deb" | sha256sum -c --quiet -
dpkg -x "$work/compose.deb" "$work/root"
mkdir -p "$folder"
cp "$work/root/usr/libexec/docker/cli-plugins/docker-compose" "$binary.new"
chmod 755 "$binary.new"
mv "$binary.new" "$binary"
echo "$binary"
