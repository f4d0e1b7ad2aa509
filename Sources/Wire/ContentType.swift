package import Records

extension PayloadFormat {
  /// The format that a record's `content-type` header names, in any case and whatever parameters
  /// follow; nil when there is no such header. A type that is neither format is an error: guessing
  /// would judge something else than the sender meant.
  init?(headers: [Header]) throws(DecodingFailure) {
    guard let header = headers.last(where: \.isContentType),
      let value = header.value
    else { return nil }
    // The usual spellings need no text.
    if value.elementsEqual("application/json".utf8) { self = .json; return }
    if value.elementsEqual("application/x-protobuf".utf8) { self = .protobuf; return }
    let type = value.prefix { $0 != UInt8(ascii: ";") }
    guard let name = String(validating: type, as: UTF8.self) else { throw Self.unknown }
    switch name.lowercased().trimmingSpaces() {
    case "application/json": self = .json
    case "application/x-protobuf", "application/protobuf", "application/vnd.google.protobuf":
      self = .protobuf
    default: throw Self.unknown
    }
  }

  private static let unknown = DecodingFailure.malformed(
    "content-type: expected application/json or application/x-protobuf")
}

extension Header {
  /// Whether it names the payload's type, in any case.
  package var isContentType: Bool {
    name == "content-type" || (name.utf8.count == 12 && name.lowercased() == "content-type")
  }
}

extension String {
  fileprivate func trimmingSpaces() -> Substring {
    var rest = self[...]
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return rest
  }
}
