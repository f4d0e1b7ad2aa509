internal import CRdKafka
internal import Synchronization

/// Counts the requests of transactions whose answers never came.
///
/// librdkafka sends such a request again by itself and reports success in the end, so neither the
/// results of calls nor delivery reports tell of it. An interceptor sees each request's end on the
/// thread of its broker, before anything is done about it: with an error there, no answer was read.
/// An error that a broker answers is an answer. The statistics would tell the same later, and mixed
/// with requests that brokers put off (`txretries`).
final class UnansweredRequests: Sendable {
  private let total = Atomic(0)

  /// How many there were.
  var count: Int { total.load(ordering: .acquiring) }

  /// Notes how a request ended. Requests that write are counted; the others harm nobody late.
  func note(apiKey: Int16, error: rd_kafka_resp_err_t) {
    guard error != RD_KAFKA_RESP_ERR_NO_ERROR, Self.apiKeys.contains(apiKey) else { return }
    total.add(1, ordering: .acquiringAndReleasing)
  }

  /// Produce, InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn and TxnOffsetCommit, as
  /// the protocol numbers them.
  private static let apiKeys: Set<Int16> = [0, 22, 24, 25, 26, 28]

  /// Makes clients of this configuration report to the `CallbackContext` behind `opaque`, which
  /// lives as long as the client.
  static func install(in configuration: OpaquePointer, opaque: UnsafeMutableRawPointer) {
    unsafe _ = rd_kafka_conf_interceptor_add_on_new(
      configuration, "sluice",
      { client, _, opaque, _, _ in
        unsafe rd_kafka_interceptor_add_on_response_received(
          client, "sluice",
          { _, _, _, _, apiKey, _, _, _, _, error, opaque in
            unsafe CallbackContext.of(opaque)?.unanswered.note(apiKey: apiKey, error: error)
            return RD_KAFKA_RESP_ERR_NO_ERROR
          }, opaque)
      }, opaque)
  }
}
