#!/usr/bin/env bash
# Runs the tests of a build in lanes: suites that only compute run in parallel, those with brokers,
# servers or processes of their own one after the other. A lane that takes longer than its limit
# fails. At the end come the ten slowest tests, the lanes' times, and what failed.
#
# Example: Tests/run.sh                          all lanes, release build
#          Tests/run.sh --configuration debug    the same on another build
#          Tests/run.sh --filter StreamMachine   only tests whose names match
#          Tests/run.sh --lane parallel          only this lane
#          Tests/run.sh --skip '^GuardTests\.'   without tests whose names match
# SWIFT_TEST_FLAGS go to `swift test`; LIMIT_SCALE multiplies the lanes' limits.
set -uo pipefail
cd "$(dirname "$0")/.."

configuration=release
filter=
only=
skipped=()
while [ $# -gt 0 ]; do
  case $1 in
    --configuration) configuration=$2; shift 2 ;;
    --filter) filter=$2; shift 2 ;;
    --lane) only=$2; shift 2 ;;
    --skip) skipped+=(--skip "$2"); shift 2 ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
  esac
done

# Whoever has ports, processes, signals or the machine's speed to share.
apart='^(ChaosTests|KafkaTests|DeadLettersTests|IntegrationTests|LanguageModelTests)\.(?!DiskFault|LabelStoreFault)'
apart+='|^LabelServiceTests\.(LabelDaemonTests|TeacherHourTests|LabelErasingTests|LabelBench)'
apart+='|^RetrainingTests\.(LabelSyncTests|RetrainJobTests)'
apart+='|^AugmentationTests\.RealServerTests|^HostingTests\.StatusServiceTests'

logs=$(pwd)/.build/test-logs
rm -rf "$logs"
mkdir -p "$logs"
status=0
lanes=

# lane NAME SECONDS ARGUMENTS: what is not about a start goes to the terminal, all of it to the log.
lane() {
  local name=$1 limit=$2 start=$SECONDS code
  shift 2
  [ -z "$only" ] || [ "$only" = "$name" ] || return 0
  timeout --kill-after=20 "$limit" swift test -c "$configuration" --skip-build ${SWIFT_TEST_FLAGS:-} \
    "$@" "${skipped[@]}" \
    2>&1 | tee "$logs/$name.log" | grep --line-buffered -av '^◇'
  code=${PIPESTATUS[0]}
  lanes+="$name: $((SECONDS - start)) s of at most $limit"$'\n'
  if [ "$code" = 124 ] || [ "$code" = 137 ]; then
    echo "✘ lane $name took longer than $limit s" | tee -a "$logs/$name.log"
  fi
  [ "$code" = 0 ] || status=1
}

scale=${LIMIT_SCALE:-1}
if [ -n "$filter" ]; then
  lane filtered $((1800 * scale)) --no-parallel --filter "$filter"
else
  # Were all started at once, what waits for a moment would stand behind all of them each time.
  export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$((4 * $(nproc)))
  lane parallel $((900 * scale)) --parallel --skip "$apart"
  lane serial $((1700 * scale)) --no-parallel --filter "$apart"
fi

echo
echo 'Slowest tests, in seconds:'
grep -ahoE '^✔ Test .* passed after [0-9.]+' "$logs"/*.log | grep -v '^✔ Test run' \
  | sed -E 's/^✔ Test (.*) passed after ([0-9.]+)/\2 \1/' | sort -rn | head -10
echo
printf '%s' "$lanes"
grep -ahE '^✔ Test run|^✘ Test run' "$logs"/*.log
if [ "$status" != 0 ]; then
  echo
  echo 'Failures:'
  grep -ahE '^✘|recorded an issue|^error:|Fatal error|Crash:' "$logs"/*.log \
    | grep -v '^✘ Test run' | sort -u | cut -c1-1500 | tail -40
fi
exit "$status"
