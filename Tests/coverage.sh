#!/usr/bin/env bash
# Prints which share of lines the last run with coverage reached, per module of Sources, and the files
# that no test entered. Ends with 1 when a module is below the least share.
#
# The profiles are those that `make coverage` lets the tests, and the processes that they start, leave
# in the folder. Example: Tests/coverage.sh .build-coverage 70
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1 least=$2

binaries=$(dirname "$(readlink -f "$(command -v swift)")")
# What a killed process was just writing is torn, and left out.
"$binaries/llvm-profdata" merge -sparse -failure-mode=warn -o "$build/profiles/all.profdata" \
  "$build"/profiles/*.profraw 2>/dev/null
"$binaries/llvm-cov" export -summary-only -instr-profile "$build/profiles/all.profdata" \
  "$build/debug/sluicePackageTests.xctest" -object "$build/debug/sluice" \
  | tr '{' '\n' | awk -v root="$PWD/Sources/" -v least="$least" '
    /"filename":/ {
      file = $0
      sub(/.*"filename":"/, "", file)
      sub(/".*/, "", file)
    }
    /^"count":/ && previous ~ /"lines":$/ && index(file, root) == 1 {
      split($0, parts, /[:,]/)
      name = substr(file, length(root) + 1)
      module = name
      sub(/\/.*/, "", module)
      count[module] += parts[2]
      covered[module] += parts[4]
      if (parts[4] == 0 && parts[2] > 0) untested[name] = 1
    }
    { previous = $0 }
    END {
      for (module in count) {
        share = 100 * covered[module] / count[module]
        printf "%5.1f %% of %6d  %s%s\n", share, count[module], module,
          share < least ? "  BELOW " least : "" | "sort -n"
        if (share < least) failed = 1
      }
      close("sort -n")
      for (name in untested) print "no test enters " name | "sort"
      close("sort")
      exit failed
    }'
