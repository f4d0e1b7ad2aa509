import Records
import Testing
import Wire

@Suite("An exchange in protobuf")
struct ProtobufExchangeTests {
  private func protobuf(_ payload: [UInt8]) -> Result<Exchange, DecodingFailure> {
    decode(payload, default: .protobuf)
  }

  @Test("is read with all its fields")
  func allFields() throws {
    let payload =
      field(1, "c-1") + field(2, "Hi é") + field(3, "Hello") + field(4, "gpt-x")
      + field(5, "acme") + field(6, field(1, "k") + field(2, "v")) + field(6, field(1, "k"))
    #expect(
      try protobuf(payload).get()
        == Exchange(
          id: "c-1", prompt: "Hi é", response: "Hello", model: "gpt-x", tenant: "acme",
          metadata: [
            MetadataEntry(name: "k", value: "v"), MetadataEntry(name: "k", value: ""),
          ]))
  }

  @Test("keeps text behind a NUL")
  func embeddedNUL() throws {
    let exchange = try protobuf(field(2, "harmless\0the rest") + field(3, "\0")).get()
    #expect(exchange.prompt == "harmless\0the rest")
    #expect(exchange.response == "\0")
  }

  @Test("ignores unknown fields and takes the last of a repeated one")
  func unknownFields() throws {
    let payload = field(2, "a") + field(15, "x") + [0x78, 0x05] + field(2, "b")
    #expect(try protobuf(payload).get() == Exchange(prompt: "b"))
  }

  @Test("may have an empty prompt, but not none")
  func prompt() throws {
    #expect(try protobuf(field(2, "")).get() == Exchange(prompt: ""))
    #expect(protobuf([]).reason == .missingPrompt)
    #expect(protobuf(field(3, "r")).reason == .missingPrompt)
  }

  @Test(
    "is malformed when it is cut, of the wrong type or not UTF-8",
    arguments: [
      [0x12, 0x05, 0x61], [0x12], [0xFF], [0x10, 0x01], [0x12, 0x01, 0xFF],
      [0x12, 0x03, 0xED, 0xA0, 0x80], [0x12, 0x01, 0x61, 0x32, 0x03, 0x0A, 0x01, 0xFF],
      [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
    ])
  func malformed(payload: [UInt8]) {
    #expect(protobuf(payload).reason == .malformed)
  }
}

@Suite("The format of a record")
struct PayloadFormatTests {
  private let json = Array(#"{"prompt":"p"}"#.utf8)
  private let protobuf = field(2, "p")

  @Test(
    "is the one that the content type names",
    arguments: [
      ("application/json", PayloadFormat.json), ("Application/JSON; charset=utf-8", .json),
      (" application/json ", .json), ("application/x-protobuf", .protobuf),
      ("application/protobuf;proto=sluice.v1.Exchange", .protobuf),
      ("application/vnd.google.protobuf", .protobuf),
    ])
  func contentType(value: String, format: PayloadFormat) throws {
    let other = PayloadFormat.allCases.first { $0 != format } ?? format
    for name in ["content-type", "Content-Type"] {
      let decoder = ExchangeDecoder(defaultFormat: other)
      #expect(try decoder.format(of: [Header("x", "y"), Header(name, value)]) == format)
    }
  }

  @Test("is the default without a content type", arguments: PayloadFormat.allCases)
  func defaultFormat(format: PayloadFormat) throws {
    let payload = format == .json ? json : protobuf
    let headers = [Header(name: "content-type", value: nil), Header("contenttype", "text/html")]
    for headers in [[], headers] {
      #expect(try decode(payload, headers: headers, default: format).get().prompt == "p")
    }
  }

  @Test("is not guessed", arguments: ["text/plain", "", "application/jsonx", "json"])
  func unknown(value: String) {
    #expect(decode(json, headers: [Header("content-type", value)]).reason == .malformed)
    let invalid = Header(name: "content-type", value: [0xFF])
    #expect(decode(json, headers: [invalid]).reason == .malformed)
  }

  @Test("may be framed by a schema registry")
  func framing() throws {
    let frame: [UInt8] = [0, 0, 0, 1, 44]
    #expect(try decode(frame + json).get().prompt == "p")
    for indexes: [UInt8] in [[0], [2, 0], [4, 0, 6], [2, 0x80, 0x01]] {
      #expect(try decode(frame + indexes + protobuf, default: .protobuf).get().prompt == "p")
    }
  }

  @Test("framed badly is malformed")
  func badFraming() {
    for payload: [UInt8] in [[0], [0, 0, 0, 1], [0, 0, 0, 0, 1]] {
      #expect(decode(payload).reason == .malformed)
      #expect(decode(payload, default: .protobuf).reason == .malformed)
    }
    for indexes: [UInt8] in [[], [2], [1], [255, 255], [128]] {
      let payload = [0, 0, 0, 0, 1] + indexes
      #expect(decode(payload, default: .protobuf).reason == .malformed)
    }
    let endless = [UInt8](repeating: 0xFF, count: 40)
    #expect(decode([0, 0, 0, 0, 1] + endless, default: .protobuf).reason == .malformed)
  }
}
