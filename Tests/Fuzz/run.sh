#!/usr/bin/env bash
# Feeds what comes from outside, mutated by coverage (libFuzzer), to the code that reads it, each kind
# of input for some seconds. Ends with 1 at the first crash, hang or greed for memory, and names the
# file that leads to it; such files go to Tests/Fuzz/found and are tried first from then on.
#
# What was learnt is kept in .build-fuzz/corpus, so that a second run goes on from there.
# Example: Tests/Fuzz/run.sh; SECONDS_EACH=600 Tests/Fuzz/run.sh settings safetensors
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${SECONDS_EACH:-60}
build=.build-fuzz
fuzzer=$build/release/sluice-fuzz

# Every module has counters of its edges; gold fails on the runtime library, lld does not.
mkdir -p $build
SLUICE_FUZZ=1 swift build -c release --scratch-path $build --product sluice-fuzz \
  -Xswiftc -sanitize=fuzzer -Xcc -fsanitize=fuzzer-no-link -Xcxx -fsanitize=fuzzer-no-link \
  -Xswiftc -Xclang-linker -Xswiftc -fuse-ld=lld >$build/build.log 2>&1 || {
  grep -E 'error:' $build/build.log || tail -n 20 $build/build.log
  exit 69
}

# What each kind begins with: files that the repository has anyway.
seeds() {
  local into=$1 fixtures=Tests/Fixtures
  case $2 in
    exchange-json | record) split -l 1 -a 3 Sources/Demonstration/Resources/demo.jsonl "$into/demo-" ;;
    settings) cp config/*.yaml "$into" ;;
    model-configuration) find $fixtures Sources/Guard/Resources -name config.json | number "$into" ;;
    tokenizer-json) find $fixtures -name tokenizer.json -size -64k | number "$into" ;;
    sentence-piece) find $fixtures -name spm.model -size -256k | number "$into" ;;
    safetensors) find $fixtures -name '*.safetensors' -size -64k | number "$into" ;;
    model-answer)
      echo '{"choices":[{"message":{"content":"<think>a</think>b"},"finish_reason":"stop","logprobs":{"content":[{"id":1,"token":"b","logprob":-0.1,"top_logprobs":[{"id":2,"token":"c","logprob":-Infinity}]}]}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}' >"$into/chat"
      echo '{"choices":[{"text":"b","logprobs":{"tokens":["b"],"token_logprobs":[null],"top_logprobs":[{"token_id:7":-1}]}}],"error":null}' >"$into/text"
      ;;
    dataset) head -n 5 Sources/Demonstration/Resources/demo.jsonl >"$into/rows" ;;
    manifest) find $fixtures Sources/Guard/Resources -name sluice.json | number "$into" ;;
  esac
}
number() { local i=0 file; while read -r file; do cp "$file" "$1/seed-$((i++))"; done; }

inputs=("$@")
[ $# -gt 0 ] || mapfile -t inputs < <("$fuzzer" || true)
total=0
printf '%-20s %12s %10s %8s %8s\n' input executions a-second edges MiB
for input in "${inputs[@]}"; do
  corpus=$build/corpus/$input
  mkdir -p "$corpus" "Tests/Fuzz/found/$input"
  seeds "$corpus" "$input"
  log=$build/$input.log
  # No output of what is read: texts may be anybody's.
  if ! SLUICE_FUZZ_INPUT=$input "$fuzzer" "$corpus" "Tests/Fuzz/found/$input" \
    -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=512 \
    -print_final_stats=1 -artifact_prefix="Tests/Fuzz/found/$input/" >"$log" 2>&1; then
    grep -m 1 -E 'Fatal error|ERROR: ' "$log" || true
    grep -m 1 -oE 'Test unit written to .*' "$log" || tail -n 5 "$log"
    exit 1
  fi
  rmdir "Tests/Fuzz/found/$input" 2>/dev/null || true
  rm -rf /dev/shm/sluice-fuzz-*
  number_of() { sed -n "s/^stat::$1: *//p" "$log"; }
  runs=$(number_of number_of_executed_units)
  total=$((total + runs))
  edges=$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d' ' -f2)
  printf '%-20s %12d %10d %8d %8d\n' \
    "$input" "$runs" "$(number_of average_exec_per_sec)" "$edges" "$(number_of peak_rss_mb)"
done
rmdir Tests/Fuzz/found 2>/dev/null || true
echo "$total executions: no crash, no hang"
