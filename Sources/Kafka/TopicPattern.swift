internal import Glibc

/// A name of topics that begins with `^`: a regular expression, as librdkafka reads it in a
/// subscription.
@safe package struct TopicPattern: ~Copyable {
  private let expression: regex_t

  /// Whether a name in a subscription is a pattern.
  package static func isPattern(_ name: String) -> Bool { name.hasPrefix("^") }

  /// - Throws: `invalidArgument` for what is no expression.
  package init(_ text: String) throws(KafkaError) {
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

  /// A pattern that this topic's name matches, and no other's.
  static func exactly(_ topic: String) -> String {
    "^\(topic.replacing(".", with: "[.]"))$"
  }

  /// Whether a topic has such a name.
  package func matches(_ name: String) -> Bool {
    unsafe withUnsafePointer(to: expression) { unsafe regexec($0, name, 0, nil, 0) == 0 }
  }
}
