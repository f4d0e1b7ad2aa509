internal import Foundation

/// Answers as servers with OpenAI's interface give them.
package enum OpenAIAnswers {
  /// `/v1/chat/completions` without log-probabilities.
  package static func chat(
    _ text: String, finish: String = "stop", prompt: Int = 10, generated: Int = 5
  ) -> ScriptedServer.Answer {
    json([
      "choices": [
        ["index": 0, "finish_reason": finish, "message": ["role": "assistant", "content": text]]
      ],
      "usage": ["prompt_tokens": prompt, "completion_tokens": generated],
    ])
  }

  /// `/v1/completions` as llama.cpp answers it: log-probabilities in the chat endpoint's shape.
  package static func llamaCompletion(
    _ text: String, identifier: Int, logProbability: Double,
    candidates: [(identifier: Int, text: String, logProbability: Double)]
  ) -> ScriptedServer.Answer {
    let entry: [String: Any] = [
      "id": identifier, "token": text, "logprob": logProbability,
      "top_logprobs": candidates.map {
        ["id": $0.identifier, "token": $0.text, "logprob": $0.logProbability] as [String: Any]
      },
    ]
    return json([
      "choices": [
        ["index": 0, "text": text, "finish_reason": "length", "logprobs": ["content": [entry]]]
      ],
      "usage": ["prompt_tokens": 10, "completion_tokens": 1],
    ])
  }

  /// `/v1/completions` as vLLM answers it, texts or `token_id:7` as names of tokens.
  package static func vllmCompletion(
    _ text: String, token: String, logProbability: Double, candidates: [String: Double]
  ) -> ScriptedServer.Answer {
    json([
      "choices": [
        [
          "index": 0, "text": text, "finish_reason": "length",
          "logprobs": [
            "tokens": [token], "token_logprobs": [logProbability], "text_offset": [0],
            "top_logprobs": [candidates],
          ] as [String: Any],
        ] as [String: Any]
      ],
      "usage": ["prompt_tokens": 10, "completion_tokens": 1],
    ])
  }

  /// Any JSON.
  package static func json(_ value: [String: Any], status: Int = 200) -> ScriptedServer.Answer {
    let data = (try? JSONSerialization.data(withJSONObject: value)) ?? Data()
    return ScriptedServer.Answer(
      status: status, headers: ["Content-Type": "application/json"],
      body: String(decoding: data, as: UTF8.self))
  }
}
