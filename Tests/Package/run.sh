#!/usr/bin/env bash
# Packs the tested build, and installs, upgrades, removes and purges the packages in a Debian of their own
# (debootstrap), as root, and in a container; then an operator's first hour there. The Swift runtime, which packages that ship have inside, is brought along.
#
#   Tests/Package/run.sh [BUILD]        BUILD is a folder with sluice and generate-manual (.build/release)
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "${1:-.build/release}")
work=$(pwd)/.build/package-test
root=$work/root
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo

# Containers may have none of the rights that another root needs.
probe=$(mktemp -d)
$sudo mknod "$probe/null" c 1 3 2>/dev/null && $sudo chroot / true 2>/dev/null && allowed=yes || allowed=
rm -rf "$probe"
if [ -z "$allowed" ]; then
  echo 'package: skipped, since this machine allows no device files or no chroot'
  exit 0
fi

step() { echo "package: $*"; }
fail() {
  echo "✘ package: $*" >&2
  exit 1
}
inside() { $sudo chroot "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
# What dpkg says goes to a log, which is shown when it fails.
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$* failed"; }; }
# has FILE MODE OWNER
has() {
  local found
  found=$(inside stat -c '%a %U:%G' "$1") || fail "$1 is not there"
  [ "$found" = "$2 $3" ] || fail "$1 is $found, not $2 $3"
}

# Processes of this run, by their numbers.
started=()
cleanup() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  $sudo umount "$root/proc" 2>/dev/null || true
}
trap cleanup EXIT
cleanup
$sudo rm -rf "$work"
mkdir -p "$work"

. Tests/Package/first_hour.sh

step 'packing'
quietly make deb PROGRAM="$build"
cp .build/deb/*.deb "$work"
package=$(echo "$work"/sluice_*.deb)
# Swift's runtime lies where only this machine has it, and is inside of what ships.
step 'lintian'
lintian --fail-on error,warning --suppress-tags custom-library-search-path \
  --tag-display-limit 0 .build/deb/*.changes || fail 'lintian complains'

step 'a Debian of its own'
needed=$(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed -E 's/\|.*//; s/\(.*\)//; s/ //g' | sort -u \
  | paste -sd,)
# From where apt has its packages. A mirror that is away is no fault of ours: the packages are made and
# looked at by then.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -m 1 -v security || true)
if ! $sudo debootstrap --variant=minbase --include="$needed,systemd,ca-certificates,kcat" bookworm "$root" \
  "${mirror:-http://deb.debian.org/debian}" >"$work/log" 2>&1; then
  tail -n 5 "$work/log"
  echo 'package: made, but not installed, since no Debian could be had'
  exit 0
fi
runtime=$(ldd "$build/sluice" | awk '/libswift|lib_?Foundation|libdispatch|libBlocks|libGRDB/ { print $3 }')
for library in $runtime; do
  $sudo install -D -m 755 "$library" "$root/usr/lib/$(basename "$library")"
done

. Tests/Package/container.sh
container
$sudo mount -t proc proc "$root/proc" 2>/dev/null || step 'without /proc'

step 'install'
$sudo cp "$work"/*.deb "$root/tmp/"
quietly inside sh -c 'dpkg -i /tmp/sluice_*.deb'
inside id sluice >/dev/null || fail 'there is no user sluice'
has /etc/sluice/sluice.yaml 640 root:sluice
has /usr/lib/sluice/sluice 755 root:root
quietly inside systemd-tmpfiles --create
has /var/lib/sluice/models 750 sluice:sluice
has /etc/sluice 750 root:sluice
inside sluice --version >/dev/null || fail 'the program does not start'
inside sluice check >/dev/null || fail 'the settings that come along have a mistake'
answer=$(echo '{"prompt": "How do I bake bread?"}' | inside sluice classify --model bundled)
[[ $answer == *'"flagged":'* ]] || fail "no verdict: $answer"
for unit in sluice.service sluice@a.service sluice-label.service sluice-retrain.service \
  sluice-retrain.timer; do
  inside systemd-analyze verify --man=no "/usr/lib/systemd/system/${unit/@a./@.}" 2>"$work/log" \
    || { cat "$work/log"; fail "$unit"; }
  [ ! -s "$work/log" ] || { cat "$work/log"; fail "$unit"; }
done
for unit in sluice.service sluice-label.service sluice-retrain.timer; do
  inside systemctl is-enabled "$unit" >/dev/null 2>&1 && fail "$unit is enabled before anybody wanted it"
done
for name in sluice sluice-serve sluice-model-register; do
  gzip -dc "$root/usr/share/man/man1/$name.1.gz" | grep -q "${name##*-}" || fail "no page $name(1)"
done
for file in bash-completion/completions/sluice zsh/vendor-completions/_sluice \
  fish/vendor_completions.d/sluice.fish; do
  grep -q retrain "$root/usr/share/$file" || fail "$file does not complete"
done
bash -n "$root/usr/share/bash-completion/completions/sluice"

step 'the drop-in for GPUs'
quietly inside sh -c 'dpkg -i /tmp/sluice-cuda_*.deb'
quietly inside systemd-analyze verify --man=no /usr/lib/systemd/system/sluice.service
inside systemd-analyze cat-config systemd/system/sluice.service.d/cuda.conf 2>/dev/null \
  | grep -q nvidia || grep -q nvidia "$root/usr/lib/systemd/system/sluice.service.d/cuda.conf" \
  || fail 'the drop-in is not there'

step 'upgrade'
$sudo sed -i 's/^  client_id: sluice$/  client_id: mine/' "$root/etc/sluice/sluice.yaml"
echo kept | $sudo tee "$root/var/lib/sluice/models/kept" >/dev/null
newer=$work/newer
quietly dpkg-deb -R "$package" "$newer"
sed -i 's/^Version: .*/Version: 9.9/' "$newer/DEBIAN/control"
quietly dpkg-deb --root-owner-group -b "$newer" "$work/sluice_9.9.deb"
$sudo cp "$work/sluice_9.9.deb" "$root/tmp/"
quietly inside dpkg -i /tmp/sluice_9.9.deb
[ "$(inside dpkg-query -W -f '${Version}' sluice)" = 9.9 ] || fail 'not upgraded'
grep -q 'client_id: mine' "$root/etc/sluice/sluice.yaml" || fail 'the settings are lost'
has /etc/sluice/sluice.yaml 640 root:sluice

step 'remove'
quietly inside dpkg -r sluice-cuda sluice
[ -e "$root/var/lib/sluice/models/kept" ] || fail 'models are lost on remove'
grep -q 'client_id: mine' "$root/etc/sluice/sluice.yaml" || fail 'the settings are lost on remove'
[ ! -e "$root/usr/bin/sluice" ] || fail 'the program stays'

step 'purge'
quietly inside dpkg -P sluice
for path in /var/lib/sluice /etc/sluice /usr/lib/sluice; do
  [ ! -e "$root$path" ] || fail "$path stays: $(ls "$root$path")"
done
step 'the first hour'
first_hour
cleanup
$sudo rm -rf "$root"
echo "✔ package: installed, upgraded, removed and purged"
