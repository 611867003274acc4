#!/bin/bash
# ci-machine.sh - makes a Debian machine able to run every test: a real Docker engine with the compose (v2) and
# buildx plugins, iptables, HAProxy, restic and a registry for the tests to start. Idempotent; needs root, no systemd, no terminal. Leaves dockerd running.
#
# env: DOCKER_LOG (default /var/log/roadstead-dockerd.log)   DOCKER_SUITE (default trixie)
set -euo pipefail
DOCKER_LOG=${DOCKER_LOG:-/var/log/roadstead-dockerd.log}
SUITE=${DOCKER_SUITE:-trixie}
export DEBIAN_FRONTEND=noninteractive
APT=(apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Check-Valid-Until=false -o Acquire::Retries=3)

say() { printf 'ci-machine: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
engine_ready() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

[ "$(id -u)" = 0 ] || die "must run as root: it installs packages and starts dockerd"

# Package scripts must not start daemons: there may be no init, and HAProxy's own service would take port 80.
# The policy file is removed again, unless the machine had one before.
hold_services() {
  [ ! -e /usr/sbin/policy-rc.d ] || return 0
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}

debian_mirror() {
  local uri
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -E '/debian/?$' | head -1 || true)
  [ -n "$uri" ] || { echo "ci: apt knows no Debian mirror" >&2; return 1; }
  echo "$uri"
}

# bookworm's engine (20.10) has neither compose v2 nor buildx; the next release's packages run on bookworm's libc, save
# its runc, so only these packages come from there.
install_engine() {
  local codename mirror
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  [ -n "$codename" ] && command -v apt-get >/dev/null || die "only Debian is known here; install Docker, compose v2 and buildx by hand"
  "${APT[@]}" update
  mirror=$(debian_mirror)
  if [ "$codename" != "$SUITE" ]; then
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
      "$mirror" "$SUITE" >/etc/apt/sources.list.d/roadstead-docker.sources
    {
      printf 'Package: *\nPin: release n=%s\nPin-Priority: 90\n\n' "$SUITE"
      printf 'Package: docker.io docker-cli docker-buildx docker-compose containerd tini-static\nPin: release n=%s\nPin-Priority: 990\n' "$SUITE"
    } >/etc/apt/preferences.d/roadstead-docker
    "${APT[@]}" update
  fi
  say "installing the Docker engine from $SUITE"
  "${APT[@]}" install -y --no-install-recommends docker.io docker-cli docker-buildx docker-compose iptables >/dev/null
}

install_tools() {
  local missing=()
  command -v haproxy >/dev/null || missing+=(haproxy)
  command -v iptables >/dev/null || missing+=(iptables)
  command -v ip >/dev/null || missing+=(iproute2)
  command -v gpgv >/dev/null || missing+=(gpgv)
  command -v curl >/dev/null || missing+=(curl)
  command -v xz >/dev/null || missing+=(xz-utils)
  command -v git >/dev/null || missing+=(git)
  command -v docker-registry >/dev/null || missing+=(docker-registry)
  command -v restic >/dev/null || missing+=(restic)
  # servers and their own tools, for databases beside processes
  ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing+=(postgresql postgresql-client)
  command -v redis-server >/dev/null || missing+=(redis-server)
  command -v redis-cli >/dev/null || missing+=(redis-tools)
  # the dashboard's tests
  command -v chromium >/dev/null || missing+=(chromium)
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  "${APT[@]}" update
  "${APT[@]}" install -y --no-install-recommends "${missing[@]}" ca-certificates >/dev/null
}

# A smaller MTU on the way out (cloud networks) would make large packets from containers vanish.
egress_mtu() {
  local device
  device=$(ip -o route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -1)
  cat "/sys/class/net/${device:-lo}/mtu"
}

start_engine() {
  local mtu deadline
  mtu=$(egress_mtu)
  [ "$mtu" -le 1500 ] || mtu=1500
  mkdir -p "$(dirname "$DOCKER_LOG")"
  say "starting dockerd (mtu $mtu, log $DOCKER_LOG)"
  # A killed engine leaves its pid file, and a later process may have got that number.
  if [ -s /var/run/docker.pid ] && ! grep -qs dockerd "/proc/$(cat /var/run/docker.pid)/cmdline"; then rm -f /var/run/docker.pid; fi
  # --mtu is for the default bridge only; networks that users create take theirs from --default-network-opt.
  setsid dockerd --mtu "$mtu" --default-network-opt "bridge=com.docker.network.driver.mtu=$mtu" </dev/null >>"$DOCKER_LOG" 2>&1 &
  deadline=$((SECONDS + 60))
  until engine_ready; do
    [ $SECONDS -lt $deadline ] || { tail -n 30 "$DOCKER_LOG" >&2; die "dockerd was not ready within 60 s"; }
    sleep 0.2
  done
}

hold_services
install_tools
if ! command -v dockerd >/dev/null && ! engine_ready; then install_engine; fi
if ! docker compose version >/dev/null 2>&1 || ! docker buildx version >/dev/null 2>&1; then install_engine; fi
engine_ready || start_engine
docker compose version --short >/dev/null || die "the compose v2 plugin is missing"
docker buildx version >/dev/null || die "the buildx plugin is missing"
say "engine $(docker version --format '{{.Server.Version}}'), compose $(docker compose version --short), $(haproxy -v | head -1)"
