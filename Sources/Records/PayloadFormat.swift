/// How a record's payload is encoded.
package enum PayloadFormat: String, Hashable, Sendable, CaseIterable {
  case json
  case protobuf

  /// The value of the `content-type` header on records of this format.
  package var contentType: String {
    switch self {
    case .json: "application/json"
    case .protobuf: "application/x-protobuf"
    }
  }
}
