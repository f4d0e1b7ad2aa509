internal import Glibc

/// A name of topics that begins with `^`: a regular expression, as librdkafka reads it in a
/// subscription.
@safe package struct TopicPattern: ~Copyable {
  private let expression: regex_t

  /// Whether a name in a subscription is a pattern.
  package static func isPattern(_ name: String) -> Bool { name.hasPrefix("^") }

  /// - Throws: `invalidArgument` for what is no expression, or one that repeats repetitions so
  ///   often that the C library, which writes each out, would take all memory for it.
  package init(_ text: String) throws(KafkaError) {
    guard Self.copies(of: text) <= Self.copiesMax else {
      throw KafkaError(.metadata, .invalidArgument, message: "repeats too often: \(text)")
    }
    var expression = unsafe regex_t()
    guard unsafe regcomp(&expression, text, REG_EXTENDED | REG_NOSUB) == 0 else {
      throw KafkaError(.metadata, .invalidArgument, message: "no regular expression: \(text)")
    }
    unsafe self.expression = unsafe expression
  }

  deinit {
    var expression = unsafe expression
    unsafe regfree(&expression)
  }

  private static let copiesMax = 10_000

  /// How often the C library writes a part of the expression out at most, each repetition being
  /// part of all others: twice for `+`, and up to the largest number of `{}`.
  private static func copies(of text: String) -> Int {
    var copies = 1
    var rest = text.utf8[...]
    while let byte = rest.popFirst(), copies <= copiesMax {
      switch byte {
      case UInt8(ascii: "\\"): _ = rest.popFirst()
      case UInt8(ascii: "["):
        // A bracket that comes first stands for itself.
        if rest.first == UInt8(ascii: "^") { rest.removeFirst() }
        rest = rest.dropFirst().drop { $0 != UInt8(ascii: "]") }.dropFirst()
      case UInt8(ascii: "+"): copies *= 2
      case UInt8(ascii: "{"):
        let numbers = rest.prefix { $0 != UInt8(ascii: "}") }.split(separator: UInt8(ascii: ","))
        let largest = numbers.map { UInt16(Substring($0)).map(Int.init) ?? copiesMax }.max()
        copies *= (largest ?? 0) + 1
      default: break
      }
    }
    return copies
  }

  /// A pattern that this topic's name matches, and no other's.
  static func exactly(_ topic: String) -> String {
    "^\(topic.replacing(".", with: "[.]"))$"
  }

  /// Whether a topic has such a name.
  package func matches(_ name: String) -> Bool {
    unsafe withUnsafePointer(to: expression) { unsafe regexec($0, name, 0, nil, 0) == 0 }
  }
}
