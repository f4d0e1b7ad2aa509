package import Foundation

/// Values of Codable types as JSON, by one set of rules for every file and every server: what is
/// read must be strict, what is written has its names in order and its slashes as they are, so that
/// equal values are equal bytes.
package enum JSONCoder {
  /// How a text is laid out.
  package enum Layout: Sendable {
    /// On one line.
    case compact
    /// With line breaks, for people.
    case pretty
  }

  /// The value in a JSON text.
  ///
  /// - Throws: `JSONError` for what is no JSON or another value; its words hold no text of the
  ///   file.
  package static func decode<Value: Decodable>(
    _ type: Value.Type = Value.self, from data: some ContiguousBytes & Sequence<UInt8>
  ) throws(JSONError) -> Value {
    let data = Data(data)
    try check(data)
    do {
      return try JSONDecoder().decode(type, from: data)
    } catch let error as DecodingError {
      throw JSONError(error)
    } catch {
      throw JSONError(problem: "not what was expected")
    }
  }

  /// A value as JSON text, with a line's end when it is pretty.
  ///
  /// - Parameter namesInfinity: writes numbers that are not finite as "inf", "-inf" and "nan".
  /// - Throws: `JSONError` for a number that is not finite otherwise, and for what a type refuses
  ///   to write.
  package static func encode(
    _ value: some Encodable, _ layout: Layout = .compact, namesInfinity: Bool = false
  ) throws(JSONError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if layout == .pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    if namesInfinity {
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    }
    do {
      return try encoder.encode(value) + (layout == .pretty ? [0x0A] : [])
    } catch let error as EncodingError {
      throw JSONError(error)
    } catch {
      throw JSONError(problem: "cannot be written")
    }
  }

  /// One line of a file of JSON lines, with its end.
  package static func line(_ value: some Encodable) throws(JSONError) -> Data {
    try encode(value) + [0x0A]
  }

  /// Readers differ on which of two members of one name counts.
  private static func check(_ data: Data) throws(JSONError) {
    // The parser wants an object at the top.
    let isObject = data.first { $0 > 0x20 } == UInt8(ascii: "{")
    let opening = isObject ? [] : Array("{\"\":".utf8)
    let text = opening + data + (isObject ? [] : Array("}".utf8))
    var parser = JSONParser()
    try parser.parse(text.span, added: opening.count, malformed: JSONError.init(problem:)) {
      (object) throws(JSONError) in
      try refuseRepetition(in: object, added: opening.count)
    }
  }

  private static func refuseRepetition(in value: JSONValue, added: Int) throws(JSONError) {
    var names: Set<String> = []
    for child in value.children {
      if value.kind == .object, !names.insert(child.name).inserted {
        throw JSONError(problem: "a name is given twice (byte \(Int(child.position) - added))")
      }
      try refuseRepetition(in: child, added: added)
    }
  }
}

/// Why a text is not the JSON that was expected, or a value cannot be JSON.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  package let problem: String

  package init(problem: String) { self.problem = problem }

  fileprivate init(_ error: DecodingError) {
    switch error {
    case .typeMismatch(_, let context): problem = "wrong type at \(Self.path(context.codingPath))"
    case .valueNotFound(_, let context): problem = "no value at \(Self.path(context.codingPath))"
    case .keyNotFound(let key, let context): problem = "no \(Self.path(context.codingPath + [key]))"
    case .dataCorrupted(let context): problem = "not valid at \(Self.path(context.codingPath))"
    @unknown default: problem = "not what was expected"
    }
  }

  fileprivate init(_ error: EncodingError) {
    switch error {
    case .invalidValue(let value, _) where value is any BinaryFloatingPoint:
      problem = "a number is not finite"
    case .invalidValue(_, let context): problem = "not valid at \(Self.path(context.codingPath))"
    @unknown default: problem = "cannot be written"
    }
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    keys.isEmpty ? "the top" : keys.map { $0.stringValue.prefix(80) }.joined(separator: ".")
  }

  package var description: String { problem }
}
