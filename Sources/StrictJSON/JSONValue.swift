import CSimdJSON

/// One value of a parsed document. It stands in the parser's memory and lives no longer than the
/// closure that `JSONParser.parse` gave it to.
@safe package struct JSONValue {
  /// What a value is.
  package enum Kind: CustomStringConvertible {
    case null, boolean, number, text, array, object

    /// The kind with its article, for error messages.
    package var description: String {
      switch self {
      case .null: "null"
      case .boolean: "a boolean"
      case .number: "a number"
      case .text: "a string"
      case .array: "an array"
      case .object: "an object"
      }
    }
  }

  private let nodes: UnsafePointer<sluice_json_node>
  private let index: Int

  @unsafe init(nodes: UnsafePointer<sluice_json_node>, index: Int) {
    unsafe self.nodes = nodes
    self.index = index
  }

  package var kind: Kind {
    switch unsafe node.kind {
    case SLUICE_JSON_FALSE, SLUICE_JSON_TRUE: .boolean
    case SLUICE_JSON_NUMBER: .number
    case SLUICE_JSON_STRING: .text
    case SLUICE_JSON_ARRAY: .array
    case SLUICE_JSON_OBJECT: .object
    default: .null
    }
  }

  /// The byte of the payload where the value starts.
  package var position: Int { unsafe Int(node.position) }

  /// The member's name; empty in an array.
  package var name: String { unsafe Self.string(node.key, count: node.key_count) }

  /// A string's text; any other value as JSON text, as it stands in the payload.
  package var text: String { unsafe Self.string(node.text, count: node.text_count) }

  /// What a value says that only names something, such as a tenant: other languages write numbers,
  /// and empty containers for nothing. A string's text, or the JSON text of any other value; nil
  /// for null, an empty array and an empty object.
  package var naming: String? {
    switch kind {
    case .null: nil
    case .array, .object: children.contains { _ in true } ? text : nil
    case .text, .number, .boolean: text
    }
  }

  /// Whether the value is the literal `true`.
  package var isTrue: Bool { unsafe node.kind == SLUICE_JSON_TRUE }

  /// The members of an object or the elements of an array; nothing for other values.
  package var children: Children {
    unsafe Children(nodes: nodes, nextIndex: index + 1, end: Int(node.next))
  }

  private var node: sluice_json_node { unsafe nodes[index] }

  private static func string(_ start: UnsafePointer<CChar>?, count: UInt32) -> String {
    guard let start = unsafe start else { return "" }
    return unsafe UnsafeRawBufferPointer(start: start, count: Int(count))
      .withMemoryRebound(to: UInt8.self) { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// Walks the values directly within a container.
  @safe package struct Children: Sequence, IteratorProtocol {
    fileprivate let nodes: UnsafePointer<sluice_json_node>
    fileprivate var nextIndex: Int
    fileprivate let end: Int

    package mutating func next() -> JSONValue? {
      guard nextIndex < end else { return nil }
      defer { nextIndex = unsafe Int(nodes[nextIndex].next) }
      return unsafe JSONValue(nodes: nodes, index: nextIndex)
    }
  }
}
