/// A piece of JSON, put together by hand where keys are data.
enum JSONValue: Encodable {
  case number(Double)
  case count(Int)
  case text(String)
  case flag(Bool)
  case list([JSONValue])
  case object([String: JSONValue])

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let value): try container.encode(value)
    case .count(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .flag(let value): try container.encode(value)
    case .list(let values): try container.encode(values)
    case .object(let values): try container.encode(values)
    }
  }

  /// An object without the members that are nil.
  static func members(_ values: [String: JSONValue?]) -> JSONValue {
    .object(values.compactMapValues { $0 })
  }
}
