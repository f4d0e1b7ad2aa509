import Kafka
import Testing

@Suite struct TopicPatternTests {
  @Test(arguments: [
    ("^chat[.].*$", "chat.eu", true), ("^chat[.].*$", "chats", false),
    ("^(a|b)+-[0-9]{1,3}$", "ab-12", true), ("^a{2,}$", "a", false), ("^[]+]+\\+$", "]+", true),
    ("^\\{{3}x*?$", "{{{", true),
  ])
  func namesMatch(pattern: String, name: String, matches: Bool) throws {
    #expect(try TopicPattern(pattern).matches(name) == matches)
  }

  /// The C library writes repetitions out: these would take all memory.
  @Test(arguments: [
    "#" + String(repeating: "+", count: 28), "[]]a" + String(repeating: "+", count: 28),
    "[^]]" + String(repeating: "+", count: 28), "[[:alpha:]]" + String(repeating: "+", count: 28),
    "^" + String(repeating: "(", count: 30) + "a" + String(repeating: "+)", count: 30),
    "^((a{1,255}){1,255}){1,255}$", "^(((a{200}){200}){200})$", "^((a{9,}){9999,}){9,}",
    "^(a{99999999999999999999}){2}",
  ])
  func repetitionsOfRepetitionsAreRefused(pattern: String) {
    #expect(throws: KafkaError.self) { _ = try TopicPattern(pattern) }
  }

  @Test(arguments: ["^(", "^[a", "^a{2,1}$", "^a{-5}$", "^\\"]) func whatIsNoExpressionIsRefused(
    pattern: String
  ) {
    #expect(throws: KafkaError.self) { _ = try TopicPattern(pattern) }
  }
}
