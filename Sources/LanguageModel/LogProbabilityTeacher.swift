internal import Datasets
internal import Foundation
package import Settings

/// A teacher that reads P(unsafe) off the probabilities of the two labels, at the first generated
/// token that is not white space (HarmAug §3.2):
/// softmax over the two log-probabilities, divided by the temperature.
package struct LogProbabilityTeacher: Teacher {
  /// Candidates that are asked for; servers allow up to 20 by default.
  package static let candidatesMax = 20
  /// Tokens of white space that a model may write before its label.
  package static let whiteSpaceTokensMax = 3
  /// Tokens that a reasoning model may think before its label.
  package static let thoughtTokensMax = 4096
  /// How much P(unsafe) may depend on a label that the server does not tell.
  static let uncertaintyMax = 0.001
  /// Added to a label's logit to learn its own log-probability, which servers tell unbiased. The
  /// highest that every server accepts.
  static let decisiveBias = 100.0

  package let identity: TeacherIdentity
  private let client: LanguageModelClient
  private let template: any TeacherTemplate
  private let temperature: Double
  private let labels: LabelTokens

  /// Connects to the server and makes sure that its model can serve as this teacher.
  ///
  /// - Parameter spending: requests of an earlier process that count for the hour's limit.
  /// - Throws: `TeacherError.unfit` when a label is not a single token or the shots are unusable.
  package static func connect(
    _ settings: TeacherSettings, spending: [HourlyBudget.Spending] = []
  ) async throws(TeacherError) -> LogProbabilityTeacher {
    let template = try Self.template(settings)
    let client: LanguageModelClient
    do throws(LanguageModelError) {
      client = try await LanguageModelClient.connect(settings.server, spending: spending)
    } catch {
      throw .server(error)
    }
    return try await LogProbabilityTeacher(
      client: client, template: template, temperature: settings.temperature)
  }

  /// A teacher over a client; resolves the labels.
  package init(
    client: LanguageModelClient, template: any TeacherTemplate, temperature: Double
  ) async throws(TeacherError) {
    precondition(temperature >= 0)
    self.client = client
    self.template = template
    self.temperature = temperature
    labels = try await LabelTokens(client, template)
    identity = TeacherIdentity(model: client.model, templateDigest: template.digest)
  }

  /// The server's address, without user, password and query.
  package var shownAddress: String { client.shownAddress }

  package var statement: RequestAccount.Statement { client.statement }

  package func score(
    prompt: String, response: String?
  ) async throws(TeacherError) -> TeacherOpinion {
    do throws(LanguageModelError) {
      return try await judge(prompt: prompt, response: response).opinion
    } catch {
      throw .server(error)
    }
  }

  /// An opinion and what it cost.
  package func judge(
    prompt: String, response: String?
  ) async throws(LanguageModelError) -> TeacherJudgement {
    var judgement = TeacherJudgement()
    judgement.opinion = try await opinion(prompt, response, &judgement)
    return judgement
  }

  private func opinion(
    _ prompt: String, _ response: String?, _ cost: inout TeacherJudgement
  ) async throws(LanguageModelError) -> TeacherOpinion {
    var text = template.render(prompt: prompt, response: response == "" ? nil : response)
    var pair: LabelTokens.Pair? = labels.afterCue
    for _ in 0...Self.whiteSpaceTokensMax {
      var answer = try await ask(text, &cost)
      if let end = Thoughts.end(ofOpening: answer.text) {
        guard let thought = try await think(text + answer.text, until: end, &cost) else {
          return .unknown(.noLabelPlace)
        }
        text = thought
        pair = labels.afterWhiteSpace
        answer = try await ask(text, &cost)
      }
      if answer.text.isEmpty { return .unknown(.noLabelPlace) }
      if answer.text.allSatisfy(\.isWhitespace) {
        text += answer.text
        pair = labels.afterWhiteSpace
        continue
      }
      guard let token = answer.tokens.first else { return .unknown(.noLogProbabilities) }
      guard let pair else { return .unknown(.missingLabel) }
      let ofSafe = try await logProbability(pair.safe, in: token, after: text, &cost)
      let ofUnsafe = try await logProbability(pair.unsafe, in: token, after: text, &cost)
      return Self.opinion(
        ofSafe: ofSafe, ofUnsafe: ofUnsafe, in: token, temperature: temperature)
    }
    return .unknown(.noLabelPlace)
  }

  /// The text with the thought that it has begun and its end; nil where the thought has none.
  private func think(
    _ text: String, until end: String, _ cost: inout TeacherJudgement
  ) async throws(LanguageModelError) -> String? {
    let thought = try await client.complete(
      text, sampling: Sampling(tokensMax: Self.thoughtTokensMax, stops: [end]))
    cost.add(thought)
    return thought.isCut ? nil : text + thought.text + end
  }

  /// The opinion where a label may be missing. It is known all the same where the other one leaves
  /// it so little that it does not matter.
  static func opinion(
    ofSafe: Double?, ofUnsafe: Double?, in token: GeneratedToken, temperature: Double
  ) -> TeacherOpinion {
    if let ofSafe, let ofUnsafe {
      return opinion(ofSafe: ofSafe, ofUnsafe: ofUnsafe, temperature: temperature)
    }
    let told = token.candidates.isEmpty ? [token.chosen] : token.candidates
    let sum = told.reduce(0) { $0 + exp($1.logProbability) }
    guard !sum.isNaN else { return .unknown(.missingLabel) }
    let most = log(max(0, 1 - sum))
    let bounds = [-.infinity, most].compactMap {
      opinion(ofSafe: ofSafe ?? $0, ofUnsafe: ofUnsafe ?? $0, temperature: temperature)
        .unsafeProbability
    }
    guard bounds.count == 2, abs(bounds[0] - bounds[1]) <= uncertaintyMax else {
      return .unknown(.missingLabel)
    }
    return .probability(bounds[0])
  }

  /// softmax([safe, unsafe] / temperature)[1]; its limit at temperature 0.
  package static func opinion(
    ofSafe: Double, ofUnsafe: Double, temperature: Double
  ) -> TeacherOpinion {
    guard ofSafe.isFinite || ofUnsafe.isFinite, !ofSafe.isNaN, !ofUnsafe.isNaN else {
      return .unknown(.missingLabel)
    }
    if temperature == 0 {
      return .probability(ofUnsafe == ofSafe ? 0.5 : ofUnsafe > ofSafe ? 1 : 0)
    }
    return .probability(1 / (1 + exp((ofSafe - ofUnsafe) / temperature)))
  }

  /// A label's log-probability: among the candidates, or asked for by name.
  private func logProbability(
    _ label: LabelToken, in token: GeneratedToken, after text: String,
    _ cost: inout TeacherJudgement
  ) async throws(LanguageModelError) -> Double? {
    for candidate in token.candidates + [token.chosen]
    where candidate.isToken(label.identifier, text: label.text) {
      return candidate.logProbability
    }
    let answer = try await ask(text, bias: [label.identifier: Self.decisiveBias], &cost)
    guard let forced = answer.tokens.first?.chosen,
      forced.isToken(label.identifier, text: label.text)
    else { return nil }
    return forced.logProbability
  }

  private func ask(
    _ text: String, bias: [Int: Double] = [:], _ cost: inout TeacherJudgement
  ) async throws(LanguageModelError) -> Completion {
    let answer = try await client.complete(
      text, sampling: Sampling(tokensMax: 1), candidates: Self.candidatesMax, bias: bias)
    cost.add(answer)
    return answer
  }

  private static func template(
    _ settings: TeacherSettings
  ) throws(TeacherError) -> any TeacherTemplate {
    switch settings.template {
    case .llamaGuard3: return LlamaGuard3Template()
    case .fewShot:
      guard let path = settings.shots else { return FewShotTemplate() }
      let shots: [LabelledExample]
      do throws(DatasetError) {
        shots = try DatasetFile.read(path)
      } catch {
        throw .unfit(error.description)
      }
      return try FewShotTemplate(shots: shots)
    }
  }
}
