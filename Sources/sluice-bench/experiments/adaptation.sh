#!/usr/bin/env bash
# Adapting to a new style of attack from 25 examples, as the paper does with CipherChat: 200 steps
# of LoRA on the new examples mixed with old data; then F1 on new and old sets before and after.
#
#   adaptation.sh MODEL DATA OUTPUT
#
#   DATA    a folder with adapt/cipher-{train-25,test}.jsonl, train/permissive.jsonl and
#           eval/{openai-moderation,toxicchat,harmbench}.jsonl
#   OUTPUT  where the model and the reports go
#
#   REPEATS  times that each new example stands in the mix (20)
#   OLD      old examples in the mix (1500)
#   RATE     learning rate (the recipe's 1e-4)
set -euo pipefail
. "$(dirname "$0")/common.sh"
[ $# -eq 3 ] || fail "usage: adaptation.sh MODEL DATA OUTPUT"
model=$1 data=$2 output=$3
sets="cipher-test openai-moderation toxicchat harmbench"
files="$data/adapt/cipher-test.jsonl"
for set in openai-moderation toxicchat harmbench; do files="$files $data/eval/$set.jsonl"; done
mkdir -p "$output"

mix=$output/mix.jsonl
if [ ! -f "$mix" ]; then
  for _ in $(seq "${REPEATS:-20}"); do cat "$data/adapt/cipher-train-25.jsonl"; done > "$mix.new"
  shuf -n "${OLD:-1500}" --random-source=<(yes) "$data/train/permissive.jsonl" >> "$mix.new"
  mv "$mix.new" "$mix"
fi
[ -e "$output/before" ] || ln -s "$(cd "$model" && pwd)" "$output/before"
if [ ! -d "$output/after" ]; then
  "$SLUICE" distill --adapt --model "$model" --data "$mix" --output "$output/after" \
    --learning-rate "${RATE:-1e-4}" --tokens-max 512 --held-out 0 >&2
fi
evaluate "$output/before" $files
evaluate "$output/after" $files

echo "| set | F1 before | after | AUPRC before | after | false positives before | after |"
echo "|---|---|---|---|---|---|---|"
for set in $sets; do
  row="| $set |"
  for metric in f1 auprc falsePositiveRate; do
    for state in before after; do
      row="$row $(printf %.3f "$(figure "$output/$state.report/report.json" "$set" "$metric")") |"
    done
  done
  echo "$row"
done
