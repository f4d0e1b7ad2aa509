internal import CCurl
internal import Foundation

/// One request on its way, and what has come back of it.
final class CurlExchange: @unchecked Sendable {
  // @unchecked Sendable: the task that asks makes it and hands it over with a lock; from then on
  // only the transport's thread touches it.
  typealias Outcome = Result<HTTPAnswer, TransportFailure>

  private static let connectMilliseconds = 10_000

  let handle = EasyHandle()
  /// When it is to be given up.
  let deadline: ContinuousClock.Instant
  /// Waits for the outcome.
  var continuation: CheckedContinuation<Outcome, Never>?
  private var headers = HeaderList()
  private var body = Data()
  private let bodyBytesMax: Int

  /// - Parameter certificateFile: who is trusted beside those whom the system trusts.
  /// - Throws: `TransportFailure.connection` for a request that HTTP cannot carry.
  init(
    _ request: HTTPRequest, bodyBytesMax: Int, certificateFile: String?
  ) throws(TransportFailure) {
    self.bodyBytesMax = bodyBytesMax
    deadline = .now + request.timeout
    try handle.set(CURLOPT_URL, request.url.absoluteString)
    // A redirect could carry the key to a stranger, so none is followed; what the environment says
    // of proxies is not meant for us.
    try handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
    try handle.set(CURLOPT_FOLLOWLOCATION, 0)
    try handle.set(CURLOPT_PROXY, "")
    if let socket = request.socket { try handle.set(CURLOPT_UNIX_SOCKET_PATH, socket) }
    try setConnection(isSecure: request.url.scheme == "https")
    if let certificateFile { try handle.set(CURLOPT_CAINFO, certificateFile) }
    try setHeaders(request.headers)
    if let body = request.body { try handle.setBody(body.bytes) }
    try unsafe handle.setWriter(Unmanaged.passUnretained(self).toOpaque()) {
      bytes, size, count, context in
      guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
      let exchange = unsafe Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
      return unsafe exchange.keep(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
  }

  /// What became of it once libcurl is done with it.
  func outcome(_ code: CURLcode) -> Outcome {
    if let failure = TransportFailure(code) {
      guard code == CURLE_COULDNT_CONNECT, case .connection(let words) = failure else {
        return .failure(failure)
      }
      return .failure(.connection(words + handle.systemReason))
    }
    return .success(
      HTTPAnswer(status: handle.status, retryAfter: handle.header("Retry-After"), body: body))
  }

  /// Tells who waits.
  func finish(_ outcome: Outcome) {
    continuation?.resume(returning: outcome)
    continuation = nil
  }

  private func setConnection(isSecure: Bool) throws(TransportFailure) {
    try handle.set(CURLOPT_CONNECTTIMEOUT_MS, Self.connectMilliseconds)
    // No signals, and no waiting for a name server that somebody does not wait for any more.
    try handle.set(CURLOPT_NOSIGNAL, 1)
    try handle.set(CURLOPT_QUICK_EXIT, 1)
    try handle.setCloseOnExec()
    try handle.set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
    try handle.set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    // Over TLS the next request waits until it is known whether it can share the connection.
    // Without TLS that would be known with the first answer only.
    try handle.set(CURLOPT_PIPEWAIT, isSecure ? 1 : 0)
  }

  private func setHeaders(_ fields: [String: String]) throws(TransportFailure) {
    for (name, value) in fields {
      let line = "\(name): \(value)"
      guard line.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
        throw .connection("a header has a control character")
      }
      headers.append(line)
    }
    // Large bodies go at once, without asking first.
    headers.append("Expect:")
    try handle.set(CURLOPT_HTTPHEADER, headers)
  }

  /// Keeps a part of the body and returns its size; another number makes libcurl give up.
  private func keep(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard bytes.count <= bodyBytesMax - body.count else { return -1 }
    unsafe body.append(contentsOf: bytes)
    return bytes.count
  }
}
