internal import CRdKafka
internal import Records

/// One call of librdkafka's produce function for one record. The library copies key and payload.
@safe struct ProduceCall {
  private let client: OpaquePointer
  private let topic: OpaquePointer
  private let tag: UInt

  /// Stands for the address of an empty key or payload: null would make it an absent one.
  private static let emptyBytes: StaticString = " "

  init(client: OpaquePointer, topic: OpaquePointer, tag: UInt) {
    unsafe self.client = unsafe client
    unsafe self.topic = unsafe topic
    self.tag = tag
  }

  func callAsFunction(_ record: OutputRecord) throws(KafkaError) {
    let headers = unsafe Self.makeHeaders(record.headers)
    let error = unsafe Self.withBytes(record.key) { key in
      unsafe Self.withBytes(record.value) { value in
        unsafe produce(record, key: key, value: value, headers: headers)
      }
    }
    if let error = unsafe error {
      if let headers = unsafe headers { unsafe rd_kafka_headers_destroy(headers) }
      throw unsafe KafkaError(.produce, consuming: error)
    }
  }

  /// Takes over `headers` if it succeeds, which is when it returns nil.
  private func produce(
    _ record: OutputRecord, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer,
    headers: OpaquePointer?
  ) -> OpaquePointer? {
    let count = unsafe headers == nil ? 7 : 8
    return unsafe withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: count) {
      arguments in
      for index in 0..<count { unsafe arguments.initializeElement(at: index, to: rd_kafka_vu_t()) }
      unsafe arguments[0].vtype = RD_KAFKA_VTYPE_RKT
      unsafe arguments[0].u.rkt = topic
      unsafe arguments[1].vtype = RD_KAFKA_VTYPE_PARTITION
      unsafe arguments[1].u.i32 = record.partition?.rawValue ?? RD_KAFKA_PARTITION_UA
      unsafe arguments[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS
      unsafe arguments[2].u.i = RD_KAFKA_MSG_F_COPY
      unsafe arguments[3].vtype = RD_KAFKA_VTYPE_VALUE
      unsafe arguments[3].u.mem = .init(ptr: .init(mutating: value.baseAddress), size: value.count)
      unsafe arguments[4].vtype = RD_KAFKA_VTYPE_KEY
      unsafe arguments[4].u.mem = .init(ptr: .init(mutating: key.baseAddress), size: key.count)
      unsafe arguments[5].vtype = RD_KAFKA_VTYPE_OPAQUE
      unsafe arguments[5].u.ptr = .init(bitPattern: tag)
      // 0 is now.
      unsafe arguments[6].vtype = RD_KAFKA_VTYPE_TIMESTAMP
      unsafe arguments[6].u.i64 = record.timestampMilliseconds ?? 0
      if let headers = unsafe headers {
        unsafe arguments[7].vtype = RD_KAFKA_VTYPE_HEADERS
        unsafe arguments[7].u.headers = headers
      }
      return unsafe rd_kafka_produceva(client, arguments.baseAddress, count)
    }
  }

  private static func makeHeaders(_ headers: [Header]) -> OpaquePointer? {
    if headers.isEmpty { return nil }
    guard let list = unsafe rd_kafka_headers_new(headers.count) else { return nil }
    for header in headers {
      // Passed as it stands, the name would be copied to the heap.
      unsafe header.name.withCString { name in
        unsafe withBytes(header.value) { value in
          unsafe _ = rd_kafka_header_add(list, name, -1, value.baseAddress, value.count)
        }
      }
    }
    return unsafe list
  }

  /// Calls `body` with the bytes: a null address if there are none at all, another one if they are
  /// merely empty.
  private static func withBytes<Result>(
    _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    guard let bytes else { return unsafe body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    if bytes.isEmpty {
      return unsafe body(UnsafeRawBufferPointer(start: emptyBytes.utf8Start, count: 0))
    }
    return unsafe bytes.withUnsafeBytes { unsafe body($0) }
  }
}
