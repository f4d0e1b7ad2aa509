internal import CRdKafka
internal import Synchronization

/// What librdkafka's callbacks reach: the one object behind a client's opaque pointer.
final class CallbackContext: Sendable {
  private let events: KafkaEvents
  /// The consumer's group membership; unused by producers.
  let membership = GroupMembership()
  /// The producer's undelivered records; unused by consumers.
  let deliveries = DeliveryFailures()
  /// The producer's requests without an answer; unused by consumers.
  let unanswered = UnansweredRequests()
  private let abandoned = Atomic(false)

  init(events: KafkaEvents) { self.events = events }

  /// Whether the client must never be freed, because that would block for ever.
  var isAbandoned: Bool { abandoned.load(ordering: .acquiring) }

  func abandon() { abandoned.store(true, ordering: .releasing) }

  /// Reports an error that no call returns.
  func report(_ error: KafkaError) { events.error(error) }

  private func log(level: Int32, facility: String, message: String) {
    events.log(KafkaLogLevel(rawValue: level) ?? .notice, facility, message)
  }

  /// Makes this the receiver of the callbacks of clients with this configuration.
  ///
  /// The caller keeps the context alive as long as the client.
  func install(in configuration: OpaquePointer, for type: rd_kafka_type_t) {
    unsafe rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(self).toOpaque())
    unsafe rd_kafka_conf_set_log_cb(configuration) { client, level, facility, text in
      guard let client = unsafe client, let facility = unsafe facility, let text = unsafe text
      else { return }
      unsafe CallbackContext.of(rd_kafka_opaque(client))?.log(
        level: level, facility: String(cString: facility), message: String(cString: text))
    }
    unsafe rd_kafka_conf_set_error_cb(configuration) { client, code, reason, opaque in
      guard let client = unsafe client, let context = unsafe CallbackContext.of(opaque) else {
        return
      }
      let code = KafkaErrorCode(rawValue: code)
      let reason = unsafe reason.map { unsafe String(cString: $0) }
      context.report(
        code == .fatal
          ? unsafe lastFatalError(of: client, .background)
          : KafkaError(.background, code, message: reason))
    }
    if events.statistics != nil {
      unsafe rd_kafka_conf_set_stats_cb(configuration) { _, text, count, opaque in
        if let text = unsafe text, let context = unsafe CallbackContext.of(opaque) {
          let bytes = unsafe UnsafeRawBufferPointer(start: text, count: count)
          unsafe context.events.statistics?(String(decoding: bytes, as: UTF8.self))
        }
        return 0  // the library frees the text
      }
    }
    if type == RD_KAFKA_CONSUMER {
      unsafe rd_kafka_conf_set_rebalance_cb(configuration) { client, code, list, opaque in
        guard let client = unsafe client, let list = unsafe list else { return }
        guard let context = unsafe CallbackContext.of(opaque) else { return }
        unsafe context.membership.rebalance(
          client, code: code, list: list, report: { context.report($0) })
      }
    } else {
      unsafe UnansweredRequests.install(
        in: configuration, opaque: Unmanaged.passUnretained(self).toOpaque())
      unsafe rd_kafka_conf_set_dr_msg_cb(configuration) { _, message, opaque in
        guard let message = unsafe message, let context = unsafe CallbackContext.of(opaque) else {
          return
        }
        unsafe context.deliveries.note(
          tag: UInt(bitPattern: message.pointee._private),
          code: KafkaErrorCode(message.pointee.err))
      }
    }
  }

  /// The context behind a client's opaque pointer.
  static func of(_ opaque: UnsafeMutableRawPointer?) -> CallbackContext? {
    guard let opaque = unsafe opaque else { return nil }
    return unsafe Unmanaged<CallbackContext>.fromOpaque(opaque).takeUnretainedValue()
  }
}
