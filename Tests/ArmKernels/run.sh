#!/usr/bin/env bash
# Runs the C kernels on emulated arm64 processors: one with BF16 and I8MM, one without. Speed is not
# what this can tell. On arm64 itself the tests of Tensors do the same.
#
# Needs clang, and Debian's qemu-user, libc6-dev-arm64-cross, libgcc-12-dev-arm64-cross and
# binutils-aarch64-linux-gnu.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(uname -m)" = x86_64 ] || exit 0
output=${OUTPUT:-.build/arm64}
root=/usr/aarch64-linux-gnu
clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
[ -x "$clang" ] || clang=clang
mkdir -p "$output"
libraries=$(ls -d /usr/lib/gcc-cross/aarch64-linux-gnu/* | tail -1)
"$clang" --target=aarch64-linux-gnu --sysroot=$root -isystem $root/include -B "$libraries" \
  -B $root/lib -L "$libraries" -L $root/lib --ld-path="$(command -v aarch64-linux-gnu-ld)" \
  -std=c17 -O2 -Wall -Wextra -Werror -static -ISources/CKernels/include \
  Sources/CKernels/*.c Tests/ArmKernels/check.c -lm -o "$output/check"

# run PROCESSOR EXPECTED: the kinds of products that it has, in one line.
run() {
  local found
  found=$(qemu-aarch64 -cpu "$1" "$output/check") || { echo "✘ $1"; echo "$found" | tail -20; exit 1; }
  found=$(echo "$found" | paste -s -d ';')
  [ "$found" = "$2" ] || { echo "✘ $1: $found instead of $2"; exit 1; }
  echo "✔ arm64 kernels on $1: $found"
}
run max 'bf16, plain;bf16, 128 bits;int8, plain;int8, 128 bits;0 mistakes'
run cortex-a72 'bf16, plain;int8, plain;0 mistakes'
