import TestSupport
import Testing

/// Gives a suite one broker process, or the cluster at `KAFKA_BOOTSTRAP`.
///
/// A broker that cannot be started fails the tests. `SLUICE_SKIP_BROKER=1` leaves them out.
struct BrokerTrait: SuiteTrait, TestScoping {
  @TaskLocal static var bootstrapServers = ""

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    if let address = NoidaBroker.externalBootstrapServers {
      return try await Self.$bootstrapServers.withValue(address, operation: function)
    }
    let broker = try NoidaBroker()
    try await Self.$bootstrapServers.withValue(broker.bootstrapServers, operation: function)
    broker.stop()
  }
}

extension Trait where Self == BrokerTrait {
  static var broker: Self { BrokerTrait() }
}
