import Records
import TestSupport
import Testing
import sluice_chaos

/// The harness notices what it is there for.
@Suite struct VerifierTests {
  private static let partitions = 3
  private static let records = 60
  private let workload: Workload
  private let verifier: Verifier

  init() throws {
    workload = try Workload(seed: 7, program: SourceTree.product("sluice").path)
    verifier = Verifier(
      workload: workload, names: RoundNames(prefix: nil, round: 1), records: Self.records,
      partitions: Self.partitions)
  }

  /// What has to come out, in input order.
  private var right: [Outcome] {
    var offsets: [TopicPartition: Int64] = [:]
    return (0..<Self.records).map { number in
      outcome(number, workload.expectation(number), &offsets)
    }
  }

  private func outcome(
    _ number: Int, _ result: Workload.Expectation, _ offsets: inout [TopicPartition: Int64]
  ) -> Outcome {
    let partition = Partition(Int32(number % Self.partitions))
    let isVerdict = if case .verdict = result { true } else { false }
    let place = TopicPartition(topic: isVerdict ? "verdicts" : "dead", partition: partition)
    offsets[place, default: -1] += 1
    return Outcome(
      place: SourcePosition(topicPartition: place, offset: Offset(offsets[place] ?? 0)),
      source: SourcePosition(
        topicPartition: TopicPartition(topic: "in", partition: partition),
        offset: Offset(Int64(number / Self.partitions))),
      key: Workload.key(number), id: isVerdict ? String(number) : nil, result: result)
  }

  @Test func whatIsRightHasNoFindings() {
    #expect(verifier.findings(right).isEmpty)
    let kinds = Set(
      right.map { outcome in
        if case .deadLetter(let reason) = outcome.result { reason.rawValue } else { "verdict" }
      })
    #expect(kinds == ["verdict", "malformed", "missing_prompt", "tombstone"])
  }

  @Test func oneThatIsMissingIsLost() {
    var outcomes = right
    outcomes.remove(at: 20)
    let findings = verifier.findings(outcomes)
    #expect(findings.lost == 1 && findings.repeated + findings.reordered + findings.wrong == 0)
    #expect(findings.examples == ["in/2/6 is lost"])
  }

  @Test func oneThatComesAgainIsRepeated() {
    let findings = verifier.findings(right + [right[4]])
    #expect(findings.repeated == 1 && findings.lost + findings.reordered + findings.wrong == 0)
  }

  @Test func whoeverOvertakesIsReordered() throws {
    var outcomes = right
    let places = outcomes.indices.filter { outcomes[$0].place.topic == "verdicts" }
    let first = try #require(places.first)
    let later = try #require(
      places.dropFirst().first {
        outcomes[$0].place.partition == outcomes[first].place.partition
      })
    outcomes.swapAt(first, later)
    let findings = verifier.findings(outcomes)
    #expect(findings.reordered >= 1 && findings.lost + findings.repeated + findings.wrong == 0)
  }

  @Test func anotherVerdictKeyPartitionOrTopicIsWrong() throws {
    let place = try #require(right.firstIndex { $0.place.topic == "verdicts" })
    let good = right[place]
    guard case .verdict(let isFlagged, let action, let score) = good.result else { return }
    let elsewhere = SourcePosition(
      topic: "verdicts", partition: (good.place.partition.rawValue + 1) % 3, offset: 0)
    let results: [Outcome] = [
      good.changed(result: .verdict(isFlagged: !isFlagged, action: action, score: score)),
      good.changed(result: .verdict(isFlagged: isFlagged, action: "other", score: score)),
      good.changed(result: .verdict(isFlagged: isFlagged, action: action, score: score + 2e-5)),
      good.changed(result: .deadLetter(.malformed)),
      good.changed(key: [1]), good.changed(id: "another"), good.changed(place: elsewhere),
    ]
    for wrong in results {
      var outcomes = right
      outcomes[place] = wrong
      #expect(verifier.findings(outcomes).wrong == 1, "\(wrong)")
    }
    var outcomes = right
    outcomes[place] = good.changed(
      result: .verdict(isFlagged: isFlagged, action: action, score: score + 5e-6))
    #expect(verifier.findings(outcomes).isEmpty)
  }

  @Test func whatNobodySentIsWrong() throws {
    let first = right[0]
    let unknown = Outcome(
      place: first.place, source: SourcePosition(topic: "in", partition: 0, offset: 5_000),
      key: nil, id: nil, result: first.result)
    #expect(verifier.findings(right + [unknown]).wrong == 1)
  }
}

extension Outcome {
  fileprivate func changed(
    place: SourcePosition? = nil, key: [UInt8]? = nil, id: String? = nil,
    result: Workload.Expectation? = nil
  ) -> Outcome {
    Outcome(
      place: place ?? self.place, source: source, key: key ?? self.key, id: id ?? self.id,
      result: result ?? self.result)
  }
}
