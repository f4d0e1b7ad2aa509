import CSimdJSON

/// Parses JSON documents with simdjson, into buffers that grow to the largest document seen.
///
/// The rules of RFC 8259, and of what it leaves open the strict choice: UTF-8 alone, one object and
/// nothing behind it, bounded depth.
@safe package struct JSONParser: ~Copyable, @unchecked Sendable {
  // Sendable: the handle has one owner, which can be used by one thread at a time.
  private let handle: OpaquePointer

  package init() {
    guard let handle = unsafe sluice_json_parser_create() else {
      preconditionFailure("out of memory")
    }
    unsafe self.handle = handle
  }

  deinit { unsafe sluice_json_parser_destroy(handle) }

  /// Parses a payload and gives the object at its top to `body`. No value may leave `body`: the
  /// next call overwrites them.
  ///
  /// - Parameters:
  ///   - added: bytes that the caller put before a document's own, which its places do not count.
  ///   - failure: makes a failure of what is wrong: the words of a rule and a byte's place, never
  ///     text of the payload.
  package mutating func parse<Result, Failure: Error>(
    _ payload: Span<UInt8>, added: Int = 0, malformed failure: (String) -> Failure,
    _ body: (JSONValue) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let document = unsafe payload.withUnsafeBufferPointer {
      unsafe sluice_json_parse(handle, $0.baseAddress, $0.count)
    }
    guard unsafe document.error == SLUICE_JSON_OK else {
      throw failure(unsafe problem(document, payload: payload, added: added))
    }
    return try body(unsafe JSONValue(nodes: document.nodes, index: 0))
  }

  private func problem(
    _ document: sluice_json_document, payload: Span<UInt8>, added: Int
  ) -> String {
    var position = unsafe Int(document.position)
    if unsafe document.error == SLUICE_JSON_INVALID_UTF8 {
      position = payload.firstInvalidUTF8() ?? -1
    }
    let place = position < added ? "" : " (byte \(position - added))"
    let explanation = unsafe explanation(document.error)
    return "JSON: \(explanation)\(place)"
  }

  private func explanation(_ error: sluice_json_error) -> String {
    switch error {
    case SLUICE_JSON_EMPTY: "the payload is empty"
    case SLUICE_JSON_NOT_AN_OBJECT: "expected an object at the top"
    case SLUICE_JSON_INVALID_UTF8: "invalid UTF-8"
    case SLUICE_JSON_CONTROL_CHARACTER: "a control character stands unescaped in a string"
    case SLUICE_JSON_UNCLOSED_STRING: "a string is not closed"
    case SLUICE_JSON_BAD_ESCAPE: "a bad escape in a string"
    case SLUICE_JSON_BAD_VALUE: "neither value nor container"
    case SLUICE_JSON_TOO_DEEP: "containers nested more than \(SLUICE_JSON_DEPTH_MAX) deep"
    case SLUICE_JSON_TRAILING_CONTENT: "content after the object"
    case SLUICE_JSON_TOO_LARGE: "the payload is too large"
    default: "a bracket, comma, colon or name is missing or misplaced"
    }
  }
}
