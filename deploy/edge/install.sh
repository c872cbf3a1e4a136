#!/usr/bin/env bash
# Install, update or remove the Localizer edge service. Run it again at any time: it changes only what differs.
set -euo pipefail
shopt -s inherit_errexit

usage() {
  cat <<'USAGE'
Usage: deploy/edge/install.sh [options], from a checkout of Localizer, as root

  --bundle PATH      serve this bundle (folder or zip); it is copied and checked first (default: models/demo)
  --source STRING    where advertisements come from (default: simulate:demo)
  --host ADDRESS     where to listen (default: 127.0.0.1, this machine alone; 0.0.0.0: the whole network)
  --port NUMBER      1024 to 65535 (default: 8080)
  --wheelhouse DIR   install from this folder of wheels, without network
  --python PROGRAM   Python 3.11, 3.12 or 3.13 (default: python3)
  --prefix DIR       install into DIR instead of /, and start nothing (to try it out; needs no root)
  --uninstall        stop and remove the service; settings and recorded data stay
  --dry-run          say what would be done, do nothing
  --help             this text

Settings in /etc/localizer/edge.env are kept, save for those that an option names.
USAGE
}

die() {
  printf 'install.sh: %s\n' "$1" >&2
  exit 1
}

say() { printf '%s\n' "$*"; }

# --- Options ----------------------------------------------------------------------------------------------------

bundle='' source='' host='' port='' wheelhouse='' python=python3 prefix='' uninstall='' dry_run=''

while [ $# -gt 0 ]; do
  case $1 in
    --bundle | --source | --host | --port | --wheelhouse | --python | --prefix)
      [ -n "${2-}" ] || die "$1 must be followed by a value; see --help"
      printf -v "${1#--}" %s "$2"
      shift 2
      ;;
    --uninstall) uninstall=yes && shift ;;
    --dry-run) dry_run=yes && shift ;;
    --help | -h) usage && exit 0 ;;
    *) die "there is no option $1; see --help" ;;
  esac
done

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ -z "$prefix" ] || prefix=$(realpath --canonicalize-missing "$prefix")
[ "$prefix" != / ] || prefix=''
home=$prefix/opt/localizer
env_file=$prefix/etc/localizer/edge.env
unit=$prefix/etc/systemd/system/localizer.service
changed=''

# --- One step: say it, and do it unless this is a dry run ---------------------------------------------------------

step() {
  local what=$1
  shift
  changed=yes
  if [ -n "$dry_run" ]; then
    say "would: $what"
  else
    say "$what"
    "$@"
  fi
}

systemd() { # nothing is started from a prefix
  [ -z "$prefix" ] || return 0
  systemctl "$@"
}

# --- What this machine must be ----------------------------------------------------------------------------------

check_machine() {
  local machine libc bits
  machine=$(uname -m)
  case $machine in
    aarch64 | x86_64) ;;
    *) die "the processor must be aarch64 or x86_64, but is $machine; for a 32-bit system see deploy/edge/README.md" ;;
  esac
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || libc='no glibc'
  if [[ ! $libc =~ ^glibc\ ([0-9]+)\.([0-9]+) ]] || ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] < 2034)); then
    die "the system must have glibc 2.34 or later, but has $libc; use Raspberry Pi OS bookworm or trixie"
  fi
  python_version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
    die "$python must be Python 3.11, 3.12 or 3.13, but does not run; install python3 or name one with --python"
  case $python_version in
    3.11 | 3.12 | 3.13) ;;
    *) die "$python must be Python 3.11, 3.12 or 3.13, but is $python_version; name another one with --python" ;;
  esac
  # A 64-bit kernel under a 32-bit system calls itself aarch64 too.
  bits=$("$python" -c 'import struct; print(8 * struct.calcsize("P"))')
  [ "$bits" = 64 ] ||
    die "the system must be 64-bit, but its Python is $bits-bit; install the 64-bit image or see deploy/edge/README.md"
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    die "$python must be able to make a virtual environment, but lacks venv; run: apt-get install python3-venv"
}

check_rights() {
  [ -n "$prefix" ] || [ -n "$dry_run" ] || [ "$(id -u)" -eq 0 ] ||
    die "the installation must run as root, but runs as $(id -un); use sudo, or --prefix DIR to try it out"
  [ -n "$prefix" ] || [ -n "$dry_run" ] || [ -d /run/systemd/system ] ||
    die "systemd must be running, but is not; use --prefix DIR to install without starting a service"
}

