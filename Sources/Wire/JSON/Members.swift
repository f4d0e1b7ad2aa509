import Records

/// An object's members by name, the last of each name.
struct Members {
  private var values: [String: JSONValue] = [:]

  init(_ object: JSONValue) {
    for member in object.children { values[member.name] = member }
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
    return Members(value)
  }
}
