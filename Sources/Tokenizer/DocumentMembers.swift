internal import StrictJSON

/// The members of an object in `tokenizer.json`, each there once, with the object's place.
struct DocumentMembers {
  /// Such as `normalizer.normalizers[1]`; empty at the top.
  let place: String
  private var values: [String: JSONValue] = [:]

  /// The members of a value that has to be an object.
  init(_ value: JSONValue, at place: String) throws(TokenizerError) {
    self.place = place
    guard value.kind == .object else {
      throw Self.error(place, "is \(value.kind) where an object is expected")
    }
    for child in value.children where values.updateValue(child, forKey: child.name) != nil {
      throw Self.error(place, "has a name twice (byte \(child.position))")
    }
  }

  /// A member; nil where it is missing or null.
  func value(_ name: String) -> JSONValue? {
    values[name].flatMap { $0.kind == .null ? nil : $0 }
  }

  /// A member that has to be an object.
  func object(_ name: String) throws(TokenizerError) -> DocumentMembers {
    guard let value = value(name) else { throw error(name, "is missing") }
    return try DocumentMembers(value, at: path(name))
  }

  /// The elements of a list; none where it is missing or null.
  func list(_ name: String) throws(TokenizerError) -> [JSONValue] {
    try value(name, of: .array).map { Array($0.children) } ?? []
  }

  /// A text; nil where it is missing or null.
  func text(_ name: String) throws(TokenizerError) -> String? {
    try value(name, of: .text)?.text
  }

  /// A boolean; nil where it is missing or null.
  func flag(_ name: String) throws(TokenizerError) -> Bool? {
    try value(name, of: .boolean)?.isTrue
  }

  /// A number without fraction; nil where it is missing or null.
  func integer(_ name: String) throws(TokenizerError) -> Int? {
    guard let value = try value(name, of: .number) else { return nil }
    guard let number = Int(value.text) else { throw error(name, "is no such number") }
    return number
  }

  /// What is wrong with a member.
  func error(_ name: String, _ problem: String) -> TokenizerError {
    Self.error(path(name), problem)
  }

  /// The object is of a kind that is not supported.
  func unsupported(_ type: String?, instead: String) -> TokenizerError {
    Self.error(
      place, "is of the type \(type?.prefix(80) ?? "null"), which is not supported; \(instead)")
  }

  private func path(_ name: String) -> String { place.isEmpty ? name : "\(place).\(name)" }

  private func value(_ name: String, of kind: JSONValue.Kind) throws(TokenizerError) -> JSONValue? {
    guard let value = value(name) else { return nil }
    guard value.kind == kind else {
      throw error(name, "is \(value.kind) where \(kind) is expected")
    }
    return value
  }

  private static func error(_ place: String, _ problem: String) -> TokenizerError {
    TokenizerError(
      file: TokenizerDocument.fileName, problem: place.isEmpty ? problem : "\(place) \(problem)")
  }
}
