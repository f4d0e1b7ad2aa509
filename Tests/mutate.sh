#!/usr/bin/env bash
# Plants faults in a copy of the tree, one at a time, and expects the tests of the pure suites to
# catch each: what no test would notice is not tested. Ends with 1 when a fault survives.
#
# The copy, .build-mutants, holds only what these suites need and is kept, so that a second run
# builds little. The simulation takes 1,000 seeds. A pattern takes only the faults of files whose
# path it matches. Example: Tests/mutate.sh; Tests/mutate.sh "Judge|Registry"
set -euo pipefail
cd "$(dirname "$0")/.."

suites='^(PipelineTests|HostingTests\.MachineHostTests|SimulationTests|ModelRegistryTests)'
suites+='|^KafkaTests\.PublisherTests'
suites+='|^LabelServiceTests\.(JoinBufferTests|LabelMachineTests|LabelSimulationTests)'
copy=$(pwd)/.build-mutants
only=${1:-}
survivors=0
limit=900
export SLUICE_SIMULATION_SEEDS=0,1000

# Only files that differ are written, so that only these are built again.
refresh() {
  git ls-files -co --exclude-standard | while read -r file; do
    cmp -s "$file" "$copy/$file" || { mkdir -p "$(dirname "$copy/$file")"; cp "$file" "$copy/$file"; }
  done
  (cd "$copy" && find Sources Tests -type f 2>/dev/null || true) | while read -r file; do
    [ -e "$file" ] || rm "$copy/$file"
  done
  # The suites' targets and what they depend on.
  cat >"$copy/Package.swift.new" <<'SWIFT'

var needed: Set = [
  "PipelineTests", "HostingTests", "SimulationTests", "ModelRegistryTests", "LabelServiceTests",
  "KafkaTests",
]
for target in package.targets.reversed() where needed.contains(target.name) {
  for case .byNameItem(let name, _) in target.dependencies { needed.insert(name) }
}
package.targets.removeAll { !needed.contains($0.name) }
package.products = []
SWIFT
  cat Package.swift - <"$copy/Package.swift.new" >"$copy/Package.swift"
}

# 0 when the tests of the copy pass, 1 when they fail or hang, 2 when it does not build.
run() {
  (cd "$copy" && swift build --build-tests ${SWIFT_BUILD_FLAGS:-} >build.log 2>&1) || return 2
  (cd "$copy" && timeout "$limit" swift test --skip-build --filter "$suites" >test.log 2>&1) || return 1
}

# fault FILE OLD NEW: what stands there, and what is put in its place.
fault() {
  local file=$1 text code=0 verdict start=$SECONDS
  [[ $file =~ $only ]] || return 0
  text=$(<"$file")
  if [[ $text == *"$2"* ]]; then
    printf '%s\n' "${text/"$2"/"$3"}" >"$copy/$file"
    run || code=$?
    cp "$file" "$copy/$file"
  else
    code=3
  fi
  case $code in
    0) verdict=SURVIVED ;;
    1) verdict=caught ;;
    2) verdict='DOES NOT BUILD'; grep -m 3 'error:' "$copy/build.log" >&2 || true ;;
    3) verdict='HAS NO PLACE' ;;
  esac
  [ "$code" = 1 ] || survivors=$((survivors + 1))
  echo "$verdict in $((SECONDS - start)) s: $file: $2 -> ${3:-nothing}"
}

mkdir -p "$copy"
refresh
run || { tail -n 20 "$copy/build.log" "$copy/test.log"; exit 1; }
start=$SECONDS
run
limit=$((30 + 4 * (SECONDS - start)))
echo "without a fault all pass; whoever takes more than $limit s hangs"

