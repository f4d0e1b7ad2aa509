import Foundation
import StrictJSON
import Testing

/// What is read as JSON anywhere outside the stream, and how it is written.
@Suite struct JSONCoderTests {
  private struct Record: Codable, Hashable {
    var name: String
    var count: Int
    var share: Double?
  }

  private func problem<Value: Decodable>(_ type: Value.Type, _ text: String) -> String? {
    do throws(JSONError) {
      _ = try JSONCoder.decode(type, from: Data(text.utf8))
      return nil
    } catch {
      return error.problem
    }
  }

  @Test func whatIsWrittenReadsBackInBothLayouts() throws {
    let record = Record(name: "a/b \"c\" \u{1} é", count: -3, share: 0.1)
    for layout in [JSONCoder.Layout.compact, .pretty] {
      #expect(try JSONCoder.decode(Record.self, from: JSONCoder.encode(record, layout)) == record)
    }
    let text = String(decoding: try JSONCoder.line(record), as: UTF8.self)
    #expect(text == "{\"count\":-3,\"name\":\"a/b \\\"c\\\" \\u0001 é\",\"share\":0.1}\n")
    #expect(try JSONCoder.encode(record, .pretty).last == 0x0A)
  }

  @Test(arguments: [
    (#"{"name": "a", "count": 1, "name": "b"}"#, "a name is given twice (byte 34)"),
    (#"{"name": "a", "count": 1, "x": {"y": 1, "y": 2}}"#, "a name is given twice"),
    (#"{"name": "a", "count": 1} {}"#, "JSON: content after the object (byte 26)"),
    (#"{"name": "a", "count": 1"#, "JSON: "), ("", "JSON: "), ("{", "JSON: "),
    (#"{"name": 5, "count": 1}"#, "wrong type at name"), (#"{"name": "a"}"#, "no count"),
    (#"{"name": null, "count": 1}"#, "no value at name"), ("[]", "wrong type at the top"),
    (#"{"name": "a", "count": 1.5}"#, "not valid at"),
  ])
  func whatIsWrongIsToldWithoutItsText(text: String, expected: String) {
    let found = problem(Record.self, text)
    #expect(found?.contains(expected) == true, "\(found ?? "nothing")")
  }

  @Test func invalidUTF8IsRefused() {
    let data = Data(#"{"name": ""#.utf8) + [0xC3, 0x28] + Data(#"", "count": 1}"#.utf8)
    #expect(throws: JSONError(problem: "JSON: invalid UTF-8 (byte 10)")) {
      try JSONCoder.decode(Record.self, from: data)
    }
  }

  @Test func listsAndPlainValuesAreDocumentsToo() throws {
    #expect(try JSONCoder.decode([Int].self, from: Data("[1, 2]".utf8)) == [1, 2])
    #expect(try JSONCoder.decode(Int.self, from: Data(" 7".utf8)) == 7)
    #expect(problem([Int].self, "[1, 2], 3") != nil)
    #expect(problem([[String: Int]].self, #"[{"a": 1, "a": 2}]"#) != nil)
  }

  @Test(arguments: [
    (#"[{"a": 1, "a": 2}]"#, "a name is given twice (byte 15)"),
    (#"["ab"#, "JSON: a string is not closed"),
    (#"[1, +]"#, "JSON: neither value nor container (byte 4)"),
  ])
  func placesAreThoseOfTheText(text: String, expected: String) {
    #expect(problem([JSON].self, text) == expected)
  }

  @Test func onlyNamedInfinitiesCanBeWritten() throws {
    #expect(throws: JSONError(problem: "a number is not finite")) {
      try JSONCoder.encode([Double.infinity])
    }
    let text = try JSONCoder.encode([Double.infinity, .nan], namesInfinity: true)
    #expect(String(decoding: text, as: UTF8.self) == #"["inf","nan"]"#)
  }

  @Test func anyValueKeepsItsKind() throws {
    let text = #"{"a":[1,2.5,true,null,"x"],"b":{}}"#
    let value = try JSONCoder.decode(JSON.self, from: Data(text.utf8))
    #expect(value["a"] == .list([.integer(1), .number(2.5), .flag(true), .null, .text("x")]))
    #expect(String(decoding: try JSONCoder.encode(value), as: UTF8.self) == text)
    #expect(JSON.members(["a": .null, "b": nil]) == .object(["a": .null]))
  }
}
