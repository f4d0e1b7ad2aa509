import Sections
import TestSupport
import Testing

/// What the environment holds is read as any other value, and no message shows it.
@Suite struct VariableTests {
  private func read<Value>(
    _ yaml: String, _ environment: [String: String], _ body: (SectionReader) -> Value
  ) -> (value: Value, problems: [String]) {
    let collector = ProblemCollector(file: "f")
    let root = SectionReader(
      SettingsDocument.compose(yaml, collector, environment: environment), path: "",
      problems: collector)
    let value = body(root)
    root.finish()
    return (value, collector.error?.problems.map(\.description) ?? [])
  }

  @Test(arguments: ["${N}", "'${N}'", "\"${N}\""])
  func aVariableIsReadAsTheSettingsKindInQuotesOrNot(value: String) {
    func read<Value>(_ text: String, _ body: (SectionReader) -> Value) -> Value {
      let result = self.read("a: \(value)", ["N": text], body)
      #expect(result.problems == [])
      return result.value
    }
    #expect(read("42") { $0.number("a", default: 0, in: 0...99) } == 42)
    #expect(read("0.5") { $0.real("a", default: 0, in: 0...1) } == 0.5)
    #expect(read("true") { $0.flag("a", default: false) })
    #expect(read("off") { $0.flag("a", default: true) } == false)
    #expect(read("4 MiB") { $0.size("a", default: 0, in: 0...(1 << 30)) } == 4 << 20)
    #expect(read("7") { $0.milliseconds(seconds: "a", default: 0, in: 0...9) } == 7_000)
    #expect(read("null") { $0.optionalText("a") } == "null")
  }

  @Test func anEmptyVariableIsNoAbsentKey() {
    let (_, problems) = read("a: ${E}", ["E": ""]) { $0.optionalText("a") }
    #expect(
      problems == ["f:1:4: a: expected a text that is not empty (the value comes from ${E})"])
  }

  @Test func aWrongValueIsNotShownButItsVariablesAre() {
    let yaml = "a: ${SECRET}x${OTHER:-1}\nb: [1, '${SECRET}/']\nc: {d: '~/${SECRET}'}"
    let (_, problems) = read(yaml, ["SECRET": "hunter2"]) { root in
      _ = root.number("a", default: 0, in: 0...9)
      _ = root.number("b", default: 0, in: 0...9)
      return root.section("c").optionalText("d")
    }
    #expect(
      problems == [
        "f:1:4: a: expected a whole number from 0 to 9 (the value comes from ${SECRET}, ${OTHER})",
        "f:2:4: b: expected a whole number from 0 to 9",
        "f:3:8: c.d: ~ stands for no folder here: write it in full "
          + "(the value comes from ${SECRET})",
      ])
  }

  @Test func whatComesFromTheEnvironmentIsKnown() {
    let yaml = "x: &x '${A}'\na: ${A}\nb: [c, '${A}']\nc: $${A}\nd: [e]\ne: *x\nf: 1"
    let (secrets, _) = read(yaml, ["A": "1"]) { root in
      ["a", "b", "c", "d", "e", "f", "none"].filter { root.isSecret($0) }
    }
    #expect(secrets == ["a", "b", "e"])
  }

  @Test(arguments: [
    ("a: ~/x", "~ stands for no folder here: write it in full"),
    ("a: [y, ~/x]", "~ stands for no folder here: write it in full"),
    ("a: '${P:-~/x}'", "(the value comes from ${P})"),
    ("a: $HOME/x", "a variable needs braces: ${NAME}"),
    ("a: [y, $_A1/x/y]", "a variable needs braces: ${NAME}"),
    ("a: $CREDENTIALS_DIRECTORY_/x", "a variable needs braces: ${NAME}"),
  ])
  func whatOnlyAShellKnowsIsAMistake(yaml: String, message: String) {
    let (_, problems) = read(yaml, [:]) { $0.requiredTexts("a") }
    #expect(problems.count == 1)
    #expect(problems.first?.hasSuffix(message) == true, "\(problems)")
  }

  @Test(arguments: ["$CREDENTIALS_DIRECTORY/x", "$x", "a$x/y", "~x", "x~/", "$1/x", "a/~/b"])
  func otherTextsMayHaveThoseSigns(text: String) {
    let (texts, problems) = read("a: ['\(text)']\np: {a: ~/, b: $x/y}", [:]) { root in
      root.requiredTexts("a") + root.pairs("p").map(\.value)
    }
    #expect(texts == [text, "~/", "$x/y"])
    #expect(problems == [], "passwords may have them too")
  }

  @Test(arguments: [
    ("a: [y, ~]", "f:1:8: a: expected a text that is not empty"),
    ("a: [null]", "f:1:5: a: expected a text that is not empty"),
    ("a: [x, '']", "f:1:8: a: expected a text that is not empty"),
    ("a: [x, [y]]", "f:1:8: a: expected a text that is not empty"),
    ("a: []", "f:1:4: a: expected texts that are not empty"),
    ("a: ~", "f:1:1: a: is required"),
  ])
  func whatIsNoTextInAListHasItsPlace(yaml: String, problem: String) {
    #expect(read(yaml, [:]) { $0.requiredTexts("a") }.problems == [problem])
  }

  @Test(arguments: ["a: {p: }", "a: {p: ~}", "a: {p: null}"])
  func aPairWithoutAValueIsAMistake(yaml: String) {
    #expect(
      read(yaml, [:]) { $0.pairs("a").count }.problems.map { $0.suffix(12) } == ["has no value"])
  }
}
