import Sections
import Testing

/// Reading a section key by key: what is meant, and what is wrong where.
@Suite struct SectionReaderTests {
  private enum Colour: String, CaseIterable { case red, green }

  /// What a closure reads from a YAML text, and all problems of it.
  private func read<Value>(
    _ yaml: String, _ environment: [String: String] = [:], _ body: (SectionReader) -> Value
  ) -> (value: Value, problems: [String]) {
    let collector = ProblemCollector(file: "f")
    let root = SectionReader(
      SettingsDocument.compose(yaml, collector, environment: environment), path: "",
      problems: collector)
    let value = body(root)
    root.finish()
    return (value, collector.error?.problems.map(\.description) ?? [])
  }

  private let environment = ["A": "seven", "N": "7", "EMPTY": "", "_x1": "u"]

  @Test(arguments: [
    ("${A}", "seven"), ("b-${A}:${N}", "b-seven:7"), ("\"${A}\"", "seven"), ("'${A}'", "seven"),
    ("|-\n  x ${A}", "x seven"), ("${NONE:-other}", "other"), ("${EMPTY:-other}", "other"),
    ("${A:-other}", "seven"), ("x${EMPTY}y", "xy"), ("${_x1}", "u"), ("$${A}", "${A}"),
    ("$A", "$A"), ("cost$", "cost$"), ("$${${A}", "${seven"), ("${NONE:-a:-b}", "a:-b"),
  ])
  func variablesAreReplacedInValues(value: String, expected: String) {
    let (text, problems) = read("a: \(value)", environment) { $0.text("a", default: "") }
    #expect(text == expected)
    #expect(problems == [])
  }

