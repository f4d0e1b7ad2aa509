internal import CCurl
internal import Glibc

/// One transfer of libcurl, freed with its owner.
@safe struct EasyHandle: ~Copyable {
  fileprivate let pointer: UnsafeMutableRawPointer

  /// Tells it from all others that exist.
  var identity: Int { unsafe Int(bitPattern: pointer) }

  init() {
    guard let pointer = unsafe curl_easy_init() else {
      preconditionFailure("the system gives no more memory")
    }
    unsafe self.pointer = pointer
  }

  deinit { unsafe curl_easy_cleanup(pointer) }

  func set(_ option: CURLoption, _ value: Int) throws(TransportFailure) {
    try check(unsafe sluice_curl_set_number(pointer, option, value))
  }

  func set(_ option: CURLoption, _ value: String) throws(TransportFailure) {
    try check(unsafe sluice_curl_set_text(pointer, option, value))
  }

  /// The list must live as long as the transfer.
  func set(_ option: CURLoption, _ list: borrowing HeaderList) throws(TransportFailure) {
    try check(unsafe sluice_curl_set_pointer(pointer, option, list.pointer))
  }

  /// Makes the transfer a POST of these bytes, which libcurl copies.
  func setBody(_ bytes: RawSpan) throws(TransportFailure) {
    try set(CURLOPT_POST, 1)
    // The size comes first: without it, libcurl would look for a NUL.
    try check(unsafe sluice_curl_set_size(pointer, CURLOPT_POSTFIELDSIZE_LARGE, bytes.byteCount))
    try check(
      unsafe bytes.withUnsafeBytes {
        unsafe sluice_curl_set_pointer(pointer, CURLOPT_COPYPOSTFIELDS, $0.baseAddress)
      })
  }

  /// Calls `write` with each part of an answer's body and with `context`.
  func setWriter(
    _ context: UnsafeMutableRawPointer, _ write: curl_write_callback
  ) throws(TransportFailure) {
    try check(unsafe sluice_curl_set_pointer(pointer, CURLOPT_WRITEDATA, context))
    try check(unsafe sluice_curl_set_writer(pointer, write))
  }

  /// Keeps connections from child processes.
  func setCloseOnExec() throws(TransportFailure) {
    try check(unsafe sluice_curl_close_on_exec(pointer))
  }

  /// The status of the last answer; 0 before there is one.
  var status: Int {
    var status = 0
    unsafe _ = sluice_curl_status(pointer, &status)
    return status
  }

  /// Why the system made no connection, as text behind what failed; empty where it did not say.
  var systemReason: String {
    var number = 0
    unsafe _ = sluice_curl_system_error(pointer, &number)
    return number == 0 ? "" : unsafe ": " + String(cString: strerror(Int32(number)))
  }

  /// A header of the last answer.
  func header(_ name: String) -> String? {
    var header: UnsafeMutablePointer<curl_header>?
    let code = unsafe curl_easy_header(pointer, name, 0, UInt32(CURLH_HEADER), -1, &header)
    guard code == CURLHE_OK, let header = unsafe header else { return nil }
    return unsafe String(cString: header.pointee.value)
  }

  private func check(_ code: CURLcode) throws(TransportFailure) {
    if let failure = TransportFailure(code) { throw failure }
  }
}

/// Lines of a request's head, freed with their owner.
@safe struct HeaderList: ~Copyable {
  fileprivate private(set) var pointer: UnsafeMutablePointer<curl_slist>?

  deinit { unsafe curl_slist_free_all(pointer) }

  init() { unsafe pointer = nil }

  mutating func append(_ line: String) {
    guard let longer = unsafe curl_slist_append(pointer, line) else {
      preconditionFailure("the system gives no more memory")
    }
    unsafe pointer = longer
  }
}

/// Transfers that share connections, freed with its owner.
@safe struct MultiHandle: ~Copyable {
  private static let isReady = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK
  private let pointer: UnsafeMutableRawPointer

  /// - Parameter connectionsMax: to one server.
  init(connectionsMax: Int) {
    guard Self.isReady, let pointer = unsafe curl_multi_init() else {
      preconditionFailure("the system gives no more memory")
    }
    unsafe self.pointer = pointer
    for option in [CURLMOPT_MAX_HOST_CONNECTIONS, CURLMOPT_MAXCONNECTS] {
      unsafe _ = sluice_curl_multi_set_number(pointer, option, connectionsMax)
    }
  }

  deinit { unsafe curl_multi_cleanup(pointer) }

  /// Begins a transfer; says why where it cannot begin.
  func add(_ easy: borrowing EasyHandle) -> TransportFailure? {
    TransportFailure(unsafe curl_multi_add_handle(pointer, easy.pointer))
  }

  /// Ends a transfer, finished or not.
  func remove(_ easy: borrowing EasyHandle) {
    unsafe _ = curl_multi_remove_handle(pointer, easy.pointer)
  }

  /// Moves all transfers on as far as possible without waiting.
  func perform() -> TransportFailure? {
    var running: Int32 = 0
    return TransportFailure(unsafe curl_multi_perform(pointer, &running))
  }

  /// The identity of a transfer that has ended, and how it did; each is told once.
  func nextFinished() -> (identity: Int, code: CURLcode)? {
    var left: Int32 = 0
    while let message = unsafe curl_multi_info_read(pointer, &left) {
      guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
      return unsafe (
        Int(bitPattern: message.pointee.easy_handle), message.pointee.data.result
      )
    }
    return nil
  }

  /// Waits until something can be done or `wakeUp` is called.
  func wait(atMostMilliseconds limit: Int32) -> TransportFailure? {
    TransportFailure(unsafe curl_multi_poll(pointer, nil, 0, limit, nil))
  }

  /// Ends a `wait`, now or the next one; the one function that any thread may call.
  func wakeUp() { unsafe _ = curl_multi_wakeup(pointer) }
}

extension TransportFailure {
  /// What libcurl says of a transfer; nil for a good end. Its words are constant: they hold no text
  /// of either side.
  init?(_ code: CURLcode) {
    switch code {
    case CURLE_OK: return nil
    case CURLE_OPERATION_TIMEDOUT: self = .timedOut
    // Nothing but its limit ends the writing of an answer.
    case CURLE_WRITE_ERROR: self = .tooLarge
    default: self = .connection(unsafe String(cString: curl_easy_strerror(code)))
    }
  }

  fileprivate init?(_ code: CURLMcode) {
    guard code != CURLM_OK else { return nil }
    self = .connection(unsafe String(cString: curl_multi_strerror(code)))
  }
}
