#!/usr/bin/env bash
# What HarmAug's augmentation brings, and what of it matters: students of MiniLM-L6 on few rows and on
# all, with and without rows that `sluice augment` invented, all with the same steps and teacher.
#
#   harmaug_gain.sh DATA BASE TAUGHT OUTPUT
#
#   DATA    a folder with eval/{openai-moderation,toxicchat,harmbench,xstest}.jsonl
#   BASE    the encoder that all start from, as for bundled_guard.sh
#   TAUGHT  its OUTPUT/taught.jsonl, with invented rows: their sources begin with augment-
#   OUTPUT  where models and reports go; run again, the script goes on from there
#
#   STEPS     of every training (400)
#   VARIANTS  those to train ("rows-0 rows-400 rows-all …", all by default; precision-fp32 and
#             precision-bf16 compare the numbers that training multiplies, on few rows)
#   SEEDS     of the three sizes and of precisions ("42 123 456"); all other variants take the first
#   TINY      a small DeBERTa, for the variant of another backbone (that of the tests, guard-tiny)
#   PYTHON    a Python (python3)
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
. "$folder/common.sh"
[ $# -eq 4 ] || fail "usage: harmaug_gain.sh DATA BASE TAUGHT OUTPUT"
data=$1 base=$2 taught=$3 output=$4
python=${PYTHON:-python3}
seeds=${SEEDS:-42 123 456}
tiny=${TINY:-$folder/../../../Tests/Fixtures/guard-tiny}
files=$(for set in openai-moderation toxicchat harmbench xstest; do echo "$data/eval/$set.jsonl"; done)
mkdir -p "$output"
[ -f "$output/rows-all.jsonl" ] || "$python" "$folder/gain.py" rows --taught "$taught" --output "$output"

# The same recipe for all.
#   student NAME SEED DATA OPTION...
student() {
  local model=$output/$1-$2 seed=$2 rows=$3
  shift 3
  if [ ! -d "$model" ]; then
    echo "training $model" >&2
    nice -n "$NICE" "$SLUICE" distill --model "$base" --data "$rows" --output "$model" --seed "$seed" \
      --steps "${STEPS:-400}" --batch-size 32 --learning-rate 1e-4 --warm-up-steps 40 --weight-decay 0.05 \
      --tokens-max 256 --teacher-temperature 1 --held-out 0 --format float16 "$@" >&2
  fi
  evaluate "$model" $files
}

first=${seeds%% *}
all="rows-0 rows-400 rows-all lambda-0 lambda-1 hard-labels no-empty tiny-0 tiny-all"
for variant in ${VARIANTS:-$all}; do
  case $variant in
    rows-*) for seed in $seeds; do student "$variant" "$seed" "$output/$variant.jsonl"; done ;;
    lambda-*) student "$variant" "$first" "$output/rows-all.jsonl" --lambda "${variant#lambda-}" ;;
    hard-labels) student "$variant" "$first" "$output/rows-all.jsonl" --teacher-temperature 0 ;;
    no-empty) student "$variant" "$first" "$output/no-empty.jsonl" ;;
    tiny-*)
      base=$tiny student "$variant" "$first" "$output/rows-${variant#tiny-}.jsonl" --from-scratch \
        --learning-rate 5e-4
      ;;
    precision-*)
      for seed in $seeds; do
        student "$variant" "$seed" "$output/rows-0.jsonl" --precision "${variant#precision-}"
      done
      ;;
    *) fail "no variant is called $variant" ;;
  esac
done
"$python" "$folder/gain.py" table --output "$output"
