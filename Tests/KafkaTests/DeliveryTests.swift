import Testing

import Kafka
import Transport

@Suite struct DeliveryFailuresTests {
  @Test func failuresAreToldInTheOrderOfTheirRecords() {
    let failures = DeliveryFailures()
    let tag = failures.beginRound()
    failures.note(tag: tag | 7, code: .messageSizeTooLarge)
    failures.note(tag: tag | 2, code: .invalidRecord)
    #expect(failures.failures.map(\.index) == [2, 7])
    #expect(failures.failures.map(\.code) == [.invalidRecord, .messageSizeTooLarge])
  }

  @Test func successesAndPurgedRecordsAreNoFailures() {
    let failures = DeliveryFailures()
    let tag = failures.beginRound()
    failures.note(tag: tag, code: .none)
    failures.note(tag: tag | 1, code: .purgedFromQueue)
    failures.note(tag: tag | 2, code: .purgedInFlight)
    #expect(failures.failures.isEmpty)
  }

  @Test func aLateReportOfAnEarlierRoundIsIgnored() {
    let failures = DeliveryFailures()
    let old = failures.beginRound()
    let new = failures.beginRound()
    failures.note(tag: old | 1, code: .timedOut)
    failures.note(tag: new | 3, code: .timedOut)
    #expect(failures.failures.map(\.index) == [3])
  }
}

@Suite struct PublishAttemptsTests {
  private func failures(_ indices: Int...) -> AttemptResult {
    .refused(
      indices.map {
        KafkaProducer.DeliveryFailure(
          index: $0, error: KafkaError(.deliver, .messageSizeTooLarge))
      })
  }

  /// Tells a new machine of these results; returns the records that it isolates in the end.
  private func isolated(after results: [AttemptResult]) throws(PublishFailure<KafkaError>) -> Set<
    Int
  > {
    var attempts = PublishAttempts()
    for result in results {
      let areNeeded = try attempts.areNeeded(after: result)
      #expect(areNeeded == (result != .done))
    }
    return attempts.isolated
  }

  @Test func oneRefusedRecordIsAtFault() throws {
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try isolated(after: [failures(4)])
    }
    #expect(error == .rejected(index: 4, KafkaError(.deliver, .messageSizeTooLarge)))
  }

  @Test func severalRefusedRecordsTravelAloneUntilOneIsRefusedAgain() throws {
    #expect(try isolated(after: []) == [])
    #expect(try isolated(after: [failures(2, 3, 4)]) == [2, 3, 4])
    // Another request of several records shows up first.
    let two = [failures(2, 3, 4), failures(7, 8)]
    #expect(try isolated(after: two) == [2, 3, 4, 7, 8])
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try isolated(after: two + [failures(3, 8)])
    }
    #expect(error == .rejected(index: 3, KafkaError(.deliver, .messageSizeTooLarge)))
  }
}
