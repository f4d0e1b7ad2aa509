#!/bin/sh
# Generates the C code of sluice.proto: proto/generate.sh [folder, default Sources/CMessages].
#
# protoc-c reads a variant of the schema that is the same on the wire:
# - `bytes` for each `string`: protobuf-c ends a string at its first NUL, and what follows the NUL
#   would pass unjudged;
# - proto2 with `optional` before each single field: protoc-c 1.4 knows no `optional` in proto3.
set -eu
proto=$(cd "$(dirname "$0")" && pwd)
output=${1:-"$proto/../Sources/CMessages"}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
sed -E \
  -e 's/^syntax = "proto3";/syntax = "proto2";/' \
  -e 's/^  ([A-Za-z0-9]+ [a-z_]+ = )/  optional \1/' \
  -e 's/^(  (optional|repeated) )string /\1bytes /' \
  "$proto/sluice.proto" >"$scratch/sluice.proto"
protoc-c --proto_path="$scratch" --c_out="$scratch" "$scratch/sluice.proto"
mkdir -p "$output/include"
mv "$scratch/sluice.pb-c.h" "$output/include/sluice.pb-c.h"
mv "$scratch/sluice.pb-c.c" "$output/sluice.pb-c.c"