  @Test func whatAVariableBringsHasTheSettingsType() {
    let yaml = "n: ${N}\nbad: ${A}\nlist: [x, '${A}']"
    let (found, problems) = read(yaml, environment) { section in
      (
        section.number("n", default: 0, in: 1...9), section.number("bad", default: 3, in: 1...9),
        section.texts("list")
      )
    }
    #expect(found == (7, 3, ["x", "seven"]))
    #expect(
      problems == [
        "f:2:6: bad: expected a whole number from 1 to 9 (the value comes from ${A})"
      ])
  }

  @Test(arguments: [
    ("a: {b: \"x-${NONE}\"}", "f:1:8: a.b: the variable NONE is not set"),
    ("a: ${}", "f:1:4: a: ${} is no name of a variable"),
    ("a: ${1A}", "f:1:4: a: ${1A} is no name of a variable"),
    ("a: ${A", "f:1:4: a: ${ is not closed; $${ stands for itself"),
    ("a: ${A:-${N}}", "f:1:4: a: no ${ may stand within another one"),
    ("a: {'${A}': 1}", "f:1:5: a.${A}: variables stand in values, not in keys"),
    ("a: ${A-b}", "f:1:4: a: ${A-b} is no name of a variable"),
    ("a: [x, 'y${NONE}${A}']", "f:1:8: a: the variable NONE is not set"),
  ])
  func variablesThatCannotBeReplacedHaveTheirPlace(yaml: String, problem: String) {
    let (_, problems) = read(yaml, environment) { _ = $0.node("a") }
    #expect(problems == [problem])
  }

  @Test func mergeKeysBringWhatIsNotThere() {
    let yaml = """
      x-common: &common {a: 1, b: 2}
      x-other: &other {b: 5, c: 6}
      one: {<<: *common, b: 3}
      list: {<<: [*common, *other]}
      nested: {<<: {<<: *other, b: 9}}
      """
    let (found, problems) = read(yaml) { root in
      ["one", "list", "nested"].map { name in
        let section = root.section(name)
        let values = ["a", "b", "c"].map { section.optionalNumber($0, in: 0...9) }
        section.finish()
        return values
      }
    }
    #expect(found == [[1, 3, nil], [1, 2, 6], [nil, 9, 6]])
    #expect(problems == [])
  }

  @Test func mistakesInMergesHaveTheirPlace() {
    let (_, problems) = read("x-c: &c {typo: 1}\na: {<<: *c}\nb: {<<: 7}") { root in
      root.section("a").finish()
      root.section("b").finish()
    }
    #expect(
      problems == [
        "f:1:10: a.typo: unknown key", "f:3:9: b.<<: expected keys with values, or a list of them",
      ])
  }

  @Test func aBombOfAliasesIsDefused() {
    var yaml = "l0: &l0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...8 {
      let names = [String](repeating: "*l\(level - 1)", count: 9).joined(separator: ", ")
      yaml += "l\(level): &l\(level) [\(names)]\n"
    }
    let (_, problems) = read(yaml) { _ in }
    #expect(problems.contains("f: more than 100000 values with all aliases"))
  }

  @Test(arguments: ["\u{FEFF}a: 7\n", "\u{FEFF}# c\r\na: 7\r\n", "\u{FEFF}---\na: 7\n"])
  func aByteOrderMarkIsNoText(yaml: String) {
    let (number, problems) = read(yaml) { $0.number("a", default: 0, in: 1...9) }
    #expect(number == 7)
    #expect(problems == [])
  }

  @Test(arguments: [
    ("4MiB", 4 << 20), ("64 kB", 64_000), ("1048576", 1 << 20), ("1GiB", 1 << 30),
  ])
  func sizesHaveUnits(text: String, bytes: Int) {
    let (size, problems) = read("a: \(text)") { $0.size("a", default: 7, in: 1...(1 << 40)) }
    #expect(size == bytes)
    #expect(problems.isEmpty)
  }

  @Test(arguments: [
    "a: 4 parsecs", "a: -1", "a: 0", "a: [1]", "a: {b: 1}", "a: 99999999999999999999",
  ])
  func aWrongValueIsToldWithItsPlaceAndReplacedByTheDefault(yaml: String) {
    let (size, problems) = read(yaml) { $0.size("a", default: 7, in: 1...100) }
    #expect(size == 7)
    #expect(problems == ["f:1:4: a: expected a size such as 4MiB, from 1 to 100 bytes"])
  }

  @Test func secondsBecomeMillisecondsAndBoundsHold() {
    func wait(_ yaml: String) -> (value: Int, problems: [String]) {
      read(yaml) { $0.milliseconds(seconds: "wait", default: 5_000, in: 1...10) }
    }
    #expect(wait("wait: 10").value == 10_000)
    #expect(wait("{}").value == 5_000)
    #expect(wait("wait: 11").problems == ["f:1:7: wait: expected a whole number from 1 to 10"])
  }

  @Test(arguments: ["010", "1:00", "-0_1", "08", "0x", "1.5", "'7'", "7s", ".inf"])
  func whatIsNoDecimalNumberIsAMistake(text: String) {
    let (number, problems) = read("a: \(text)") { $0.number("a", default: 3, in: -99...99) }
    #expect(number == 3)
    #expect(problems == ["f:1:4: a: expected a whole number from -99 to 99"])
    let real = read("a: \(text.replacing("1.5", with: "1:30.5"))") {
      $0.real("a", default: 3, in: 0...99)
    }
    #expect(real.value == 3)
    #expect(real.problems == ["f:1:4: a: expected a number from 0.0 to 99.0"])
  }

  @Test(arguments: [("0", 0), ("-7", -7), ("+7", 7), ("1_0", 10), ("0x10", 16)])
  func wholeNumbersMayHaveASignAndGroups(text: String, value: Int) {
    let (number, problems) = read("a: \(text)") { $0.number("a", default: 3, in: -99...99) }
    #expect(number == value)
    #expect(problems == [])
  }

  @Test func aValueOfItsOwnKindIsParsed() {
    func value(_ yaml: String) -> (value: Int, problems: [String]) {
      read(yaml) {
        $0.value("a", default: 1, expected: "x and a number") { Int($0.dropFirst()) }
      }
    }
    #expect(value("a: x42").value == 42)
    #expect(value("a: xx").problems == ["f:1:4: a: expected x and a number"])
    #expect(value("{}").value == 1)
  }

  @Test func choicesAreListedAndUnknownKeysGetAHint() {
    let (colour, problems) = read("colour: blue\ncolor: red\nentirely: 1") {
      $0.choice("colour", default: Colour.green)
    }
    #expect(colour == .green)
    #expect(
      problems == [
        "f:1:9: colour: expected one of: red, green",
        "f:2:1: color: unknown key; did you mean colour?", "f:3:1: entirely: unknown key",
      ])
  }

  @Test func problemsOfNestedSectionsNameTheirPath() {
    let (_, problems) = read("a:\n  b: {c: 1}\n  d: x") { root in
      let section = root.section("a")
      section.section("b").finish()
      _ = section.flag("d", default: false)
      section.finish()
    }
    #expect(problems == ["f:2:7: a.b.c: unknown key", "f:3:6: a.d: expected true or false"])
  }

  @Test func aSectionThatIsNoneIsTold() {
    let (_, problems) = read("a: 5") { $0.section("a").optionalText("b") }
    #expect(problems == ["f:1:4: a: expected keys with values"])
  }

  @Test(arguments: [("a: 'b", 1), ("a: 1\na: 2", 1), ("\tb: 1", 1), ("a: [1, 2\nb: 3", 2)])
  func whatIsNoYAMLHasALine(yaml: String, line: Int) {
    let collector = ProblemCollector(file: "f")
    #expect(SettingsDocument.compose(yaml, collector, environment: [:]) == nil)
    #expect(collector.error?.problems.first?.place.line == line)
    #expect(collector.error?.problems.count == 1)
  }

  @Test func aFileThatCannotBeReadIsNamed() {
    #expect(throws: SettingsError.self) {
      try SettingsDocument.read("/nowhere/x.yaml", ProblemCollector(file: "x.yaml"))
    }
  }
}
