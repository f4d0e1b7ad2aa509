# What the experiments share; read by them, not run.
#
#   SLUICE      the program (sluice)
#   NICE        how nice trainings are (10)

SLUICE=${SLUICE:-sluice}
NICE=${NICE:-10}

fail() {
  echo "$0: $*" >&2
  exit 1
}

# The shape of guard-tiny from random weights, three passes. A training that was stopped goes on;
# one that is done is left alone.
#   train OUTPUT SEED OPTION...
train() {
  local output=$1 seed=$2
  shift 2
  [ -d "$output" ] && return
  echo "training $output" >&2
  nice -n "$NICE" "$SLUICE" distill --from-scratch --learning-rate 5e-4 --weight-decay 0.05 \
    --batch-size 64 --tokens-max 256 --seed "$seed" --output "$output" "$@" >&2
}

# Writes MODEL.report/report.json.
#   evaluate MODEL FILE...
evaluate() {
  local model=$1
  shift
  [ -f "$model.report/report.json" ] && return
  nice -n "$NICE" "$SLUICE" evaluate --model "$model" --data "$@" --output "$model.report" >&2
}

# A figure of a set, or of the average where the set is "average".
#   figure REPORT SET METRIC
figure() {
  awk -v set="$2" -v metric="$3" '
    { name = $1; gsub(/"/, "", name) }
    /^  "/ { section = name }
    /^    "/ && section == "sets" { inside = name }
    section == "average" && set == "average" && /^    "/ && name == metric { print $3 + 0; exit }
    section == "sets" && inside == set && /^      "/ && name == metric { print $3 + 0; exit }
  ' "$1"
}

# Mean and standard deviation of numbers on standard input.
spread() {
  awk '{ n++; sum += $1; squares += $1 * $1 }
    END {
      mean = sum / n
      deviation = n > 1 ? sqrt((squares - n * mean * mean) / (n - 1) * (squares > n * mean * mean)) : 0
      printf "%.3f ± %.3f", mean, deviation
    }'
}
