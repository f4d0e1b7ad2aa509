internal import Basics
internal import Foundation
internal import Guard
package import ModelRegistry
package import Pipeline
package import Records
package import Settings
internal import StrictJSON
package import Tensors
package import Wire

/// Judges a logged exchange again with the model that its verdict names, and says whether the
/// verdict was right.
package struct RecordProof: ~Copyable {
  /// What came out for one record.
  package struct Finding: Hashable, Sendable {
    /// The model as the verdict names it.
    package let model: String
    /// The version that judged again.
    package let version: ModelVersion
    package let publishedScore: Score
    package let score: Score
    /// Where the verdict is not what it should be; empty when it is proven.
    package let differences: [String]
  }

  /// Why a record could not be judged again.
  package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
  }

  /// How far scores may be apart that were computed with the same numbers.
  package static let tolerance: Float = 1e-4

  private let registry: ModelRegistry
  private let settings: ModelSettings
  private let policies: PolicyBook?
  private let pool: WorkerPool
  private var models: [Judge: GuardModel] = [:]
  private var exchanges: ExchangeDecoder
  private var verdicts = VerdictDecoder()

  /// A model, and the numbers with which it judges again.
  private struct Judge: Hashable {
    let version: ModelVersion
    /// nil for 32-bit floats.
    let format: ProductFormat?
  }

  /// - Parameters:
  ///   - settings: how the daemon cuts texts; its path is not used.
  ///   - policies: the daemon's policies, to prove threshold and action from; nil takes the
  ///     threshold that the verdict names.
  package init(
    registry: ModelRegistry, settings: ModelSettings, policies: PolicyBook?,
    conversations: ConversationRules = ConversationRules(), pool: WorkerPool
  ) {
    self.registry = registry
    // Both views are judged, and those that the verdict has are compared.
    var settings = settings
    settings.views = .all
    self.settings = settings
    self.policies = policies
    exchanges = ExchangeDecoder(defaultFormat: .json, conversations: conversations)
    self.pool = pool
  }

  /// The finding for an exchange and its verdict, both as JSON.
  package mutating func prove(
    exchange: [UInt8], verdict: [UInt8]
  ) throws(Failure) -> Finding {
    let published: Verdict
    let given: Exchange
    do throws(DecodingFailure) {
      given = try exchanges.decode(exchange.span, as: .json)
    } catch {
      throw Failure(description: "the exchange: \(error.detail)")
    }
    do throws(DecodingFailure) {
      published = try verdicts.decode(verdict, as: .json)
    } catch {
      throw Failure(description: "the verdict: \(error.detail)")
    }
    if let id = given.id, id != published.id {
      throw Failure(description: "the verdict has another id than the exchange")
    }
    let numbers = Numbers(of: published)
    let (version, model) = try model(named: published.model, as: numbers.format)
    let judgement = try judge(given, with: model, in: published.judgement)
    return Finding(
      model: published.model, version: version, publishedScore: published.judgement.score,
      score: judgement.0.score,
      differences: Self.differences(ofTotalIn: verdict, published.judgement)
        + differences(published, judgement, of: given, tolerance: numbers.tolerance)
        + Self.differences(ofCoverageIn: published, given))
  }

  private mutating func model(
    named name: String, as format: ProductFormat?
  ) throws(Failure) -> (ModelVersion, GuardModel) {
    guard let hash = name.split(separator: "@").last, name.contains("@") else {
      throw Failure(description: "the verdict's model has no hash")
    }
    let found: ModelVersion?
    do throws(RegistryError) {
      found = try registry.version(hashPrefix: String(hash))
    } catch {
      throw Failure(description: error.description)
    }
    guard let version = found else {
      throw Failure(description: "the registry has no model with the hash \(hash)")
    }
    let judge = Judge(version: version, format: format)
    if let model = models[judge] { return (version, model) }
    do throws(GuardModelFailure) {
      let loader = ModelLoader(
        settings: settings,
        device: format.map { InferenceDevice(pool: pool, uncompared: $0) }
          ?? InferenceDevice(pool: pool))
      let model = try loader.load(folder: registry.folder(of: version))
      guard model.hash.hasPrefix(hash) else {
        throw GuardModelFailure.unusable("\(version): the files have another hash")
      }
      models[judge] = model
      return (version, model)
    } catch {
      throw Failure(description: error.description)
    }
  }

  /// Judges the views that were judged before.
  private func judge(
    _ exchange: Exchange, with model: GuardModel, in published: Judgement
  ) throws(Failure) -> (Judgement, ExchangeSequences) {
    var sequences: ExchangeSequences
    do throws(TokenizationFailure) {
      sequences = try model.sequences(for: exchange)
    } catch {
      throw Failure(description: error.detail)
    }
    if published.promptScore == nil { sequences.prompt = [] }
    if published.responseScore == nil { sequences.response = [] }
    do throws(ClassifierFailure) {
      guard let judgement = try model.judge([sequences]).first else {
        throw ClassifierFailure(detail: "the model gave no judgement")
      }
      return (judgement, sequences)
    } catch {
      throw Failure(description: error.detail)
    }
  }

  private func differences(
    _ published: Verdict, _ result: (judgement: Judgement, sequences: ExchangeSequences),
    of exchange: Exchange, tolerance: Float
  ) -> [String] {
    var differences: [String] = []
    let judgement = published.judgement
    var views: [[TokenSequence]] = []
    if let score = judgement.promptScore {
      views.append(result.sequences.prompt)
      compare("prompt_score", score, result.judgement.promptScore, tolerance, &differences)
    }
    if let score = judgement.responseScore {
      views.append(result.sequences.response)
      compare("response_score", score, result.judgement.responseScore, tolerance, &differences)
    }
    if views.isEmpty { differences.append("the verdict has no score") }
    if judgement.windows != views.map(\.count).max() ?? 0
      || judgement.tokens != views.joined().reduce(0, { $0 + $1.count })
    {
      differences.append("tokens or windows: the text was cut in another way")
    }
    let categories = published.categoryScores(like: result.judgement.categories)
    compare(categories, result.judgement.categories, tolerance, &differences)
    differences += decisionDifferences(published, categories, exchange)
    return differences
  }

  /// Whether flag, threshold and action follow from what the verdict says of scores.
  private func decisionDifferences(
    _ published: Verdict, _ categories: CategoryScores?, _ exchange: Exchange
  ) -> [String] {
    var differences: [String] = []
    if !published.flagFollows {
      differences.append("flagged: does not follow from score and threshold")
    }
    if (published.action != .allow) != published.flagged {
      differences.append("action: does not follow from flagged")
    }
    guard let policy = policies?.policy(for: exchange.tenant) else { return differences }
    let scores = published.judgement
    let decision = policy.decide(
      Judgement(
        promptScore: scores.promptScore, responseScore: scores.responseScore,
        tokens: scores.tokens, windows: scores.windows, categories: categories),
      on: ExceptionSubject(exchange), atMilliseconds: published.judgedAtMilliseconds)
    if decision.threshold != published.threshold {
      differences.append("threshold: the policy's is \(decision.threshold)")
    }
    if decision.action != published.action {
      differences.append("action: the policy's is \(decision.action.rawValue)")
    }
    if let digest = published.policyDigest, digest != policy.digest {
      differences.append("policy_digest: the policy \(policy.name) has other rules now")
    }
    if decision.decidedBy != published.decidedBy {
      differences.append("decided_by: by the policy it is \(decision.decidedBy ?? "absent")")
    }
    return differences
  }

  /// A verdict that says more was judged than was there would hide what was left out.
  private static func differences(
    ofCoverageIn published: Verdict, _ exchange: Exchange
  ) -> [String] {
    guard let coverage = published.coverage else { return [] }
    let judgesResponse = published.judgement.responseScore != nil
    let isRight = coverage == exchange.texts.coverage(judgesResponse: judgesResponse)
    return isRight ? [] : ["coverage: the exchange has other texts"]
  }

  /// `score` repeats the larger of the two, and readers rely on it.
  private static func differences(
    ofTotalIn verdict: [UInt8], _ judgement: Judgement
  ) -> [String] {
    struct Total: Decodable {
      let score: Float
    }
    let total = (try? JSONCoder.decode(Total.self, from: verdict))?.score ?? .nan
    let difference = abs(total - judgement.score.rawValue)
    return difference <= tolerance ? [] : ["score: is not the larger of the scores"]
  }

  private func compare(
    _ published: CategoryScores?, _ judged: CategoryScores?, _ tolerance: Float,
    _ differences: inout [String]
  ) {
    guard let published, let judged else {
      if (published == nil) != (judged == nil) {
        differences.append("categories: are not the model's")
      }
      return
    }
    for (label, name) in judged.scheme.names.enumerated() {
      let difference = abs(published.probabilities[label] - judged.probabilities[label])
      if !(difference <= tolerance) {
        differences.append("category \(name): differs by \(difference)")
      }
    }
  }

  private func compare(
    _ name: String, _ published: Score, _ score: Score?, _ tolerance: Float,
    _ differences: inout [String]
  ) {
    guard let score else {
      differences.append("\(name): the exchange has no such view")
      return
    }
    let difference = abs(published.rawValue - score.rawValue)
    if !(difference <= tolerance) {
      differences.append("\(name): differs by \(difference)")
    }
  }
}

