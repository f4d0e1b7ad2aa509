import Foundation
import Sections
import TestSupport
import Testing

/// What a file's bytes may be, and where it is said that they are not YAML.
@Suite struct SettingsTextTests {
  private func problems(_ yaml: String) -> [String] {
    let collector = ProblemCollector(file: "f")
    _ = SettingsDocument.compose(yaml, collector, environment: [:])
    return collector.error?.problems.map(\.description) ?? []
  }

  private func read(_ bytes: [UInt8]) throws -> String {
    let directory = try TemporaryDirectory()
    let file = directory.path + "/s.yaml"
    try Data(bytes).write(to: URL(filePath: file))
    return try SettingsDocument.read(file, ProblemCollector(file: "f"))
  }

  @Test func sixteenBitTextIsReadByItsMark() throws {
    let text = "\u{FEFF}a: ü"
    let little: [UInt8] = text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let big: [UInt8] = text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    #expect(try read(little) == text)
    #expect(try read(big) == text)
    for bytes: [UInt8] in [[0xFF, 0xFE, 0], [0xFF, 0xFE, 0, 0xD8], [0x61, 0xFF]] {
      #expect(throws: SettingsError.self, "\(bytes)") { try read(bytes) }
    }
  }

  @Test(arguments: [
    ("a:\n\tb: 1", "f:2:1: a tab cannot indent: use spaces"),
    ("a: {b: ${C}}", "f:1:9: within braces and brackets, a value with ${NAME} needs quotes"),
    ("a: [b, ${C:-d}]", "f:1:9: within braces and brackets, a value with ${NAME} needs quotes"),
    ("a: [b, c", "f:1:9: did not find expected ',' or ']'"),
    ("a:\r\n\tb: 1", "f:2:1: a tab cannot indent: use spaces"),
    ("---\na: 1\n---\nb: 2", "f:3:1: a second document begins here"),
    ("a: 1\nb: 2\u{1}", "f:2:5: control characters are not allowed"),
    ("a: 1\nb: ü\n\u{1}", "f:3:1: control characters are not allowed"),
    ("a: 1\nb: 2\na: 3", "f:1:1: a: the key occurs twice"),
    ("a: *b", "f:1:4: found undefined alias"), ("a: &a [*a]", "f:1:8: found undefined alias"),
  ])
  func whatIsNotOneDocumentHasItsPlace(yaml: String, problem: String) {
    #expect(problems(yaml) == [problem])
  }

  @Test func deepNestingIsRefusedNotSuffered() {
    #expect(!problems(String(repeating: "[", count: 100_000)).isEmpty)
  }
}
