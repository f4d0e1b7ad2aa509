import Records
import Testing
import Wire

@Suite("An exchange in JSON")
struct JSONExchangeTests {
  @Test("is read with all its fields, metadata in order")
  func allFields() throws {
    let exchange = try decode(
      """
      {"id": "c-1", "prompt": "Hi", "response": "Hello", "model": "gpt-x", "tenant": "acme",
       "metadata": {"z": "1", "a": 2.50, "n": null, "o": {"k" : [1, "x"]}, "t": true, "z": ""}}
      """
    ).get()
    #expect(
      exchange
        == Exchange(
          id: "c-1", prompt: "Hi", response: "Hello", model: "gpt-x", tenant: "acme",
          metadata: [
            MetadataEntry(name: "z", value: "1"), MetadataEntry(name: "a", value: "2.50"),
            MetadataEntry(name: "n", value: "null"),
            MetadataEntry(name: "o", value: #"{"k" : [1, "x"]}"#),
            MetadataEntry(name: "t", value: "true"), MetadataEntry(name: "z", value: ""),
          ]))
  }

  @Test(
    "takes absent and null alike",
    arguments: [
      #"{"prompt":"p"}"#,
      #"{"prompt":"p","response":null,"id":null,"model":null,"tenant":null,"metadata":null}"#,
      #" { "prompt" : "p" , "messages" : null } "#, "\u{FEFF}{\"prompt\":\"p\"}\n",
    ])
  func absent(text: String) throws {
    #expect(try decode(text).get() == Exchange(prompt: "p"))
  }

  @Test("may have an empty prompt")
  func emptyPrompt() throws {
    #expect(try decode(#"{"prompt":""}"#).get().prompt == "")
  }

  @Test(
    "takes a number as identifier, as it is written",
    arguments: ["0", "-7", "1.50", "1e400", "123456789012345678901234567890"])
  func numericIdentifier(number: String) throws {
    #expect(try decode(#"{"prompt":"p","id":\#(number)}"#).get().id == number)
  }

  @Test("ignores unknown fields of any shape, also twice")
  func unknownFields() throws {
    let text =
      #"{"x":1e999,"y":[[],{},[{"prompt":"no"}]],"prompt":"p","x":{"response":"no"},"z":"\n"}"#
    #expect(try decode(text).get() == Exchange(prompt: "p"))
  }