# The ledger of offsets.
ledger=Sources/Pipeline/OffsetLedger.swift
fault $ledger 'source.offset <= received' 'source.offset < received'
fault $ledger '.committed = source.offset.next' '.committed = source.offset'
fault $ledger 'return phase != .dead' 'return phase != .draining'
fault $ledger '$0.phase != .live && !$0.outstanding.isEmpty' '$0.phase == .live && !$0.outstanding.isEmpty'
# Batches and transactions.
batcher=Sources/Pipeline/MicroBatcher.swift
fault $batcher 'tokens + item.tokens > limits.tokensMax' 'tokens > limits.tokensMax'
fault $batcher 'if item.classifier.model != model { return (count, .model) }' '_ = model'
fault $batcher 'min(aged, quiet)' 'max(aged, quiet)'
transactions=Sources/Pipeline/TransactionQueue.swift
fault $transactions 'attempt: attempts + 1' 'attempt: attempts'
fault $transactions 'ready.take(fill())' 'ready.take(1)'
fault $transactions 'isFull || item.model != model' 'isFull || (item.model != model && false)'
# The order of chunks and of what leaves, and the class of what is long.
sequencer=Sources/Pipeline/ChunkSequencer.swift
fault $sequencer 'while let items = waiting' 'if let items = waiting'
fault $sequencer 'nextIssued - nextReleased' 'waiting.count'
fault $sequencer 'waiting.removeValue(forKey: nextReleased)' 'waiting.popFirst()?.value'
order=Sources/Pipeline/ReleaseOrder.swift
fault $order 'if index > 0 {' 'if index > 1 {'
fault $order 'while let next = places' 'if let next = places'
judging=Sources/Pipeline/JudgeQueue.swift
fault $judging 'var kept = order.lastJudged' 'var kept: [AssignmentID: Offset] = [:]'
fault $judging 'for item in running.flatMap(\.items)' 'for item in running.dropFirst().flatMap(\.items)'
fault $judging 'behindLong[item.assignment] != nil' 'behindLong.isEmpty'
fault $judging 'if end(id).isLong { leaveLong(judged.map(\.item)) }' '_ = end(id)'
fault $judging 'batchesMax: 1)' 'batchesMax: 2)'
fault $judging 'items[middle...]].map' 'items[..<middle]].map'
# What is published, and what is believed of it.
publisher=Sources/Kafka/TransactionalPublisher.swift
fault $publisher '      try producer.flush(timeout: end - .now)' ''
fault $publisher 'if let failure = producer.deliveryFailures.first { throw failure.error }' ''
fault $publisher 'if producer.unansweredRequests > 0 {' 'if producer.unansweredRequests > 1_000 {'
fault $publisher 'replaceProducer(TransactionDoubt(cause: .aborted, detail: error.description))' ''
fault $publisher 'replaceProducer(TransactionDoubt(cause: .uncertain, detail: error.description))' ''
fault $publisher 'committed[partition].map { $0 >= offset } ?? false' 'committed[partition] == nil || true'
fault $publisher 'error.disposition == .abort && producer.unansweredRequests == 0' 'error.disposition == .abort'
# Exchanges and verdicts that meet.
join=Sources/LabelService/Sampling/JoinBuffer.swift
fault $join 'mark = entry.verdictMark, position.offset <= mark' 'mark = entry.verdictMark, position.offset < mark'
fault $join 'mark = entry.exchangeMark, source.offset <= mark' 'mark = entry.exchangeMark, source.offset < mark'
fault $join 'entry.verdicts.removeAll { $0.offset < position.offset }' 'entry.verdicts.removeAll { $0.offset <= position.offset }'
fault $join 'if waiting.offset < source.offset {' 'if waiting.offset <= source.offset {'
fault $join 'waitingBytes -= entry.exchanges.reduce(0) { $0 + $1.bytes }' ''
fault $join '        entry.verdictMark = nil' ''
fault $join 'now.nanoseconds(since: $0) >= limit' 'now.nanoseconds(since: $0) > 2 * limit'
# The registry of models, and what a crash leaves of it.
registry=Sources/ModelRegistry/ModelRegistry+Writing.swift
fault $registry '    try removeUnfinished()' ''
fault $registry '    try mendLinks()' ''
fault $registry 'where version != current && version != previous' 'where version != current'
fault $registry 'manifest.status != .rejected' 'manifest.status != .retired'
fault $registry 'if let champion, champion != current' 'if let champion, champion == current'
fault $registry 'if let problem = try problems(of: version).first' 'if false, let problem = try problems(of: version).first'
fault $registry 'if last?.version != current' 'if last == nil'
# The host's drain, its waiting and its end.
host=Sources/Hosting/MachineHost.swift
fault $host 'wait(atMost: options.drainMilliseconds) { $0.isDrained(partitions) }' ''
fault $host 'wait(atMost: options.drainMilliseconds) { $0.mayLeave }' ''
fault $host ' || now >= deadline' ''
fault $host 'while case .hold(let isHeld) = waitForRoom()' 'if case .hold(let isHeld) = waitForRoom()'
fault $host '      guard goesOn else { return false }' ''
fault $host 'if hasWork { state.wakeAll() }' '_ = hasWork'
fault $host 'if state.isOver || state.machine.failure != nil' 'if state.isOver'
fault $host '$0.progress.leftLate = true' '$0.progress.leftLate = false'
fault $host 'case .lost(let partitions):
      state.update { $0.machine.giveUp(partitions) }' 'case .lost(let partitions):
      state.update { $0.machine.drain(partitions) }'

exit $((survivors > 0))
