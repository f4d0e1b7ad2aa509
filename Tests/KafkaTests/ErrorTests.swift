import Testing

import Kafka

@Suite struct ErrorTests {
  @Test(
    arguments: [
      (KafkaErrorCode.timedOut, KafkaErrorMarks(), KafkaError.Disposition.retriable),
      (.timedOut, .requiresAbort, .abort),
      (.timedOut, .fatal, .fatal),
      (.coordinatorLoading, [], .retriable),
      (.concurrentTransactions, [], .retriable),
      (.notCoordinator, [], .retriable),
      (.producerFenced, [], .fatal),
      (.invalidProducerEpoch, [], .fatal),
      (.invalidProducerEpoch, .requiresAbort, .abort),
      (.messageSizeTooLarge, [], .abort),
      (.topicAuthorizationFailed, [], .abort),
      (.illegalGeneration, [], .abort),
      (.state, [], .fatal),
      (.fatal, .retriable, .retriable),
      // FENCED_INSTANCE_ID: another process has taken the place, whatever the library asks for.
      (KafkaErrorCode(rawValue: 82), .requiresAbort, .fatal),
      // A code that librdkafka does not know yet.
      (KafkaErrorCode(rawValue: 9_999), [], .fatal),
      (KafkaErrorCode(rawValue: 9_999), .retriable, .retriable),
    ] as [(KafkaErrorCode, KafkaErrorMarks, KafkaError.Disposition)])
  func theFateOfAnErrorFollowsTheLibrarysMarksThenItsCode(
    code: KafkaErrorCode, marks: KafkaErrorMarks, expected: KafkaError.Disposition
  ) {
    #expect(KafkaError(.commitTransaction, code, marks: marks).disposition == expected)
  }

  @Test func anErrorSaysWhatFailedAndWhy() {
    let error = KafkaError(.commitTransaction, .timedOut)
    #expect(error.description == "commit transaction: _TIMED_OUT: Local: Timed out")
  }

  @Test(
    arguments: [
      (Duration.zero, 0), (.nanoseconds(1), 1), (.milliseconds(1), 1), (.microseconds(1_001), 2),
      (.seconds(-3), 0), (.seconds(3_000_000), Int32.max), (.seconds(Int64.max), Int32.max),
    ] as [(Duration, Int32)])
  func durationsBecomeMillisecondsWithinBounds(duration: Duration, milliseconds: Int32) {
    #expect(duration.waitMilliseconds == milliseconds)
  }
}
