internal import Sections

/// How to reach a server of a language model and how hard to lean on it.
///
/// In a settings file: `url`, `model`, `api_key_file` or `api_key_variable`, `timeout_seconds`,
/// `attempts_max`, `concurrent_requests_max`, `waiting_requests_max`, `circuit_failures` and
/// `circuit_open_seconds`.
package struct LanguageModelSettings: Hashable, Sendable {
  /// The server's address, with or without `/v1` at its end.
  package var url: String
  /// The model to ask for; empty for the first one that the server lists.
  package var model: String
  /// The file with the key; a leading `$CREDENTIALS_DIRECTORY` is the one that systemd provides.
  package var apiKeyFile: String?
  /// The environment variable with the key, unless a file has it.
  package var apiKeyVariable: String?
  /// For one request, from the first byte to the last of the answer.
  package var timeoutSeconds = 120
  /// Tries of one request, the first one included.
  package var attemptsMax = 4
  /// Requests at the server at a time: llama.cpp queues what is more without a word.
  package var concurrentRequestsMax = 4
  /// Requests that wait for their turn; one more is refused.
  package var waitingRequestsMax = 1024
  /// Failures in a row after which the server is left alone.
  package var circuitFailures = 8
  /// For how long, at first; each trial that fails doubles it, up to sixteen times.
  package var circuitOpenSeconds = 5
  /// Requests in any sixty minutes at most, each try counted; nil for no limit. Whoever has the
  /// limit in its section sets it.
  package var requestsPerHour: Int?

  package init(
    url: String, model: String = "", apiKeyFile: String? = nil, apiKeyVariable: String? = nil
  ) {
    self.url = url
    self.model = model
    self.apiKeyFile = apiKeyFile
    self.apiKeyVariable = apiKeyVariable
  }

  /// Reads the keys of a section whose other keys the caller reads; the caller calls `finish`.
  init(_ section: SectionReader) {
    url = section.requiredText("url")
    model = section.text("model", default: "")
    apiKeyFile = section.optionalText("api_key_file")
    apiKeyVariable = section.optionalText("api_key_variable")
    timeoutSeconds = section.number("timeout_seconds", default: timeoutSeconds, in: 1...3600)
    attemptsMax = section.number("attempts_max", default: attemptsMax, in: 1...20)
    concurrentRequestsMax = section.number(
      "concurrent_requests_max", default: concurrentRequestsMax, in: 1...1024)
    waitingRequestsMax = section.number(
      "waiting_requests_max", default: waitingRequestsMax, in: 0...1_000_000)
    circuitFailures = section.number("circuit_failures", default: circuitFailures, in: 1...1000)
    circuitOpenSeconds = section.number(
      "circuit_open_seconds", default: circuitOpenSeconds, in: 1...3600)
    if !url.isEmpty, !url.hasPrefix("http://"), !url.hasPrefix("https://") {
      section.complain("expected an address that begins with http:// or https://", about: "url")
    }
    if apiKeyFile != nil, apiKeyVariable != nil {
      section.complain("stands beside api_key_file: give one of them", about: "api_key_variable")
    }
  }
}

/// The teacher: a language model and how it is asked.
///
/// In a settings file: the keys of `LanguageModelSettings`, `template`, `shots` and `temperature`.
package struct TeacherSettings: Hashable, Sendable {
  /// How the teacher is asked.
  package enum Template: String, Hashable, Sendable, CaseIterable {
    /// The published format of Llama Guard 3.
    case llamaGuard3 = "llama_guard_3"
    /// Labelled shots before the question, for any model.
    case fewShot = "few_shot"
  }

  package var server: LanguageModelSettings
  package var template: Template
  /// A file of labelled examples for `few_shot`; nil for the built-in ones.
  package var shots: String?
  /// Divides the two log-probabilities; 0 makes each opinion 0 or 1.
  package var temperature: Double

  package init(
    server: LanguageModelSettings, template: Template = .llamaGuard3, shots: String? = nil,
    temperature: Double = 1
  ) {
    self.server = server
    self.template = template
    self.shots = shots
    self.temperature = temperature
  }

  /// Reads a section and everything in it.
  init(_ section: SectionReader) {
    server = LanguageModelSettings(section)
    template = section.choice("template", default: .llamaGuard3)
    shots = section.optionalText("shots")
    temperature = section.real("temperature", default: 1, in: 0...100)
    if shots != nil, template != .fewShot {
      section.complain("belongs to the template few_shot", about: "shots")
    }
    section.finish()
  }
}
