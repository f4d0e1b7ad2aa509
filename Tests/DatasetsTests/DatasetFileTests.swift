import Datasets
import Foundation
import TestSupport
import Testing

@Suite struct DatasetFileTests {
  private func write(_ text: String, in directory: TemporaryDirectory) throws -> String {
    let path = directory.path + "/set.jsonl"
    try Data(text.utf8).write(to: URL(filePath: path))
    return path
  }

  @Test func bothStylesOfFieldsRead() throws {
    let directory = try TemporaryDirectory()
    let path = try write(
      """
      {"id": "a", "prompt": "p", "response": null, "label": 1, "source": "s", "extra": {"x": 1}}

      {"text": "q", "completion": "r", "label": "safe"}
      {"prompt": "p", "response": "", "teacher": 0.75}
      """, in: directory)
    let examples = try DatasetFile.read(path)
    #expect(
      examples == [
        LabelledExample(id: "a", prompt: "p", isUnsafe: true, source: "s"),
        LabelledExample(id: "set-3", prompt: "q", response: "r", isUnsafe: false, source: "set"),
        LabelledExample(
          id: "set-4", prompt: "p", isUnsafe: true, teacherScore: 0.75, source: "set"),
      ])
  }

  /// What only names something may be any value, as in the stream.
  @Test(
    arguments: [
      ("3", "3"), ("true", "true"), ("[]", nil), ("{}", nil), ("null", nil),
      (#"{"a": 1}"#, #"{"a": 1}"#),
    ] as [(String, String?)])
  func namesMayBeAnyValue(value: String, text: String?) throws {
    let directory = try TemporaryDirectory()
    let line =
      #"{"prompt": "a \ud83d b", "label": 1, "id": \#(value), "source": \#(value), "tenant": \#(value)}"#
    let example = try #require(try DatasetFile.read(try write(line, in: directory)).first)
    #expect(example.id == text ?? "set-1")
    #expect(example.source == text ?? "set")
    #expect(example.tenant == text)
    #expect(example.prompt == "a \u{FFFD} b")
  }

  @Test(arguments: [
    (#"{"prompt": "p"}"#, "label is missing"),
    (#"{"label": 1}"#, "prompt is missing"),
    (#"{"prompt": 7, "label": 1}"#, "prompt has the wrong type"),
    (#"{"prompt": "p", "label": 2}"#, "label is not 0 or 1"),
    (#"{"prompt": "p", "label": "maybe"}"#, "label is neither 0, 1, safe nor unsafe"),
    (#"{"prompt": "p", "teacher": 1.5}"#, "teacher is not a probability"),
    ("[1]", "JSON: expected an object at the top (byte 0)"),
    ("{", "JSON: a bracket, comma, colon or name is missing or misplaced (byte 0)"),
    (#"{"prompt": "p", "label": 1, "prompt": "q"}"#, "prompt is given twice"),
    (#"{"prompt": "p", "label": 1} {}"#, "JSON: content after the object (byte 28)"),
  ])
  func mistakesAreNamedWithTheirLine(line: String, problem: String) throws {
    let directory = try TemporaryDirectory()
    let path = try write(#"{"prompt": "p", "label": 0}"# + "\n" + line + "\n", in: directory)
    let error = #expect(throws: DatasetError.self) { try DatasetFile.read(path) }
    #expect(error?.description == "\(path):2: \(problem)")
  }

  @Test func whatIsWrittenReadsBack() throws {
    let directory = try TemporaryDirectory()
    let examples = [
      LabelledExample(
        id: "1", prompt: "line\nbreak \"and\" \u{0} é", response: "r/s", isUnsafe: true,
        teacherScore: 0.123456789, source: "s", tenant: "t"),
      LabelledExample(id: "2", prompt: "", isUnsafe: false, source: "s"),
    ]
    let path = directory.path + "/set.jsonl"
    try examples.map(DatasetFile.line).reduce(Data(), +).write(to: URL(filePath: path))
    #expect(try DatasetFile.read(path) == examples)
  }
}