check_settings() {
  local value
  for value in "$source" "$host" "$prefix" "$(basename "$bundle")"; do
    [[ $value =~ ^[A-Za-z0-9_./:@,=+?\&%-]*$ ]] ||
      die "a setting may have letters, digits and _./:@,=+?&%- only, but is '$value'; rename it"
  done
  if [ -n "$port" ] && { [[ ! $port =~ ^[0-9]{1,5}$ ]] || ((10#$port < 1024 || 10#$port > 65535)); }; then
    die "the port must be 1024 to 65535, but is $port"
  fi
  bundle=${bundle:-$root/models/demo}
  [ -e "$bundle" ] || die "the bundle must be a folder or a zip, but there is no $bundle"
  bundle=$(realpath "$bundle")
}

# --- The program: one release folder per content, and a link to the one in use -------------------------------------

find_wheel() { # the wheel in the wheelhouse; empty when the checkout itself is to be installed
  [ -n "$wheelhouse" ] || return 0
  [ -d "$wheelhouse" ] || die "the wheelhouse must be a folder, but there is no $wheelhouse; make wheelhouse fills one"
  local wheels=("$wheelhouse"/ble_localizer-*.whl)
  if [ ! -e "${wheels[0]}" ] || [ "${#wheels[@]}" -ne 1 ]; then
    die "$wheelhouse must hold one ble_localizer-*.whl, but has none or several; fill it with: make wheelhouse"
  fi
  realpath "${wheels[0]}"
}

fingerprint() { # of everything that a release is made from
  {
    "$python" -c 'import sys; print(sys.version, sys.executable)'
    cat "$requirements"
    if [ -n "$wheel" ]; then
      sha256sum <"$wheel"
    else
      cd "$root"
      find localizer firmware_bridge pyproject.toml README.md LICENSE -type f ! -path '*/__pycache__/*' -print0 |
        LC_ALL=C sort --zero-terminated | xargs --null sha256sum
    fi
  } | sha256sum | cut -c 1-12
}

pip_in() { # pip of one environment, quietly
  local venv=$1
  shift
  "$venv/bin/python" -m pip --disable-pip-version-check --no-input --quiet "$@"
}

build_wheel() { # with the pinned build backend, in an environment that is thrown away
  "$python" -m venv "$scratch/build"
  pip_in "$scratch/build" install --require-hashes --requirement "$root/requirements/build-$python_version.txt"
  pip_in "$scratch/build" wheel --no-deps --no-build-isolation --wheel-dir "$scratch" "$root"
  wheel=$(echo "$scratch"/ble_localizer-*.whl)
}

make_release() {
  local offline=()
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch" "$release"' EXIT
  [ -z "$wheelhouse" ] || offline=(--no-index --find-links "$wheelhouse")
  [ -n "$wheel" ] || build_wheel
  mkdir -p "$home/releases"
  rm -rf "$release"
  "$python" -m venv "$release"
  pip_in "$release" install "${offline[@]}" --require-hashes --requirement "$requirements"
  pip_in "$release" install --no-index --no-deps "$wheel"
  "$release/bin/localizer" --version >/dev/null || die "the new release does not run; nothing was changed"
  touch "$release/.complete"
  rm -rf "$scratch"
  trap - EXIT
}

install_release() {
  requirements=$root/requirements/edge-$python_version.txt
  wheel=$(find_wheel)
  release=$home/releases/$(fingerprint)
  if [ -e "$release/.complete" ]; then
    say "unchanged: the program in $release"
  else
    step "install the program with Python $python_version into $release" make_release
  fi
}

switch_release() { # in one move, after the bundle has passed with the new release
  [ "$(readlink "$home/venv" 2>/dev/null)" != "releases/$(basename "$release")" ] || return 0
  step "use $release" link_release
}

link_release() {
  verify "$(setting BUNDLE)" ||
    die "the new program refuses the bundle that $env_file names (see above); give another one with --bundle"
  ln -sfn "releases/$(basename "$release")" "$home/venv.new"
  mv -T "$home/venv.new" "$home/venv"
}

remove_old_releases() {
  local old
  for old in "$home"/releases/*; do
    [ "$old" = "$release" ] || [ ! -e "$old" ] || step "remove the older release $old" rm -rf "$old"
  done
}

# --- The bundle, the settings, the unit -----------------------------------------------------------------------------

copy_bundle() { # the service cannot see home directories, so the bundle comes to it
  local to
  to=$home/bundles/$(basename "$bundle")
  if diff -rq "$bundle" "$to" >/dev/null 2>&1; then
    say "unchanged: the bundle $to"
  else
    step "copy the bundle to $to" replace_bundle "$to"
  fi
  bundle=$to
}

verify() { # as the service will; say nothing of a bundle that passes
  local report
  report=$("$release/bin/localizer" bundle verify "$1" 2>&1) && return 0
  printf '%s\n' "$report" >&2
  return 1
}

replace_bundle() { # only a bundle that passes takes the place of another
  local to=$1
  mkdir -p "$home/bundles"
  rm -rf "$home/bundles/.new"
  mkdir "$home/bundles/.new"
  cp -R "$bundle" "$home/bundles/.new/"
  chmod -R u=rwX,go=rX "$home/bundles/.new"
  if ! verify "$home/bundles/.new/$(basename "$to")"; then
    rm -rf "$home/bundles/.new"
    die "the bundle was refused (see above) and the service left as it was; give another one with --bundle"
  fi
  rm -rf "$to"
  mv "$home/bundles/.new/$(basename "$to")" "$to"
  rmdir "$home/bundles/.new"
}

install_settings() { # $1: whether --bundle was given
  if [ ! -e "$env_file" ]; then
    step "write the settings $env_file" new_settings
  fi
  [ -z "$1" ] || set_setting BUNDLE "$bundle"
  [ -z "$source" ] || set_setting SOURCE "$source"
  [ -z "$host" ] || set_setting HOST "$host"
  [ -z "$port" ] || set_setting PORT "$port"
}

new_settings() {
  mkdir -p "$(dirname "$env_file")"
  sed "s#=/opt/localizer#=$home#" "$root/deploy/edge/edge.env" >"$env_file"
  chmod 0644 "$env_file"
}

setting() { sed -n "s/^$1=//p" "$env_file" 2>/dev/null | tail -n 1; }

set_setting() {
  [ "$(setting "$1")" != "$2" ] || return 0
  step "set $1=$2 in $env_file" write_setting "$1" "$2"
}

write_setting() { # all else in the file stays as it is
  local new=$env_file.new
  cp -p "$env_file" "$new"
  { grep -v "^$1=" "$env_file" || true; echo "$1=$2"; } >"$new"
  mv "$new" "$env_file"
}

install_unit() {
  local text
  text=$(sed "s#/opt/localizer/#$home/#; s#=/etc/localizer/#=$prefix/etc/localizer/#" "$root/deploy/edge/localizer.service")
  if [ "$text" = "$(cat "$unit" 2>/dev/null)" ]; then
    say "unchanged: the unit $unit"
  else
    step "write the unit $unit" write_unit "$text"
  fi
}

write_unit() {
  mkdir -p "$(dirname "$unit")"
  printf '%s\n' "$1" >"$unit"
  chmod 0644 "$unit"
  systemd daemon-reload
}

# --- The service ----------------------------------------------------------------------------------------------------

start_service() {
  [ -z "$prefix" ] || return 0
  if [ -z "$changed" ] && systemctl --quiet is-enabled localizer && systemctl --quiet is-active localizer; then
    say "unchanged: the service is enabled and runs"
  else
    step "enable the service and start it anew" restart_service
  fi
  [ -n "$dry_run" ] || await_health
}

restart_service() {
  systemctl --quiet enable localizer
  systemctl restart localizer
}

await_health() { # a service that runs is not yet one that answers
  local address
  address=$(setting HOST)
  [ "$address" != 0.0.0.0 ] || address=127.0.0.1
  "$home/venv/bin/python" - "http://$address:$(setting PORT)/v1/health" <<'PYTHON' || not_healthy
import sys, time, urllib.request
for _ in range(60):  # 30 s: the first start on a slow card reads some hundred modules
    try:
        with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
            sys.exit(answer.status != 200)
    except OSError:
        time.sleep(0.5)
sys.exit(1)
PYTHON
}

not_healthy() {
  journalctl --unit localizer --lines 20 --no-pager >&2 || true
  die "the service must answer /v1/health within 30 s, but does not; its last words are above"
}

remove_all() {
  check_rights
  if [ -e "$unit" ]; then
    [ -n "$prefix" ] || step "stop and disable the service" systemctl --quiet disable --now localizer
    step "remove the unit $unit" rm -f "$unit"
    [ -n "$dry_run" ] || systemd daemon-reload
  fi
  [ ! -e "$home" ] || step "remove the program and the copied bundles in $home" rm -rf "$home"
  [ -n "$changed" ] || say "nothing is installed"
  say "kept: $prefix/etc/localizer (settings) and $prefix/var/lib/localizer (recorded data), where they exist"
}

main() {
  local asked_bundle=$bundle
  check_machine
  check_settings
  check_rights
  install_release
  copy_bundle
  install_settings "$asked_bundle"
  switch_release
  install_unit
  start_service
  remove_old_releases
  if [ -z "$changed" ]; then
    say "nothing to do: everything is as asked"
  elif [ -z "$dry_run" ]; then
    say "done: $("$home/venv/bin/localizer" --version); source $(setting SOURCE), bundle $(setting BUNDLE)"
    say "the live map: http://$(setting HOST | sed "s/^0\.0\.0\.0$/$(uname -n)/"):$(setting PORT)/"
  fi
}

if [ -n "$uninstall" ]; then
  remove_all
else
  main
fi
