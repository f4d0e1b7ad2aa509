#!/bin/bash
# Everything that only a GPU can show: agreement with the CPU, compute-sanitizer, benchmarks beside the
# peers, the daemon's stream. It needs the driver, CUDA's libraries (from the system or from Python's
# nvidia-* packages), and for the peers Python with PyTorch and transformers; no compiler, no network.
#
#   Tests/GPU/run.sh [PART...]
#
#   device      the GPU, its ceilings, and the test model's speed
#   parity      scores of real texts beside the CPU's, together and each alone (recorded work)
#   memcheck, racecheck, initcheck, synccheck
#               tools of compute-sanitizer; but for the first on our own kernels only
#   stream      exchanges through a broker and the daemon's stream
#   peers, peers_pairs
#               the engine beside the others on texts of 80 tokens in the mean, and on pairs of prompt
#               and response of 426; some ten minutes each
#   engine, engine_pairs
#               the same without the others, for a minute each; not among all of them
#
# Without a name all of them run, for about half an hour. Where commands have a limit of time, call
# them one by one.
# Programs come from .build/gpu-kit or .build/gpu-kit.tar.xz (make gpu-kit), reports go to ${OUT:-.build/gpu-report}.
# SIZE=large (or base, small) is the shape of the random model that is timed.
set -uo pipefail
cd "$(dirname "$0")/../.."
kit=$PWD/.build/gpu-kit
out=${OUT:-.build/gpu-report}
python=${PYTHON:-python3}
size=${SIZE:-large}
tiny=Tests/Fixtures/guard-tiny
demo=Sources/Demonstration/Resources/demo.jsonl
mkdir -p "$out"
# Machines without xz may have Python, which can do without.
[ -x "$kit/sluice-bench" ] || tar -C .build -xJf .build/gpu-kit.tar.xz 2>/dev/null \
  || "$python" -c "import tarfile; tarfile.open('.build/gpu-kit.tar.xz').extractall('.build')"
[ -x "$kit/sluice-bench" ] || { echo "$kit is not there: make gpu-kit" >&2; exit 69; }
# Where pip puts CUDA's libraries.
if [ -z "${VIRTUAL_ENV:-}" ] && command -v "$python" >/dev/null; then
  VIRTUAL_ENV=$("$python" -c 'import sys; print(sys.prefix)') && export VIRTUAL_ENV
fi
export PYTHONPATH=$kit/peers${PYTHONPATH:+:$PYTHONPATH}
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$PWD/.build/gpu-cache}
failed=()

# Runs a command, keeps what it prints, and remembers its failure.
part() {
  local name=$1; shift
  echo "== $name"
  "$@" 2>&1 | tee "$out/$name.txt"
  local status=${PIPESTATUS[0]}
  if [ "$status" != 0 ]; then failed+=("$name ($status)"); fi
}

device() {
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
  "$kit/sluice-bench" gpu --model $tiny --workloads 128 --tokens 16384 --seconds 0.2 --singles 20
}

parity() {
  local status=0
  "$kit/sluice-bench" parity --model $tiny --data $demo || status=$?
  echo "-- each alone, three times"
  "$kit/sluice-bench" parity --model $tiny --data $demo --rows 40 --alone || status=$?
  return $status
}

# A tool of compute-sanitizer over a few texts, some of them in recorded work. What it finds in
# cuBLASLt's kernels is not ours to mend, and takes most of the time.
sanitize() {
  local tool=$1
  shift
  command -v compute-sanitizer >/dev/null || { echo "compute-sanitizer is not there"; return 0; }
  timeout 450 compute-sanitizer --tool "$tool" --error-exitcode 9 --target-processes all \
    "$kit/sluice-bench" parity --model $tiny --data $demo --precisions fp16,bf16 "$@"
}

memcheck() { sanitize memcheck --rows 6 && sanitize memcheck --rows 3 --alone; }
racecheck() { SLUICE_CUDA_PRODUCTS=own sanitize racecheck --rows 6; }
initcheck() { SLUICE_CUDA_PRODUCTS=own sanitize initcheck --rows 6; }
synccheck() { SLUICE_CUDA_PRODUCTS=own sanitize synccheck --rows 6; }

# A model of the published shape with random weights, and the bundled tokenizer.
random_model() {
  local folder=.build/v3-$size
  [ -f "$folder/model.safetensors" ] || "$python" Sources/sluice-bench/peers/cpu_peers.py \
    --size "$size" --engines none --lengths 16 --export "$folder" >/dev/null || return
  cp -n $tiny/spm.model "$folder/" 2>/dev/null
  echo "$folder"
}

# The engine on the lengths of a file; further arguments go to the benchmark.
#   timed REPORT LENGTHS ARGUMENT...
timed() {
  local folder report=$1 lengths=$2
  folder=$(random_model) || { echo "no model: PyTorch and transformers are needed"; return 1; }
  "$kit/sluice-bench" gpu --model "$folder" --mix "Tests/GPU/$lengths.txt" \
    --report "$out/$report.json" "${@:3}"
}

engine() { timed engine lengths; }
engine_pairs() { timed engine_pairs lengths-pairs; }
peers() { timed peers lengths --peer "$python"; }
peers_pairs() { timed peers_pairs lengths-pairs --peer "$python"; }

# Exchanges of about 128 tokens through a broker and the daemon's stream: many, then one at a time.
stream() {
  local folder status=0
  folder=$(random_model) || { echo "no model: PyTorch and transformers are needed"; return 1; }
  nvidia-smi --query-gpu=utilization.gpu --format=csv,noheader,nounits -lms 250 \
    >"$out/utilization.txt" &
  local watch=$!
  "$kit/sluice-bench" stream --model "$folder" --device cuda:0 --count 150000 --bytes 520 \
    --repeats 1 || status=$?
  kill $watch
  # The samples of the stream: warming up before it leaves gaps, so it is the last run without one.
  awk '{ if ($1 < 20) { if (n > 20) exit; n = s = b = 0 } else { n++; s += $1; if ($1 >= 90) b++ } }
    END { if (n) print "GPU busy while the stream ran, by nvidia-smi:", s / n " % in the mean,",
      b " of " n " samples at 90 % or more" }' <(tac "$out/utilization.txt")
  "$kit/sluice-bench" stream --model "$folder" --device cuda:0 --idle --count 500 --bytes 520 \
    --repeats 1 || status=$?
  return $status
}

for name in "${@:-device parity memcheck racecheck initcheck synccheck stream peers peers_pairs}"; do
  for one in $name; do part "$one" "$one"; done
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]}"
  exit 1
fi
echo "all parts passed; reports are in $out"
