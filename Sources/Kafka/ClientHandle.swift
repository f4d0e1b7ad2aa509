internal import CRdKafka
internal import CSteadyWaits
internal import Threading

/// A configuration of librdkafka's, until a client takes it over.
@safe struct NativeConfiguration: ~Copyable {
  private let pointer: OpaquePointer

  /// Sets all properties; an unknown name or a bad value is an error that names the property.
  init(_ configuration: KafkaConfiguration) throws(KafkaError) {
    unsafe pointer = try unsafe Self.make(configuration)
  }

  deinit { unsafe rd_kafka_conf_destroy(pointer) }

  /// Whether the library takes this value; nil when it knows no such property.
  static func accepts(_ name: String, _ value: String) -> Bool? {
    guard let pointer = unsafe rd_kafka_conf_new() else { return true }
    defer { unsafe rd_kafka_conf_destroy(pointer) }
    let result = unsafe rd_kafka_conf_set(pointer, name, value, nil, 0)
    return result == RD_KAFKA_CONF_UNKNOWN ? nil : result == RD_KAFKA_CONF_OK
  }

  /// Makes a client of this type, whose callbacks go to `context`.
  consuming func makeClient(
    _ type: rd_kafka_type_t, context: CallbackContext
  ) throws(KafkaError) -> ClientHandle {
    steady_waits_take_part()
    unsafe context.install(in: pointer, for: type)
    var text = [CChar](repeating: 0, count: 512)
    guard let client = unsafe rd_kafka_new(type, pointer, &text, text.count) else {
      let code = KafkaErrorCode(rd_kafka_last_error())
      // Still ours, but the library freed its interceptors: to free them again ends the process
      // (librdkafka #4142). What is left of it stays in memory; a start fails once.
      discard self
      throw KafkaError(.createClient, code, message: String(truncatingAtNull: text))
    }
    discard self
    return unsafe ClientHandle(owning: client, context: context)
  }

  private static func make(
    _ configuration: KafkaConfiguration
  ) throws(KafkaError) -> OpaquePointer {
    guard let pointer = unsafe rd_kafka_conf_new() else {
      throw KafkaError(.configure, KafkaErrorCode(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE))
    }
    for property in configuration.properties {
      // The library's own message would repeat the value.
      let result = unsafe rd_kafka_conf_set(pointer, property.name, property.value, nil, 0)
      if result == RD_KAFKA_CONF_OK { continue }
      unsafe rd_kafka_conf_destroy(pointer)
      let reason = result == RD_KAFKA_CONF_UNKNOWN ? "unknown property" : "bad value for property"
      throw KafkaError(.configure, .invalidArgument, message: "\(reason) \"\(property.name)\"")
    }
    return unsafe pointer
  }
}

/// A client of librdkafka's and the object that its callbacks go to.
@safe struct ClientHandle: ~Copyable, @unchecked Sendable {
  // @unchecked Sendable: any thread may use a client of librdkafka's.
  let pointer: OpaquePointer
  let context: CallbackContext

  init(owning pointer: OpaquePointer, context: CallbackContext) {
    unsafe self.pointer = unsafe pointer
    self.context = context
  }

  /// Frees the client, which takes `endLimit` at most.
  ///
  /// The library waits for each of its objects, and some never come back: a consumer that could not
  /// close (librdkafka #4528), a topic that was made anew with fewer partitions. Such a client is
  /// left to the end of the process, and so is one that must not be freed.
  deinit {
    let mustStay = context.membership.mustStay
    if mustStay { unsafe _ = rd_kafka_unsubscribe(pointer) }  // else it may yet be given something
    if context.isAbandoned || mustStay {
      _ = unsafe Unmanaged.passRetained(context)
      ProcessEnd.leavesThreadsAlone()
      return
    }
    let address = unsafe UInt(bitPattern: pointer)
    let context = context
    let end = BlockingThread(name: "kafka-end") {
      let client = unsafe OpaquePointer(bitPattern: address)
      if context.membership.isJoined {
        // A member that asks for its offsets when the connection breaks and it is being freed ends
        // the process, unless its assignment is another one by then (rdkafka_assignment.c: the
        // answer's handler uses a list that it has not got).
        unsafe _ = rd_kafka_assign(client, nil)
      }
      unsafe rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
      // The callbacks' receiver outlives the client.
      withExtendedLifetime(context) {}
    }
    guard !end.join(atMost: Self.endLimit) else { return }
    ProcessEnd.leavesThreadsAlone()
    context.report(
      KafkaError(
        .close, .timedOut,
        message: "a client did not end within \(Self.endLimit) and is left as it is"))
  }

  /// How long freeing a client may take.
  private static var endLimit: Duration { .seconds(5) }

  /// The error for `code`; behind librdkafka's `_FATAL` the cause is looked up.
  func error(_ operation: KafkaError.Operation, _ code: KafkaErrorCode) -> KafkaError {
    code == .fatal ? unsafe lastFatalError(of: pointer, operation) : KafkaError(operation, code)
  }

  /// Throws the error for `code`, if it is one.
  func check(
    _ operation: KafkaError.Operation, _ code: rd_kafka_resp_err_t
  ) throws(KafkaError) {
    let code = KafkaErrorCode(code)
    if code != .none { throw error(operation, code) }
  }
}

/// The error that made `client` unusable.
func lastFatalError(of client: OpaquePointer, _ operation: KafkaError.Operation) -> KafkaError {
  var text = [CChar](repeating: 0, count: 512)
  let code = KafkaErrorCode(unsafe rd_kafka_fatal_error(client, &text, text.count))
  return KafkaError(
    operation, code == .none ? .fatal : code, message: String(truncatingAtNull: text),
    marks: .fatal)
}

extension String {
  /// The text of a C buffer up to its end mark.
  init(truncatingAtNull buffer: [CChar]) {
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    self = String(decoding: bytes, as: UTF8.self)
  }
}
