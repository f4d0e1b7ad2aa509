package import Basics

/// A large guard model that says how unsafe an exchange is.
package protocol Teacher: Sendable {
  /// Who judges and how it is asked: opinions of different identities are not comparable.
  var identity: TeacherIdentity { get }

  /// What was sent to it, and what may be.
  var statement: RequestAccount.Statement { get }

  /// The teacher's opinion of a response to a prompt, or of the prompt alone.
  ///
  /// - Throws: `TeacherError` when the teacher could not be asked.
  func score(prompt: String, response: String?) async throws(TeacherError) -> TeacherOpinion
}

/// Who judges and how it is asked.
package struct TeacherIdentity: Hashable, Sendable {
  /// The model's name as its server knows it.
  package let model: String
  /// Of everything around the judged texts.
  package let templateDigest: ContentDigest

  package init(model: String, templateDigest: ContentDigest) {
    self.model = model
    self.templateDigest = templateDigest
  }
}

/// What a teacher says.
package enum TeacherOpinion: Hashable, Sendable {
  /// P(unsafe), from 0 to 1.
  case probability(Double)
  /// The teacher answered, but its answer does not tell.
  case unknown(Unknown)

  /// Why an answer does not tell.
  package enum Unknown: String, Hashable, Sendable, CaseIterable {
    /// The server told no log-probabilities.
    case noLogProbabilities = "no_log_probabilities"
    /// A label's log-probability could not be had.
    case missingLabel = "missing_label"
    /// The model writes white space or nothing instead of a label.
    case noLabelPlace = "no_label_place"
  }

  /// P(unsafe); nil when unknown.
  package var unsafeProbability: Double? {
    if case .probability(let value) = self { value } else { nil }
  }
}

/// A teacher's opinion and what it cost.
package struct TeacherJudgement: Hashable, Sendable {
  package internal(set) var opinion = TeacherOpinion.unknown(.noLabelPlace)
  package internal(set) var requests = 0
  package internal(set) var usage = TokenUsage()

  mutating func add(_ answer: Completion) {
    requests += answer.requests
    usage.prompt += answer.usage.prompt
    usage.generated += answer.usage.generated
  }
}

/// Why a teacher could not be asked.
package enum TeacherError: Error, Hashable, Sendable, CustomStringConvertible {
  case server(LanguageModelError)
  /// The model cannot serve as this teacher; says why.
  case unfit(String)

  /// Whether asking again later can succeed.
  package var isRetriable: Bool {
    switch self {
    case .server(let error): error.isRetriable || error.isDoubtful
    case .unfit: false
    }
  }

  /// Whether it may pass by itself, and soon.
  package var isPassing: Bool {
    if case .server(let error) = self { error.isPassing } else { false }
  }

  /// Whether the teacher was not asked because its server is left alone or the hour's requests are
  /// used up, and how long that lasts.
  package var withheldFor: Duration? {
    guard case .server(let error) = self, error.isWithheld else { return nil }
    return error.retryAfter ?? .seconds(1)
  }

  package var description: String {
    switch self {
    case .server(let error): error.description
    case .unfit(let problem): problem
    }
  }
}
