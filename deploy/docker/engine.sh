#!/usr/bin/env bash
# A Docker engine and a base image on a bare Debian: for machines without an engine and without an image
# registry, as CI may be. Needs root. Where an engine answers already, it is used as it is.
set -euo pipefail

BASE=${DSR_BASE_IMAGE:-dsr-base:local}
SUITE=${DSR_BASE_SUITE:-bookworm}
RUN=${DSR_ENGINE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/dsr/engine}

answers() { docker version > /dev/null 2>&1; }

# The packages' names are Debian's; nothing is fetched where the programs are there.
need() {
  local program package missing=()
  for pair in "$@"; do
    program=${pair%%:*} package=${pair##*:}
    command -v "$program" > /dev/null || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
}

# Whether this machine lets whoever calls run an engine, or a node: that takes mounts and namespaces of its own.
can() {
  [ "$(id -u)" -eq 0 ] || { echo "only root may run one"; return 1; }
  unshare --mount --net --pid --fork mount -t tmpfs none /tmp 2> /dev/null \
    || { echo "root may not mount, or unshare, here"; return 1; }
}

up() {
  answers && { echo "an engine answers already"; return; }
  need docker:docker.io dockerd:docker.io iptables:iptables
  mkdir -p "$RUN"
  # A registry cannot be reached here, and nothing is pulled; images are built.
  nohup dockerd --data-root "$RUN/data" --pidfile "$RUN/pid" > "$RUN/log" 2>&1 < /dev/null &
  for _ in $(seq 120); do
    answers && { echo "up"; return; }
    sleep 0.5
  done
  echo "the engine does not start; its last words:" >&2
  tail -5 "$RUN/log" >&2
  exit 1
}

base() {
  docker image inspect "$BASE" > /dev/null 2>&1 && { echo "$BASE is there"; return; }
  need debootstrap:debootstrap
  # Until the whole program ends, by whatever ends it.
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$SUITE" "$folder/root" > "$folder/log" \
    || { tail -5 "$folder/log" >&2; exit 1; }
  # The authorities that this machine trusts, so that a build reaches what this machine reaches.
  cp -r /usr/local/share/ca-certificates/. "$folder/root/usr/local/share/ca-certificates/" 2> /dev/null || true
  cp /etc/ssl/certs/ca-certificates.crt "$folder/root/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$folder/root/var/cache/apt" "$folder/root/var/lib/apt/lists" "$folder/root/usr/share/doc" \
    "$folder/root/usr/share/man" "$folder/root/usr/share/locale"
  tar -C "$folder/root" -c . | docker import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "$BASE"
}

down() {
  [ -e "$RUN/pid" ] || return 0
  kill "$(cat "$RUN/pid")" 2> /dev/null || true
  for _ in $(seq 60); do [ -e "$RUN/pid" ] || return 0; sleep 0.5; done
}

# All of it, for tests: an engine, and every image on a base of its own.
images() {
  up
  base
  make -C "$(dirname "${BASH_SOURCE[0]}")/../.." images-parts images BASE="$BASE" DOCKER_BUILD_FLAGS='--network host'
}

case ${1:-} in
  can | up | base | images | down) "$1" ;;
  *)
    echo "usage: $0 can | up | base | images | down" >&2
    exit 2
    ;;
esac