  @Test(
    "unescapes texts",
    arguments: [
      (#"a\"b\\c\/d\b\f\n\r\t"#, "a\"b\\c/d\u{8}\u{C}\n\r\t"), (#"\u00e9\u4e2d"#, "é中"),
      (#"\ud83d\ude00"#, "😀"), (#"\uD83D\uDE00x"#, "😀x"), (#"a\u0000b"#, "a\0b"),
      (#"\ud83d"#, "\u{FFFD}"), (#"\ude00x"#, "\u{FFFD}x"), (#"\ud83d\u0041"#, "\u{FFFD}A"),
      (#"\ud83d\ud83d\ude00"#, "\u{FFFD}😀"), (#"\ud83d\\"#, "\u{FFFD}\\"), ("naïve 😀", "naïve 😀"),
    ])
  func escapes(escaped: String, text: String) throws {
    #expect(try decode(#"{"prompt":"\#(escaped)","x":"\#(escaped)"}"#).get().prompt == text)
  }

  @Test("may escape its member names")
  func escapedName() throws {
    #expect(try decode(#"{"pr\u006fmpt":"p"}"#).get().prompt == "p")
  }

  @Test(
    "is malformed when it is not valid JSON or a field has the wrong kind",
    arguments: [
      "", " ", "\u{FEFF}", "null", "[]", "\"prompt\"", "hello", "{", "{}}", "{\"prompt\":\"p\"",
      #"{"prompt":"p"} x"#, #"{"prompt":"p"}{}"#, #"{"prompt":"p",}"#, #"{"prompt" "p"}"#,
      #"{prompt:"p"}"#, #"{"prompt":"p" "x":1}"#, #"{"prompt":"p","x":[1,]}"#,
      #"{"prompt":"p","x":[1}}"#, #"{"prompt":"p","x":{"y":1]}"#, #"{"prompt":"p","x":nul}"#,
      #"{"prompt":"p","x":truex}"#, #"{"prompt":"p","x":01}"#, #"{"prompt":"p","x":1.}"#,
      #"{"prompt":"p","x":+1}"#, #"{"prompt":"p","x":1e}"#, #"{"prompt":"p","x":NaN}"#,
      #"{"prompt":"p","x":"\q"}"#, #"{"prompt":"p","x":"\u12g4"}"#, #"{"prompt":"\u12"}"#,
      #"{"prompt":"a"b"}"#, "{\"prompt\":\"a\nb\"}", "{\"prompt\":\"a\0b\"}",
      #"{"prompt":"p}"#, #"{"prompt":1}"#, #"{"prompt":["p"]}"#, #"{"prompt":"p","response":{}}"#,
      #"{"prompt":"p","response":false}"#, #"{"prompt":"p","response":[]}"#,
      #"{"prompt":"p","prompt":"p"}"#, #"{"prompt":"p","response":"a","response":"b"}"#,
      #"{"prompt":null,"prompt":"p"}"#, #"{"messages":{}}"#,
    ])
  func malformed(text: String) {
    #expect(decode(text).reason == .malformed)
  }

  @Test(
    "takes any value where the score does not depend on it",
    arguments: [
      (#""a""#, "a"), ("42", "42"), ("-1.50e3", "-1.50e3"), ("true", "true"), ("null", nil),
      ("[]", nil), ("{}", nil), (#"[1, "b"]"#, #"[1, "b"]"#), (#"{"a": {}}"#, #"{"a": {}}"#),
      (#""""#, ""),
    ] as [(String, String?)])
  func looseFields(value: String, text: String?) throws {
    let exchange = try decode(
      #"{"id":\#(value),"prompt":"p","model":\#(value),"tenant":\#(value)}"#
    ).get()
    #expect(exchange.id == text)
    #expect(exchange.model == text)
    #expect(exchange.tenant == text)
  }

  @Test(
    "takes metadata in any shape",
    arguments: [
      ("[]", []), ("{}", []), ("null", []), (#""""#, []), (#""x""#, ["0=x"]), ("7", ["0=7"]),
      (#"["a", 1, {"b": null}]"#, ["0=a", "1=1", #"2={"b": null}"#]),
      (#"{"a": {"b": [1, 2]}, "n": null, "t": true}"#, [#"a={"b": [1, 2]}"#, "n=null", "t=true"]),
    ])
  func looseMetadata(value: String, entries: [String]) throws {
    let exchange = try decode(#"{"prompt":"p","metadata":\#(value)}"#).get()
    #expect(exchange.metadata.map { "\($0.name)=\($0.value)" } == entries)
  }

  @Test("is malformed when it is not UTF-8, at the byte where it is not")
  func invalidUTF8() {
    for bad: [UInt8] in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF5, 0x80]] {
      let payload = Array(#"{"prompt":"é"#.utf8) + bad + Array(#""}"#.utf8)
      #expect(
        decode(payload)
          == .failure(
            DecodingFailure(reason: .malformed, detail: "JSON: invalid UTF-8 (byte 13)")))
    }
  }

  @Test(
    "may nest 128 deep and no deeper",
    arguments: [(127, true), (128, false), (100_000, false)])
  func depth(arrays: Int, isFine: Bool) {
    let nested =
      String(repeating: "[", count: arrays) + String(repeating: "]", count: arrays)
    #expect((decode(#"{"prompt":"p","x":\#(nested)}"#).reason == nil) == isFine)
  }

  @Test("without a prompt is told apart from a malformed one", arguments: ["{}", "{\"id\":1}"])
  func missingPrompt(text: String) {
    #expect(decode(text).reason == .missingPrompt)
  }

  @Test("keeps its texts out of the failure")
  func noUserText() {
    let detail =
      if case .failure(let failure) = decode(#"{"prompt":{"secret":"text"}}"#) {
        failure.detail
      } else { "" }
    #expect(detail == "prompt: expected a string, found an object (byte 10)")
  }

  @Test("of many megabytes is read whole")
  func large() throws {
    let text = String(repeating: #"a\n"#, count: 1_000_000)
    let exchange = try decode(#"{"prompt":"\#(text)","response":"\#(text)"}"#).get()
    #expect(exchange.prompt.utf8.count == 2_000_000)
    #expect(exchange.response == exchange.prompt)
  }
}
