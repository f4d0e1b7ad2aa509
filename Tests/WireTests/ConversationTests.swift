import Records
import Testing
import Wire

@Suite("A list of messages")
struct ConversationTests {
  private func texts(
    _ messages: String, besides: String = "", _ rules: ConversationRules = ConversationRules()
  ) throws -> [String?] {
    let exchange = try decode(
      #"{\#(besides)"messages":\#(messages)}"#, conversations: rules
    ).get()
    return [exchange.prompt, exchange.response]
  }

  @Test(
    "gives all user turns since the last answer, and all that the model said after them",
    arguments: [
      (#"[{"role":"user","content":"u"}]"#, ["u", nil]),
      (#"[{"role":"user","content":"u1"},{"role":"user","content":"u2"}]"#, ["u1\nu2", nil]),
      (#"[{"role":"user","content":"u"},{"role":"user","content":""}]"#, ["u", nil]),
      (#"[{"role":"user","content":"u"},{"role":"user","content":" \n"}]"#, ["u", nil]),
      (
        #"[{"role":"user","content":"u"},{"role":"user","content":[{"type":"image_url"}]}]"#,
        ["u", nil]
      ),
      (
        """
        [{"role":"user","content":"u"},{"role":"assistant","content":"a1"},
         {"role":"assistant","content":"a2"},{"role":"assistant","content":""}]
        """, ["u", "a1\na2"]
      ),
      (
        """
        [{"role":"user","content":"u1"},{"role":"assistant","content":"a1"},
         {"role":"user","content":"u2"},{"role":"user","content":"u3"},
         {"role":"assistant","content":"a2"}]
        """, ["u2\nu3", "a2"]
      ),
      (
        #"[{"role":"assistant","content":"a"},{"content":"u","role":"user","name":"x"}]"#,
        ["u", nil]
      ),
      // A call of a tool is no answer, and its result is no user's turn.
      (
        """
        [{"role":"user","content":"u"},{"role":"assistant","content":"a1","tool_calls":
         [{"id":"c","type":"function","function":{"name":"f","arguments":"{\\"q\\": \\"call\\"}"}}]},
         {"role":"tool","tool_call_id":"c","content":"result"},{"role":"assistant","content":"a2"}]
        """, ["u\nresult", "a1\ncall\na2"]
      ),
      (
        """
        [{"role":"user","content":"u1"},{"role":"assistant","content":null,"tool_calls":
         [{"function":{"name":"f","arguments":{"q":"call"}}}]},{"role":"user","content":"u2"}]
        """, ["u1\nu2", "call"]
      ),
      // What a tool says after an answer belongs to the next turn.
      (
        """
        [{"role":"user","content":"u1"},{"role":"assistant","content":"a1"},
         {"role":"user","content":[{"type":"tool_result","content":"result"},
         {"type":"text","text":"u2"}]}]
        """, ["result\nu2", nil]
      ),
    ] as [(String, [String?])])
  func newTurns(messages: String, expected: [String?]) throws {
    #expect(try texts(messages) == expected)
  }

  @Test("gives every turn where all are asked for")
  func allTurns() throws {
    let messages = """
      [{"role":"system","content":"s"},{"role":"user","content":"u1"},
       {"role":"assistant","content":"a1"},{"role":"user","content":"u2"},
       {"role":"assistant","content":"a2"}]
      """
    #expect(try texts(messages, ConversationRules(turns: .all)) == ["u1\nu2", "a1\na2"])
    let counted = try decode(#"{"messages":\#(messages)}"#).get().texts
    #expect(counted.coverage(judgesResponse: true).judged == 2)
    #expect(counted.leftOut == ["system": 1, "earlier_turns": 2])
  }

  /// Each message stands after a harmless user's turn.
  @Test(
    "finds what a model says in any format",
    arguments: [
      #"{"role":"model","content":"B"}"#, #"{"role":"ai","content":"B"}"#,
      #"{"role":"bot","content":"B"}"#, #"{"role":" Assistant","content":"B"}"#,
      #"{"type":"ai","content":"B"}"#, #"{"from":"gpt","value":"B"}"#,
      #"{"author":{"role":"assistant"},"content":{"content_type":"text","parts":["B"]}}"#,
      #"{"type":"ai","data":{"content":"B"}}"#, #"{"role":"model","parts":[{"text":"B"}]}"#,
      #"{"role":"assistant","content":[{"text":"B"}]}"#,
      #"{"role":"assistant","content":["B"]}"#, #"{"role":"assistant","content":{"text":"B"}}"#,
      #"{"role":"assistant","content":[{"type":"Text","text":"B"}]}"#,
      #"{"role":"assistant","content":[{"type":"text","text":{"value":"B"}}]}"#,
      #"{"role":"assistant","content":[{"type":"hologram","projection":{"x":["B"]}}]}"#,
      #"{"role":"assistant","content":[{"type":"output_text","text":"B"}]}"#,
      #"{"role":"assistant","content":[{"type":"refusal","refusal":"B"}]}"#,
      #"{"role":"assistant","content":null,"refusal":"B"}"#,
      #"{"role":"assistant","content":null,"audio":{"id":"a","data":"AAAA","transcript":"B"}}"#,
      #"{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"B"}}"#,
      #"{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"t\": [\"B\"]}"}}]}"#,
      #"{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"t\": \"\\u0042\"}"}}]}"#,
      #"{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"t":"B"}}]}"#,
      #"{"role":"assistant","content":[{"toolUse":{"toolUseId":"t","input":{"t":"B"}}}]}"#,
      #"{"role":"model","parts":[{"functionCall":{"name":"f","args":{"t":"B"}}}]}"#,
      #"{"type":"function_call","name":"f","arguments":"B"}"#,
      #"{"type":"custom_tool_call","name":"f","input":"B"}"#,
      #"{"role":"assistant","additional_kwargs":{"function_call":{"arguments":"B"}}}"#,
      #"{"role":"assistant","utterance":"B and more"}"#,
    ])
  func modelTexts(message: String) throws {
    let texts = try texts(#"[{"role":"user","content":"A"},\#(message)]"#)
    #expect(texts[0] == "A")
    #expect(texts[1] == "B" || texts[1] == "B and more")
  }

  @Test(
    "finds what a user or a tool says in any format",
    arguments: [
      #"{"role":"human","content":"B"}"#, #"{"from":"human","value":"B"}"#,
      #"{"type":"human","content":"B"}"#, #"{"role":"USER","content":[{"text":"B"}]}"#,
      #"{"role":"user","content":[{"type":"input_text","text":"B"}]}"#,
      #"{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA","transcript":"B"}}]}"#,
      #"{"role":"user","content":[{"type":"file","file":{"filename":"x.txt","file_data":"B"}}]}"#,
      #"{"role":"user","content":[{"type":"document","source":{"type":"text","data":"B"}}]}"#,
      #"{"role":"user","content":[{"type":"image","caption":"B"}]}"#,
      #"{"role":"tool","content":"B"}"#, #"{"role":"function","name":"f","content":"B"}"#,
      #"{"role":"tool","content":[{"type":"text","text":"B"}]}"#,
      #"{"role":"tool","content":"{\"answer\": \"B\"}"}"#,
      #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"B"}]}]}"#,
      #"{"role":"user","content":[{"toolResult":{"content":[{"json":{"x":"B"}}]}}]}"#,
      #"{"type":"function_call_output","call_id":"c","output":"B"}"#,
    ])
  func userTexts(message: String) throws {
    #expect(try texts(#"[{"role":"user","content":"A"},\#(message)]"#) == ["A\nB", nil])
  }

  @Test(
    "is judged on both sides where nobody knows who speaks",
    arguments: [
      #"{"content":"B"}"#, #"{"role":null,"content":"B"}"#, #"{"role":"critic","content":"B"}"#,
      #"{"role":"","text":"B"}"#, #""B""#, #"{"type":"constructor","kwargs":{"content":"B x"}}"#,
    ])
  func unknownSpeakers(message: String) throws {
    let texts = try texts(#"[{"role":"user","content":"A"},\#(message)]"#)
    #expect(texts[0]?.hasPrefix("A\nB") == true)
    #expect(texts[1]?.hasPrefix("B") == true)
  }

  @Test(
    "counts what the settings leave out",
    arguments: [
      (#"{"role":"assistant","content":"a","reasoning_content":"r"}"#, TextKind.reasoning),
      (#"{"role":"assistant","content":[{"type":"thinking","thinking":"r"},"a"]}"#, .reasoning),
      (#"{"type":"reasoning","summary":[{"type":"summary_text","text":"r"}]}"#, .reasoning),
      (#"{"role":"system","content":"r"}"#, .system),
      (#"{"role":"developer","content":[{"type":"text","text":"r"}]}"#, .system),
      (#"{"role":"assistant","content":"a","explanation":"because of r"}"#, .unknownFields),
    ])
  func leftOut(message: String, kind: TextKind) throws {
    let text = #"{"messages":[{"role":"user","content":"u"},\#(message)]}"#
    let exchange = try decode(text).get()
    #expect(exchange.texts.leftOut == [kind.rawValue: 1])
    #expect(exchange.prompt == "u")
    let rules = ConversationRules(judged: [kind])
    let judged = try decode(text, conversations: rules).get()
    #expect(judged.texts.leftOut == [:])
    #expect((judged.prompt + (judged.response ?? "")).contains("r"))
  }

  @Test("counts a file that is no text, and does not judge it")
  func attachments() throws {
    let data = "data:application/pdf;base64,AAAA"
    let exchange = try decode(
      #"{"messages":[{"role":"user","content":["u",{"type":"file","file":{"file_data":"\#(data)"}}]}]}"#
    ).get()
    #expect(exchange.prompt == "u")
    #expect(exchange.texts.leftOut == ["attachments": 1])
  }

  @Test("finds what is said beside a picture, and nothing in its address")
  func media() throws {
    let part = #"{"type":"video","url":"https://x/y","cues":[{"line":"B and more","at":"00:01"}]}"#
    #expect(
      try texts(#"[{"role":"user","content":["A",\#(part)]}]"#) == ["A\nB and more", nil])
  }

  /// Base 64 is what a user says, where a user says it.
  @Test("judges long words of users")
  func longWords() throws {
    let word = String(repeating: "SGVsbG8x", count: 100)
    #expect(try texts(#"[{"role":"user","content":"\#(word)"}]"#) == [word, nil])
  }

  @Test("joins what the fields prompt and response give; empty ones hide nothing")
  func precedence() throws {
    let both = #"[{"role":"user","content":"m"},{"role":"assistant","content":"n"}]"#
    #expect(try texts(both, besides: #""prompt":"","#) == ["m", "n"])
    #expect(try texts(both, besides: #""response":"","#) == ["m", "n"])
    #expect(try texts(both, besides: #""prompt":"m","response":"n","#) == ["m", "n"])
    #expect(try texts(both, besides: #""prompt":"p","#) == ["m\np", "n"])
    #expect(try texts(both, besides: #""response":"r","#) == ["m", "n\nr"])
    #expect(try texts("[]", besides: #""prompt":"p","#) == ["p", nil])
  }

  @Test(
    "without text of the user's is no exchange",
    arguments: [
      "[]", #"[{"role":"assistant","content":"a"}]"#, #"[{"role":"user"}]"#, "[{}]",
      #"[{"role":"user","content":null}]"#, #"[{"role":"user","content":[]}]"#,
      #"[{"role":"system","content":"s"}]"#, #"[{"role":"user","content":[{"type":"image_url"}]}]"#,
    ])
  func missing(messages: String) {
    #expect(decode(#"{"messages":\#(messages)}"#).reason == .missingPrompt)
  }

  @Test(
    "is malformed when its shape is wrong",
    arguments: [
      "1", "[1]", #"[{"role":1}]"#, #"[{"role":"user","content":1}]"#,
      #"[{"role":"user","role":"user","content":"x"}]"#,
      #"[{"role":"user","content":"x","content":"y"}]"#,
    ])
  func malformed(messages: String) {
    #expect(decode(#"{"messages":\#(messages)}"#).reason == .malformed)
  }
}
