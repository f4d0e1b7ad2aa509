#!/usr/bin/env bash
# Plants faults in a copy of the tree, one at a time, and expects the tests of the pure suites to
# catch each: what no test would notice is not tested. Ends with 1 when a fault survives.
#
# Takes some minutes: each fault is built. Example: Tests/mutate.sh
set -euo pipefail
cd "$(dirname "$0")/.."

suites='^(PipelineTests|SimulationTests)\.|^HostingTests\.MachineHostTests|^FilterServiceTests\.StreamRuntimeTests'
copy=$(pwd)/.build-mutants
mkdir -p "$copy"

# file | what stands there | what is put in its place
faults=(
  'Sources/Pipeline/LaneLedger.swift|source.offset <= received|source.offset < received'
  'Sources/Pipeline/LaneLedger.swift|lanes[id]?.committed = source.offset.next|lanes[id]?.committed = source.offset'
  'Sources/Pipeline/LaneLedger.swift|return phase != .dead|return phase != .draining'
  'Sources/Pipeline/MicroBatcher.swift|tokens + item.tokens > limits.tokensMax|tokens > limits.tokensMax'
  'Sources/Pipeline/MicroBatcher.swift|if item.classifier.model != model { return (count, .model) }|'
  'Sources/Pipeline/TransactionQueue.swift|inFlight == nil else { return .wait(until: nil) }|true else { return .wait(until: nil) }'
  'Sources/Hosting/MachineHost.swift|wait(atMost: options.drainMilliseconds) { $0.isDrained(partitions) }|'
  'Sources/Hosting/MachineHost.swift|while case .hold(let isHeld) = waitForRoom()|if case .hold(let isHeld) = waitForRoom()'
  'Sources/Hosting/MachineHost.swift|if hasWork { state.wakeAll() }|'
  'Sources/Hosting/MachineHost.swift|wait(atMost: options.drainMilliseconds) { $0.mayLeave }|'
  'Sources/Hosting/MachineHost.swift|      guard goesOn else { return false }|'
)

# Only files that differ are written, so that only these are built again.
refresh() {
  git ls-files -co --exclude-standard | while read -r file; do
    cmp -s "$file" "$copy/$file" || { mkdir -p "$(dirname "$copy/$file")"; cp "$file" "$copy/$file"; }
  done
}

# run [FILE OLD NEW]: 0 when the tests pass, 1 when they fail, 2 when it does not build.
run() {
  refresh
  if [ $# = 3 ]; then
    local text
    text=$(<"$1")
    [[ $text == *"$2"* ]] || { echo "$1: the place of the fault is gone: $2" >&2; return 2; }
    printf '%s\n' "${text/"$2"/"$3"}" >"$copy/$1"
  fi
  (cd "$copy" && swift build -c release --build-tests >build.log 2>&1) || return 2
  (cd "$copy" && timeout 120 swift test -c release --skip-build --filter "$suites" >test.log 2>&1) \
    || return 1
}

echo 'without a fault'
run || { tail -20 "$copy/build.log" "$copy/test.log"; exit 1; }
survivors=0
for fault in "${faults[@]}"; do
  IFS='|' read -r file old new <<<"$fault"
  code=0
  run "$file" "$old" "$new" || code=$?
  case $code in
    0) verdict=SURVIVED; survivors=$((survivors + 1)) ;;
    2) verdict='does not build'; survivors=$((survivors + 1)); tail -5 "$copy/build.log" ;;
    *) verdict=caught ;;
  esac
  echo "$verdict: $file: $old -> ${new:-nothing}"
done
exit $((survivors > 0))
