#!/usr/bin/env bash
# Makes the small model that tests use: three teachers from random weights, and a student of
# the same shape that learns their mean opinion. About 40 minutes on two cores; run again, it goes
# on from where it stopped. The model is OUTPUT/guard-tiny.
#
#   demo_model.sh DATA OUTPUT
#
#   DATA    a folder with train/permissive.jsonl
#   MODEL   a folder with shape and tokenizer (that of the tests, guard-tiny)
#   EPOCHS  passes over the data of the teachers (2)
#   STUDENT_EPOCHS  passes of the student (4)
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
. "$folder/common.sh"
[ $# -eq 2 ] || fail "usage: demo_model.sh DATA OUTPUT"
data=$1 output=$2
shape=${MODEL:-$folder/../../../Tests/Fixtures/guard-tiny}
train=$data/train/permissive.jsonl
mkdir -p "$output"

teachers=""
for seed in 42 123 456; do
  train "$output/teacher-$seed" "$seed" --model "$shape" --epochs "${EPOCHS:-2}" --data "$train"
  teachers="$teachers $output/teacher-$seed"
done
train "$output/guard-tiny" 7 --model "$shape" --epochs "${STUDENT_EPOCHS:-4}" --format float16 \
  --teacher-temperature 1 --teacher-opinions "$output/opinions.json" --teacher $teachers \
  --data "$train"
