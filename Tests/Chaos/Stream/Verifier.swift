import Kafka
package import Records
import Wire

/// A record of the outputs, as far as it has to be right.
package struct Outcome: Hashable, Sendable {
  /// Where it stands.
  package let place: SourcePosition
  /// The exchange that it is about.
  package let source: SourcePosition
  package let key: [UInt8]?
  /// The exchange's id; nil of a dead letter.
  package let id: String?
  /// The model that judged, as the verdict names it; nil of a dead letter.
  let model: String?
  package let result: Workload.Expectation

  package init(
    place: SourcePosition, source: SourcePosition, key: [UInt8]?, id: String?,
    model: String? = nil, result: Workload.Expectation
  ) {
    (self.place, self.source, self.key, self.id) = (place, source, key, id)
    (self.model, self.result) = (model, result)
  }

  /// Nil for what is neither a verdict nor a dead letter.
  init?(_ record: InputRecord, _ decoder: inout VerdictDecoder) {
    if let letter = DeadLetter(headers: record.headers) {
      self.init(
        place: record.source, source: letter.source, key: record.key, id: nil,
        result: .deadLetter(letter.reason))
    } else if let value = record.value,
      let verdict = try? decoder.decode(value, headers: record.headers, default: .json),
      let source = verdict.source
    {
      self.init(
        place: record.source, source: source, key: record.key, id: verdict.id,
        model: verdict.model,
        result: .verdict(
          isFlagged: verdict.flagged, action: verdict.action.rawValue,
          score: Double(verdict.judgement.score.rawValue)))
    } else {
      return nil
    }
  }
}

/// Compares what came out with what had to.
package struct Verifier {
  /// What is wrong, in numbers of records.
  package struct Findings: Hashable, Sendable {
    package var lost = 0
    package var repeated = 0
    /// Behind a later record of the same partition.
    package var reordered = 0
    /// Another verdict, reason, key or partition than it had to be.
    package var wrong = 0
    /// The first few, in words.
    package var examples: [String] = []

    package var isEmpty: Bool { lost + repeated + reordered + wrong == 0 }

    mutating func add(_ count: WritableKeyPath<Self, Int>, _ example: @autoclosure () -> String) {
      self[keyPath: count] += 1
      if examples.count < 10 { examples.append(example()) }
    }
  }

  private let workload: Workload
  private let names: RoundNames
  private let records: Int
  private let partitions: Int

  /// - Parameters:
  ///   - records: exchanges that were sent, one after the other to each partition in turn.
  ///   - partitions: of the input topic.
  package init(workload: Workload, names: RoundNames, records: Int, partitions: Int) {
    (self.workload, self.names, self.records, self.partitions) =
      (workload, names, records, partitions)
  }

  /// - Parameter outcomes: all that committed readers see, each output partition in its order.
  package func findings(_ outcomes: [Outcome]) -> Findings {
    var findings = Findings()
    var seen = [Int](repeating: 0, count: records)
    var last: [TopicPartition: [Partition: Offset]] = [:]
    for outcome in outcomes {
      let partition = outcome.source.partition
      let number = Int(outcome.source.offset.rawValue) * partitions + Int(partition.rawValue)
      guard seen.indices.contains(number) else {
        findings.add(\.wrong, "\(outcome.place): no exchange \(outcome.source) was sent")
        continue
      }
      seen[number] += 1
      if seen[number] > 1 {
        findings.add(
          \.repeated, "\(outcome.place): \(outcome.source) for the \(seen[number]). time")
        continue
      }
      if let before = last[outcome.place.topicPartition]?[partition],
        before > outcome.source.offset
      {
        findings.add(\.reordered, "\(outcome.place): \(outcome.source) behind \(before.rawValue)")
      }
      last[outcome.place.topicPartition, default: [:]][partition] = outcome.source.offset
      if let problem = problem(of: outcome, number) {
        findings.add(\.wrong, "\(outcome.place), \(outcome.source): \(problem)")
      }
    }
    for (number, count) in seen.enumerated() where count == 0 {
      findings.add(
        \.lost, "\(names.input)/\(number % partitions)/\(number / partitions) is lost")
    }
    return findings
  }

  /// What a new reader of committed records finds, from beginning to end, and records that are
  /// neither verdicts nor dead letters.
  func read(from ground: Ground) throws -> (findings: Findings, problems: [String]) {
    let reader = try TopicReader(
      KafkaConfiguration(bootstrapServers: ground.bootstrapServers),
      topics: [names.verdicts, names.deadLetters], timeout: .seconds(30))
    var decoder = VerdictDecoder()
    var outcomes: [Outcome] = []
    var problems: [String] = []
    try reader.readAll(idleMax: .seconds(30)) { records in
      for record in records {
        guard let outcome = Outcome(record, &decoder) else {
          problems.append("\(record.source) is neither a verdict nor a dead letter")
          continue
        }
        outcomes.append(outcome)
      }
    }
    return (findings(outcomes), problems)
  }

  private func problem(of outcome: Outcome, _ number: Int) -> String? {
    let topic =
      switch outcome.result {
      case .verdict: names.verdicts
      case .deadLetter: names.deadLetters
      }
    if outcome.place.topic != topic { return "it stands in \(outcome.place.topic)" }
    if outcome.place.partition != outcome.source.partition { return "another partition" }
    if outcome.key != Workload.key(number) { return "another key" }
    if let id = outcome.id, id != String(number) { return "the id \(id)" }
    guard let expected = workload.expectation(number, by: outcome.model) else {
      return "judged by \(outcome.model ?? ""), which nobody registered"
    }
    if case .verdict(let isFlagged, let action, let score) = outcome.result,
      case .verdict(isFlagged, action, let wanted) = expected,
      abs(score - wanted) <= workload.scoreTolerance
    {
      return nil
    }
    return outcome.result == expected ? nil : "\(outcome.result) instead of \(expected)"
  }
}
