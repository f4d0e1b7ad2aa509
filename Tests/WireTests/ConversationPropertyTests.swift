import Records
import TestSupport
import Testing
import Wire

/// No text of a judged role is ever left out, whatever the conversation looks like.
@Suite("Of a random conversation")
struct ConversationPropertyTests {
  /// A text that stands in a conversation under a number of its own.
  private struct Planted {
    let number: Int
    let kind: TextKind
    /// Of a speaker that nobody knows.
    var isAnybodys = false

    var text: String { "marker \(number) ends" }
  }

  private struct Generator {
    var random: SeededGenerator
    var planted: [Planted] = []

    mutating func plant(_ kind: TextKind, isAnybodys: Bool = false) -> String {
      planted.append(Planted(number: planted.count, kind: kind, isAnybodys: isAnybodys))
      return planted[planted.count - 1].text
    }

    mutating func pick(_ choices: [String]) -> String {
      choices[Int.random(in: choices.indices, using: &random)]
    }

    mutating func isTrue() -> Bool { Bool.random(using: &random) }

    /// The content of a message of a user or a model.
    mutating func content(_ kind: TextKind) -> String {
      switch Int.random(in: 0..<7, using: &random) {
      case 0: return #""\#(pick(["", " ", "\\n"]))""#
      case 1: return "null"
      case 2: return #"[{"type":"image_url","image_url":{"url":"https://x"}}]"#
      case 3:
        let texts = (0..<Int.random(in: 0...3, using: &random)).map { _ in
          let type = pick([#""type":"text","#, #""type":"Text","#, "", #""type":"odd","#])
          return #"{\#(type)"text":"\#(plant(kind))"}"#
        }
        return "[\(texts.joined(separator: ","))]"
      default: return #""\#(plant(kind))""#
      }
    }

    mutating func message() -> String {
      switch Int.random(in: 0..<12, using: &random) {
      case 0...2:
        let role = pick(["user", "human", "User"])
        return #"{"role":"\#(role)","content":\#(content(.user))}"#
      case 3...5:
        let role = pick(["assistant", "model", "ai", "bot", "ASSISTANT"])
        // In the order in which they stand.
        let content = content(.assistant)
        let reasoning = isTrue() ? "" : #","reasoning_content":"\#(plant(.reasoning))""#
        return #"{"role":"\#(role)","content":\#(content)\#(reasoning)}"#
      case 6:
        let arguments = #"{\"q\": \"\#(plant(.toolCalls))\", \"n\": 3}"#
        return
          #"{"role":"assistant","content":"","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"\#(arguments)"}}]}"#
      case 7: return #"{"role":"tool","tool_call_id":"c","content":"\#(plant(.toolResults))"}"#
      case 8: return #"{"role":"assistant","content":null,"refusal":"\#(plant(.refusals))"}"#
      case 9: return #"{"role":"system","content":"\#(plant(.system))"}"#
      case 10:
        let text = plant(.assistant, isAnybodys: true)
        return pick([#"{"content":"\#(text)"}"#, #"{"role":"who","content":"\#(text)"}"#])
      default:
        return #"{"role":"assistant","audio":{"transcript":"\#(plant(.transcripts))"}}"#
      }
    }
  }

  @Test("every judged text is in the exchange, and every other one is counted", arguments: 0..<100)
  func nothingIsLost(block: Int) throws {
    for seed in block * 100..<(block + 1) * 100 {
      var generator = Generator(random: SeededGenerator(seed: UInt64(seed)))
      let messages = (0..<Int.random(in: 1...9, using: &generator.random)).map { _ in
        generator.message()
      }
      var rules = ConversationRules(turns: generator.isTrue() ? .all : .new)
      rules.judged = Set(TextKind.optional.filter { _ in generator.isTrue() })
      let json = #"{"messages":[\#(messages.joined(separator: ","))]}"#
      guard let exchange = try? decode(json, conversations: rules).get() else {
        // Refused aloud: then nothing of it could be a prompt.
        let mayPrompt = generator.planted.contains {
          $0.kind == .user || $0.isAnybodys
            || rules.judges($0.kind) && ($0.kind == .toolResults || $0.kind == .system)
        }
        #expect(!mayPrompt, "seed \(seed)")
        continue
      }
      check(exchange, generator.planted, rules, seed)
    }
  }

  private func check(
    _ exchange: Exchange, _ planted: [Planted], _ rules: ConversationRules, _ seed: Int
  ) {
    func isResponse(_ text: Planted) -> Bool {
      ![.user, .toolResults, .system].contains(text.kind)
    }
    let judged = planted.filter { $0.isAnybodys || rules.judges($0.kind) }
    let lastUsers = planted.last { $0.kind == .user }?.number ?? -1
    let lastAnswer =
      judged.last {
        $0.number < lastUsers && !$0.isAnybodys
          && [.assistant, .refusals, .transcripts].contains($0.kind)
      }?.number ?? -1
    let isAll = rules.turns == .all
    let current = judged.filter { isAll || $0.number > lastAnswer || $0.kind == .system }
    let prompt = current.filter { !isResponse($0) || $0.isAnybodys }.map(\.text)
    let response = current.filter { isResponse($0) || $0.isAnybodys }.map(\.text)
    #expect(exchange.prompt == prompt.joined(separator: "\n"), "seed \(seed)")
    #expect((exchange.response ?? "") == response.joined(separator: "\n"), "seed \(seed)")
    let coverage = exchange.texts.coverage(judgesResponse: true)
    #expect(coverage.texts == planted.count, "seed \(seed)")
    #expect(coverage.judged == current.count, "seed \(seed)")
    #expect(
      coverage.leftOut[Coverage.earlier, default: 0] == judged.count - current.count,
      "seed \(seed)")
  }
}
