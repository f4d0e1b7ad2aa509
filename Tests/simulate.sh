#!/usr/bin/env bash
# Runs the simulation of the stream over many seeds, in pieces that a second run goes on after:
# what is done stands in .build/simulated. A seed that fails is named with the least that fails, and
# ends this with 1.
#
# Example: SEEDS=1000000 Tests/simulate.sh
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${SEEDS:-1000000}
piece=${PIECE:-20000}
done_file=.build/simulated
next=$(cat "$done_file" 2>/dev/null || echo 0)
swift build -c release --build-tests
first=$next
start=$SECONDS
while [ "$next" -lt "$seeds" ]; do
  count=$((seeds - next < piece ? seeds - next : piece))
  if ! SLUICE_SIMULATION_SEEDS=$next,$count swift test -c release --skip-build \
    --filter StreamSimulationTests.everyRecordComesOutOnceAndInOrder >.build/simulate.log 2>&1; then
    grep '✘' .build/simulate.log || tail -n 20 .build/simulate.log
    exit 1
  fi
  next=$((next + count))
  echo "$next" >"$done_file"
  elapsed=$((SECONDS - start + 1))
  left=$(((seeds - next) * elapsed / (next - first)))
  echo "$next of $seeds seeds, $(((next - first) / elapsed)) a second, $((left / 60)) minutes left"
done
echo "$next seeds: nothing lost, repeated or reordered, and all of it came out"
