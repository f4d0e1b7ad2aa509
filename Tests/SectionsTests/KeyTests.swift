import Sections
import Testing

/// Keys, and what `<<` brings.
@Suite struct KeyTests {
  private func read<Value>(
    _ yaml: String, _ body: (SectionReader) -> Value
  ) -> (value: Value, problems: [String]) {
    let collector = ProblemCollector(file: "f")
    let root = SectionReader(
      SettingsDocument.compose(yaml, collector, environment: [:]), path: "", problems: collector)
    let value = body(root)
    return (value, collector.error?.problems.map(\.description) ?? [])
  }

  @Test func aKeyThatLooksLikeAnotherKindIsATextInQuotesOrNot() {
    let yaml = "s: {yes: 1, '12': 2, \"true\": 3, ~: 4, '': 5, 1.0: 6}"
    let (values, problems) = read(yaml) { root in
      let section = root.section("s")
      return section.keys.map { "\($0.name)=\(section.requiredText($0.name))" }
    }
    #expect(values == ["yes=1", "12=2", "true=3", "~=4", "=5", "1.0=6"])
    #expect(problems == [])
  }

  @Test(arguments: [
    ("s: {1: a, '1': b}", "f:1:11: s.1: the key occurs twice"),
    ("'a': 1\na: 2", "f:1:1: a: the key occurs twice"),
    ("yes: 1\n\"yes\": 2", "f:2:1: yes: the key occurs twice"),
    ("s: {? [a] : b}", "f:1:7: s: a key must be a text"),
    ("? {a: 1}\n: b", "f:1:3: a key must be a text"),
    ("s: {<<: [{a: 1}, 2]}", "f:1:18: s.<<: expected keys with values, or a list of them"),
    ("<<: 1", "f:1:5: <<: expected keys with values, or a list of them"),
  ])
  func whatIsWrongWithAKeyHasItsPlace(yaml: String, problem: String) {
    #expect(read(yaml) { _ in }.problems == [problem])
  }

  @Test func aKeyInQuotesGoesBeforeTheMergedOne() {
    let (value, problems) = read("x: &x {1: a, 2: c}\ns: {<<: *x, '1': b}") { root in
      ["1", "2"].map { root.section("s").text($0, default: "none") }
    }
    #expect(value == ["b", "c"])
    #expect(problems == [])
  }

  /// Without values of their own, merges of merges were without end.
  @Test func mergesOfMergesEnd() {
    var bomb = "x0: &x0 {}\n"
    for level in 1...12 {
      let aliases = Array(repeating: "*x\(level - 1)", count: 9).joined(separator: ", ")
      bomb += "x\(level): &x\(level) {<<: [\(aliases)]}\n"
    }
    let problems = read(bomb) { _ in }.problems
    #expect(problems == ["f: more than 100000 values with all aliases"])
  }
}
