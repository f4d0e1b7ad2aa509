#!/usr/bin/env bash
# Puts daemons to the test, in parts: what the table in docs/measure.md shows. Needs
# `make test-servers` and a release build of sluice and sluice-chaos (`make chaos` sees to both).
#
#   kills    SIGKILL, more than 1,000 of them over 216,000 exchanges
#   held     requests of transactions that arrive late, in a later transaction
#   network  cuts, partitions, half-open connections, more than 500 of them
#   all      everything at once, held requests among it
#   outage   for 300 seconds nobody reaches the broker, which outlasts the sessions of the group (45 s)
#   old      the order of earlier versions, which must lose or repeat: the test of the test
#   overload ten times what can be judged, for ten minutes, and then what is left over
#   soak     an hour of load with bursts, labelling and retraining; only where it is named
#
# Each part has its report in .build/chaos/PART. Options after the parts' names go to sluice-chaos.
# Example: Tests/Chaos/run.sh; Tests/Chaos/run.sh held --seed 7; Tests/Chaos/run.sh soak
set -euo pipefail
cd "$(dirname "$0")/../.."
chaos=.build/release/sluice-chaos
parts=()
while [ $# -gt 0 ] && [[ $1 != -* ]]; do parts+=("$1"); shift; done
[ ${#parts[@]} -gt 0 ] || parts=(kills held network all outage old overload)
network='cut cut-in-frame silence deafness half-open refuse slow'

held=(--rounds 3 --records 15000 --seconds 100 --hold 8 --faults cut --pace 20)
for part in "${parts[@]}"; do
  echo "== $part"
  output=.build/chaos/$part
  mkdir -p "$output"
  case $part in
    kills)
      "$chaos" --rounds 6 --records 36000 --seconds 160 --faults kill --pace 0.8 \
        --output "$output" "$@"
      ;;
    held) "$chaos" "${held[@]}" --output "$output" "$@" ;;
    network)
      # shellcheck disable=SC2086
      "$chaos" --rounds 4 --records 12000 --seconds 110 --faults $network --pace 0.75 \
        --output "$output" "$@"
      ;;
    all) "$chaos" --rounds 3 --records 12000 --seconds 120 --hold 10 --output "$output" "$@" ;;
    outage)
      "$chaos" --rounds 3 --records 12000 --seconds 60 --outage 300 --faults kill --pace 1000 \
        --output "$output" "$@"
      ;;
    old)
      old=$(Tests/Chaos/build_old_order.sh)
      code=0
      "$chaos" "${held[@]}" --program "$old" --output "$output" "$@" || code=$?
      case $code in
        0) echo 'the old order went through unnoticed' >&2; exit 1 ;;
        1) echo 'the old order is noticed, as it must be' ;;
        *) exit "$code" ;;
      esac
      ;;
    overload) "$chaos" overload --precision fp32 --records-max 120000 --output "$output" "$@" ;;
    soak) "$chaos" soak --output "$output" "$@" ;;
    *) sed -n '/^set /q; 2,$s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
  esac
done
