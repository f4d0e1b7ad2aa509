import Records
import Testing
import Wire

@Suite("A list of messages")
struct ConversationTests {
  private func exchange(_ messages: String) throws -> Exchange {
    try decode(#"{"messages":\#(messages)}"#).get()
  }

  @Test("gives its last user turn and the last assistant turn after it")
  func lastTurns() throws {
    let exchange = try exchange(
      """
      [{"role":"system","content":"s"},{"role":"user","content":"u1"},
       {"role":"assistant","content":"a1"},{"role":"user","content":"u2"},
       {"role":"assistant","content":null,"tool_calls":[]},{"role":"tool","content":"t"},
       {"role":"assistant","content":"a2"},{"role":"assistant","content":"a3"},
       {"role":"assistant","content":null}]
      """)
    #expect(exchange == Exchange(prompt: "u2", response: "a3"))
  }

  @Test("that ends with the user has no response")
  func noResponse() throws {
    let exchange = try exchange(
      #"[{"role":"assistant","content":"a"},{"content":"u","role":"user","name":"x"}]"#)
    #expect(exchange == Exchange(prompt: "u"))
  }

  @Test("joins text parts and ignores others")
  func parts() throws {
    let exchange = try exchange(
      """
      [{"role":"user","content":[{"type":"text","text":"one"},
        {"type":"image_url","image_url":{"url":"data:"}},{"type":"input_text","text":"two"}]},
       {"role":"assistant","content":[{"type":"output_text","text":"three"},{"type":"refusal"}]}]
      """)
    #expect(exchange == Exchange(prompt: "one\ntwo", response: "three"))
  }

  @Test("yields to the fields prompt and response")
  func precedence() throws {
    let both = #""messages":[{"role":"user","content":"m"},{"role":"assistant","content":"n"}]"#
    #expect(try decode(#"{"prompt":"p",\#(both)}"#).get() == Exchange(prompt: "p"))
    #expect(
      try decode(#"{"response":"r",\#(both)}"#).get() == Exchange(prompt: "m", response: "r"))
  }

  @Test(
    "without text of the user's is no exchange",
    arguments: [
      "[]", #"[{"role":"assistant","content":"a"}]"#, #"[{"role":"user"}]"#, "[{}]",
      #"[{"role":"user","content":null}]"#, #"[{"role":"user","content":[]}]"#,
      #"[{"role":"user","content":"u"},{"role":"user","content":[{"type":"image_url"}]}]"#,
    ])
  func missing(messages: String) {
    #expect(decode(#"{"messages":\#(messages)}"#).reason == .missingPrompt)
  }

  @Test(
    "is malformed when its shape is wrong",
    arguments: [
      "1", "[1]", #"[{"role":1}]"#, #"[{"role":"user","content":1}]"#,
      #"[{"role":"user","content":["x"]}]"#, #"[{"role":"user","role":"user","content":"x"}]"#,
      #"[{"role":"user","content":"x","content":"y"}]"#,
      #"[{"role":"user","content":[{"type":"text","text":1}]}]"#,
    ])
  func malformed(messages: String) {
    #expect(decode(#"{"messages":\#(messages)}"#).reason == .malformed)
  }
}
