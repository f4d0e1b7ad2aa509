internal import FilterService
internal import Records
internal import Telemetry
internal import Wire

/// What the demo found, and how it is shown.
struct DemoReport {
  private let sent: DemoRecords
  private let snapshot: StreamSnapshot
  private var verdicts: [(key: String, verdict: Verdict)] = []
  private var deadLetters: [(key: String, reason: String, detail: String)] = []
  private var problems: [String] = []

  init(
    sent: DemoRecords, outputs: [InputRecord], snapshot: StreamSnapshot,
    topics: (verdicts: String, deadLetters: String)
  ) {
    self.sent = sent
    self.snapshot = snapshot
    var decoder = VerdictDecoder()
    for output in outputs {
      let key = String(decoding: output.key ?? [], as: UTF8.self)
      if output.source.topic == topics.deadLetters {
        deadLetters.append(
          (
            key, output.headers.text(of: "sluice-error-reason") ?? "?",
            output.headers.text(of: "sluice-error-detail") ?? ""
          ))
      } else if let value = output.value, let verdict = try? decoder.decode(value, as: .json) {
        verdicts.append((key, verdict))
      } else {
        problems.append("an output cannot be read: \(output.source)")
      }
    }
    findLostAndRepeated()
  }

  /// Whether every record came out exactly once, as a verdict or a dead letter.
  var isExactlyOnce: Bool { problems.isEmpty }

  private mutating func findLostAndRepeated() {
    var seen: [String: Int] = [:]
    for key in verdicts.map(\.key) + deadLetters.map(\.key) { seen[key, default: 0] += 1 }
    for (key, kind) in sent.kinds {
      let count = seen.removeValue(forKey: key) ?? 0
      if count != 1 { problems.append("\(key) (\(kind.rawValue)) came out \(count) times") }
    }
    problems += seen.keys.map { "\($0) came out and was never sent" }
  }

  // MARK: Showing

  func show(_ show: (String) -> Void) {
    showSamples(show)
    showKinds(show)
    showDeadLetters(show)
    showFigures(show)
  }

  private func showSamples(_ show: (String) -> Void) {
    show("score  action            win  tokens  policy    text")
    let byKey = Dictionary(verdicts.map { ($0.key, $0.verdict) }, uniquingKeysWith: { $1 })
    for kind in DemoRecords.Kind.allCases {
      let keys = sent.records.compactMap { $0.key.map { String(decoding: $0, as: UTF8.self) } }
        .filter { sent.kinds[$0] == kind }
      for key in keys.prefix(4) {
        guard let verdict = byKey[key] else { continue }
        show(line(verdict, key: key, kind: kind))
      }
    }
    show("")
  }

  private func line(_ verdict: Verdict, key: String, kind: DemoRecords.Kind) -> String {
    let judgement = verdict.judgement
    return [
      Self.decimals(Double(judgement.score.rawValue), 3).padded(5),
      verdict.action.rawValue.padded(16), String(judgement.windows).padded(3, right: true),
      String(judgement.tokens).padded(6, right: true), verdict.policy.padded(8),
      excerpt(of: key, kind),
    ].joined(separator: "  ")
  }

  /// The beginning of a record's text.
  private func excerpt(of key: String, _ kind: DemoRecords.Kind) -> String {
    guard let record = sent.records.first(where: { $0.key == Array(key.utf8) }),
      let value = record.value
    else { return "" }
    var decoder = ExchangeDecoder(defaultFormat: .json)
    guard let exchange = try? decoder.decode(value, headers: record.headers) else { return "" }
    let text = exchange.response.map { "\(exchange.prompt) → \($0)" } ?? exchange.prompt
    let line = String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 })
    let short = line.count > 60 ? line.prefix(57) + "…" : line[...]
    return kind == .long ? short + " (\(line.count) characters)" : String(short)
  }

  private func showKinds(_ show: (String) -> Void) {
    show("kind         records  flagged  mean score")
    for kind in DemoRecords.Kind.allCases {
      let keys = Set(sent.kinds.filter { $0.value == kind }.keys)
      let judged = verdicts.filter { keys.contains($0.key) }.map(\.verdict)
      let sum = judged.reduce(0.0) { $0 + Double($1.judgement.score.rawValue) }
      let mean = judged.isEmpty ? "–" : Self.decimals(sum / Double(judged.count), 3)
      let flagged = judged.isEmpty ? "–" : String(judged.count(where: \.flagged))
      show(
        [
          kind.rawValue.padded(11), String(keys.count).padded(8, right: true),
          flagged.padded(7, right: true), mean.padded(10, right: true),
        ].joined(separator: "  "))
    }
    show("")
  }

  private func showDeadLetters(_ show: (String) -> Void) {
    show("dead letters")
    for (_, reason, detail) in deadLetters.prefix(6) { show("  \(reason.padded(14)) \(detail)") }
    if deadLetters.count > 6 { show("  … and \(deadLetters.count - 6) more") }
    show("")
  }

  private func showFigures(_ show: (String) -> Void) {
    // From the first record read to the last transaction: joining the group is no throughput.
    let nanoseconds = snapshot.lastProgress.nanoseconds(since: snapshot.firstRead ?? .zero)
    let seconds = max(0.001, Double(nanoseconds) / 1e9)
    let latency = snapshot.latency
    func milliseconds(_ percent: Double) -> String {
      Self.decimals(Double(latency.percentile(percent)) / 1000, 0)
    }
    let counters = snapshot.counters
    show(
      "records     \(sent.records.count) in, \(verdicts.count) verdicts, "
        + "\(deadLetters.count) dead letters, \(counters.transactions) transactions")
    show(
      "latency     p50 \(milliseconds(50)) ms, p90 \(milliseconds(90)) ms, "
        + "p99 \(milliseconds(99)) ms, from read to committed, with the whole backlog at once")
    show(
      "throughput  \(Self.decimals(Double(sent.records.count) / seconds, 0)) records/s, "
        + "\(Self.decimals(Double(counters.tokens) / seconds, 0)) tokens/s")
    for problem in problems.sorted().prefix(10) { show("WRONG       \(problem)") }
    if isExactlyOnce { show("every record came out exactly once") }
  }

  /// A number with a fixed count of decimals.
  private static func decimals(_ value: Double, _ count: Int) -> String {
    var factor = 1.0
    for _ in 0..<count { factor *= 10 }
    let scaled = Int64((value * factor).rounded())
    guard count > 0 else { return String(scaled) }
    let fraction = String(scaled % Int64(factor))
    let zeros = String(repeating: "0", count: count - fraction.count)
    return "\(scaled / Int64(factor)).\(zeros)\(fraction)"
  }
}

extension String {
  /// This text with spaces up to `width` characters, on its left if `right` aligns it there.
  fileprivate func padded(_ width: Int, right: Bool = false) -> String {
    let spaces = String(repeating: " ", count: max(0, width - count))
    return right ? spaces + self : self + spaces
  }
}
