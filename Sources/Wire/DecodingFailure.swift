package import Records
internal import StrictJSON

/// Why a payload could not be decoded. Trying again cannot help.
package struct DecodingFailure: Error, Hashable, Sendable {
  /// `malformed` or `missingPrompt`.
  package let reason: DeadLetterReason
  /// What was wrong: a field of the schema, a byte position, a kind of value. Never text of the
  /// user's.
  package let detail: String

  /// A failure with the detail as it will be published.
  package init(reason: DeadLetterReason, detail: String) {
    self.reason = reason
    self.detail = detail
  }

  /// The payload is not what its format demands.
  static func malformed(_ detail: String) -> DecodingFailure {
    DecodingFailure(reason: .malformed, detail: detail)
  }

  /// A field has a value of the wrong kind.
  static func unexpected(_ value: JSONValue, at field: String, expected: String) -> DecodingFailure
  {
    malformed(
      "\(field): expected \(expected), found \(value.kind.description) (byte \(value.position))")
  }
}