/// The numbers with which a verdict is judged again, and how far scores may be apart then.
private struct Numbers {
  let format: ProductFormat?
  let tolerance: Float

  init(of verdict: Verdict) {
    let format = verdict.precision.flatMap(ProductFormat.init)
    // Where roundings to few bits begin with the last bit of a float, one may go the other way.
    // With bytes a processor may have had floats where this one has 16 bits.
    if let format, format.isFast {
      (self.format, tolerance) = (format, format == .int8 ? 0.05 : 0.005)
    } else {
      self.format = nil
      tolerance =
        switch verdict.precision {
        case nil, "fp32": RecordProof.tolerance
        case "fp16": 0.005
        // Bytes and 8-bit floats are bounded in the mean.
        default: Float(format?.bounds.largest ?? 0.05)
        }
    }
  }
}

extension Verdict {
  /// Whether the flag is what `decided_by` and the threshold make of score and categories.
  fileprivate var flagFollows: Bool {
    let isReached = judgement.score.reaches(threshold)
    guard let decidedBy else { return flagged == isReached }
    if decidedBy.hasPrefix("exception:") { return !flagged }
    let name = decidedBy.split(separator: ":", maxSplits: 1).dropFirst().first.map(String.init)
    // Beside rules for categories the score of the others counts, which is at most the score.
    guard let name else { return decidedBy == "score" && (isReached || !flagged) }
    let category = categories.first { $0.name == name }
    return flagged && category.map { Score($0.probability).reaches(threshold) } ?? false
  }

  /// The published categories in a model's order; nil where they are not that model's.
  fileprivate func categoryScores(like model: CategoryScores?) -> CategoryScores? {
    guard let scheme = model?.scheme, scheme.names.count == categories.count else { return nil }
    var unused = categories
    let probabilities = scheme.names.compactMap { name -> Float? in
      guard let index = unused.firstIndex(where: { $0.name == name }) else { return nil }
      return unused.remove(at: index).probability
    }
    guard probabilities.count == scheme.names.count else { return nil }
    return CategoryScores(scheme: scheme, probabilities: probabilities)
  }
}
