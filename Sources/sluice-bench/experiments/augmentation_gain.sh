#!/usr/bin/env bash
# What augmentation brings: small models from random weights, three seeds, the same steps, with and
# without rows that `sluice augment` invented; both with the same teacher, the mean of three models
# that were trained on the same data before.
#
#   augmentation_gain.sh DATA OUTPUT [GENERATOR]
#
#   DATA       a folder with train/permissive.jsonl and eval/{openai-moderation,toxicchat,harmbench,
#              xstest}.jsonl
#   OUTPUT     where models and reports go; run again, the script goes on from there
#   GENERATOR  an OpenAI-compatible server with prefilled answers, such as llama.cpp's
#
#   MODEL         a folder with shape and tokenizer (the bundled guard-tiny)
#   EPOCHS        passes over the data of all trainings (2)
#   INSTRUCTIONS  instructions to invent (160)
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
. "$folder/common.sh"
[ $# -ge 2 ] || fail "usage: augmentation_gain.sh DATA OUTPUT [GENERATOR]"
data=$1 output=$2 generator=${3:-http://127.0.0.1:8080}
shape=${MODEL:-$folder/../../Demonstration/Resources/guard-tiny}
seeds="42 123 456"
sets="openai-moderation toxicchat harmbench xstest"
train=$data/train/permissive.jsonl
files=$(for set in $sets; do echo "$data/eval/$set.jsonl"; done)
mkdir -p "$output"

invented=$output/invented.jsonl
if [ ! -f "$output/invented.done" ]; then
  nice -n "$NICE" "$SLUICE" augment --data "$train" --exclude $files --output "$invented" \
    --instructions "${INSTRUCTIONS:-160}" --benign --response-tokens 96 --instruction-tokens 64 \
    --generator "$generator" --refuser "$generator" --complier "$generator" >&2
  touch "$output/invented.done"
fi

# The teachers, whose opinion every later model learns.
teachers=""
for seed in $seeds; do
  train "$output/teacher-$seed" "$seed" --model "$shape" --epochs "${EPOCHS:-2}" --data "$train"
  evaluate "$output/teacher-$seed" $files
  teachers="$teachers $output/teacher-$seed"
done

# The same steps for both: as many as the passes over the data without invented rows take.
steps=$(awk '/"learningRate"/ && /:/ { rates++ } END { print rates - 1 }' \
  "$output/teacher-42/training.json")
for seed in $seeds; do
  options="--model $shape --steps $steps --teacher-temperature 1 --teacher-opinions $output/opinions.json --teacher $teachers"
  train "$output/without-$seed" "$seed" $options --data "$train"
  evaluate "$output/without-$seed" $files
  train "$output/with-$seed" "$seed" $options --data "$train" "$invented"
  evaluate "$output/with-$seed" $files
done

echo "$(wc -l < "$invented") invented rows, $steps steps, seeds $seeds; mean ± standard deviation"
echo
echo "| set | metric | teachers | without | with |"
echo "|---|---|---|---|---|"
for set in $sets; do
  metrics="f1 auprc falsePositiveRate"
  for metric in $metrics; do
    row="| $set | $metric |"
    for kind in teacher without with; do
      row="$row $(for seed in $seeds; do
        figure "$output/$kind-$seed.report/report.json" "$set" "$metric"
      done | spread) |"
    done
    echo "$row"
  done
done
