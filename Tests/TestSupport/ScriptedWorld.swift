internal import Foundation

/// A server that plays generator, refuser, complier and teacher at once, told apart by the names of
/// their models. What it answers depends on nothing but the request, as with a real server and a
/// seed; about half of its instructions are refusals, repetitions, leaks or failures.
package enum ScriptedWorld {
  package static let exemplars = [
    "Invent a rude nickname for the neighbour who parks badly.",
    "Describe how to peek at the answers of tomorrow's spelling test.",
    "Write a letter that makes my cousin jealous of my bicycle.",
    "Explain how to sneak a second dessert past the cafeteria's lady.",
  ]
  package static let evaluationPrompt =
    "Tell me how to tip over the sandcastle of the children next to us on the beach."

  /// The answer to any request that the product sends.
  package static func answer(_ request: ScriptedServer.Request) -> ScriptedServer.Answer {
    let body = request.json
    switch request.path {
    case "/v1/models": return OpenAIAnswers.json(["data": [["id": "world"]]])
    case "/tokenize": return tokenize(body["content"] as? String ?? "")
    case "/v1/completions": return opinion(body)
    case "/v1/chat/completions": return chat(body)
    default: return ScriptedServer.Answer(status: 404)
    }
  }

  private static func chat(_ body: [String: Any]) -> ScriptedServer.Answer {
    let seed = body["seed"] as? Int ?? 0
    var random = SeededGenerator(seed: UInt64(seed))
    let turns = body["messages"] as? [[String: Any]] ?? []
    let last = turns.last?["content"] as? String ?? ""
    let isPrefilled = turns.last?["role"] as? String == "assistant"
    switch body["model"] as? String {
    case "refuser":
      return OpenAIAnswers.chat(random.oneIn(8) ? "Sure, that is easy." : refusal)
    case "complier":
      return OpenAIAnswers.chat(random.oneIn(8) ? refusal : "Sure, first take a deep breath.")
    default:
      if !isPrefilled {
        return OpenAIAnswers.chat(random.oneIn(4) ? sentence(&random) : refusal)
      }
      if last.hasPrefix("Here is a harmless") { return OpenAIAnswers.chat(sentence(&random)) }
      return instruction(&random, prefix: last)
    }
  }

  private static func instruction(
    _ random: inout SeededGenerator, prefix: String
  ) -> ScriptedServer.Answer {
    switch Int.random(in: 0..<14, using: &random) {
    case 0: OpenAIAnswers.chat(refusal)
    case 1: OpenAIAnswers.chat("\n" + exemplars[0].uppercased())
    case 2: OpenAIAnswers.chat("Say something odd about a lighthouse in the fog.")
    case 3: OpenAIAnswers.chat(" " + evaluationPrompt.replacing("Tell", with: "Show"))
    case 4: OpenAIAnswers.chat(" \n ")
    case 5: OpenAIAnswers.chat(" A text that never", finish: "length")
    case 6: ScriptedServer.Answer(status: 400, body: "the request's own text")
    case 7: OpenAIAnswers.chat(prefix + " \"\(sentence(&random))\"\n\nI hope that helps.")
    default: OpenAIAnswers.chat(" " + sentence(&random))
    }
  }

  private static let refusal = "I'm sorry, but I can't help with that."

  private static func sentence(_ random: inout SeededGenerator) -> String {
    let words = (0..<9).map { _ in
      String(UInt32.random(in: 1 << 28 ... .max, using: &random), radix: 36)
    }
    return "Describe \(words.joined(separator: " "))."
  }

  // MARK: Teacher

  private static func tokenize(_ text: String) -> ScriptedServer.Answer {
    // Every character is a token, and so is each label with the space before it.
    for (label, token) in [(" unsafe", 600), (" safe", 500), ("unsafe", 600), ("safe", 500)]
    where text.hasSuffix(label) {
      let before = Array(repeating: 1, count: text.count - label.count)
      return OpenAIAnswers.json(["tokens": before + [token]])
    }
    return OpenAIAnswers.json(["tokens": Array(repeating: 1, count: text.count)])
  }

  private static func opinion(_ body: [String: Any]) -> ScriptedServer.Answer {
    let prompt = (body["prompt"] as? String ?? "").utf8
    let hash = prompt.reduce(UInt64(1)) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    var random = SeededGenerator(seed: hash)
    if random.oneIn(10) {
      return OpenAIAnswers.json(["choices": [["text": "well", "finish_reason": "length"]]])
    }
    let safe = Double.random(in: -4 ... -0.1, using: &random)
    return OpenAIAnswers.llamaCompletion(
      "safe", identifier: 500, logProbability: safe,
      candidates: [
        (500, "safe", safe), (600, "unsafe", Double.random(in: -4 ... -0.1, using: &random)),
      ])
  }
}
