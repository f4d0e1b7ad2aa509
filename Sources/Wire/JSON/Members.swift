import Records
internal import StrictJSON

/// An object's members by name.
struct Members {
  private var values: [String: JSONValue] = [:]

  /// - Throws: where a name is given twice: readers differ on which counts.
  init(_ object: JSONValue) throws(DecodingFailure) {
    for member in object.children {
      guard values.updateValue(member, forKey: member.name) == nil else {
        throw .malformed("a name is given twice (byte \(member.position))")
      }
    }
  }

  subscript(name: String) -> JSONValue? { values[name] }

  func text(_ name: String) throws(DecodingFailure) -> String {
    guard let text = try JSONValue.text(values[name], at: name) else {
      throw .malformed("\(name): not given")
    }
    return text
  }

  func optionalText(_ name: String) throws(DecodingFailure) -> String? {
    try JSONValue.text(values[name], at: name)
  }

  /// The position in the member of that name; nil when it is absent.
  func position(_ name: String) throws(DecodingFailure) -> SourcePosition? {
    try object(name).map { (source) throws(DecodingFailure) in
      SourcePosition(
        topic: try source.text("topic"), partition: try source.number("partition"),
        offset: try source.number("offset"))
    }
  }

  func boolean(_ name: String) throws(DecodingFailure) -> Bool {
    guard let value = values[name] else { throw .malformed("\(name): not given") }
    guard value.kind == .boolean else {
      throw .unexpected(value, at: name, expected: "a boolean")
    }
    return value.isTrue
  }

  func number<Number: LosslessStringConvertible>(_ name: String) throws(DecodingFailure) -> Number {
    guard let number: Number = try optionalNumber(name) else {
      throw .malformed("\(name): not given")
    }
    return number
  }

  func optionalNumber<Number: LosslessStringConvertible>(_ name: String) throws(DecodingFailure)
    -> Number?
  {
    guard let value = values[name], value.kind != .null else { return nil }
    guard value.kind == .number, let number = Number(value.text) else {
      throw .unexpected(value, at: name, expected: "a number in range")
    }
    return number
  }

  func object(_ name: String) throws(DecodingFailure) -> Members? {
    guard let value = values[name], value.kind != .null else { return nil }
    guard value.kind == .object else {
      throw .unexpected(value, at: name, expected: "an object")
    }
    return try Members(value)
  }
}

extension JSONValue {
  /// The text of a member that may be absent or null, nil then.
  static func text(_ value: JSONValue?, at field: String) throws(DecodingFailure) -> String? {
    guard let value, value.kind != .null else { return nil }
    guard value.kind == .text else {
      throw .unexpected(value, at: field, expected: "a string")
    }
    return value.text
  }

  /// Keeps a member that the reader knows. A second one of the same name is an error: readers
  /// differ in which of them counts, and one could be judged while another is read.
  func take(into slot: inout JSONValue?, at field: String) throws(DecodingFailure) {
    guard slot == nil else { throw .malformed("\(field): given twice (byte \(position))") }
    slot = self
  }
}
