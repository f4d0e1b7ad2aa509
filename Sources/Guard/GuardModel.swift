package import Basics
internal import DeBERTa
package import ModelRegistry
package import Pipeline
package import Records
package import Settings
package import Tensors
internal import Threading
package import Tokenizer

/// A guard model ready to judge: tokenizer, windows and classifier of one folder.
package final class GuardModel: Classifier, ExchangeTokenizer {
  /// Name and hash as verdicts show them.
  package let model: String
  /// 16 hexadecimal digits over everything that scores depend on; `model` shows the first eight.
  package let hash: String
  /// What texts are cut into.
  package let encoder: SequenceEncoder
  package let cut: UInt64
  /// What the model's `sluice.json` says of its scores; nil where it says nothing.
  package let calibration: Calibration?
  /// What the model tells beyond safe and unsafe; nil for most models.
  package let categories: CategoryScheme?
  /// What is judged of an exchange that has both.
  package let views: JudgedViews
  private let labels: LabelScheme
  /// The pieces of the sentence that texts are held against; nil for a model of safe and unsafe.
  private let hypothesis: [Int32]?
  private let temperature: Double
  private let placed: PlacedClassifier
  private let files: WeightFiles
  /// Whoever judges on the CPU: one batch at a time is done sooner than two that share the threads.
  private let turns = Turns()
  /// What was said of sequences before; nil where nothing is remembered.
  package let cache: ReadingCache?
  /// Who judges, to the cache.
  private let salt: [UInt8]

  /// What it runs on, in words.
  package var device: String { placed.device }
  /// The numbers that it multiplies, such as `fp32`.
  package var precision: String? { placed.precision }
  /// What kept it off the GPU that was to be tried; empty where nothing did.
  package var deviceRefusals: [String] { placed.refusals }
  /// Faster precisions of the CPU that were not taken, and why.
  package var slowerBecause: [String] { placed.slowerBecause }

  /// Loads the model that the settings name, to run on the CPU.
  package convenience init(settings: ModelSettings, pool: WorkerPool) throws(GuardModelFailure) {
    try self.init(settings: settings, device: InferenceDevice(pool: pool))
  }

  /// Loads the model that the settings name.
  ///
  /// - Parameter cache: remembers what models say of sequences; nil for none.
  package init(
    settings: ModelSettings, device: InferenceDevice, cache: ReadingCache? = nil
  ) throws(GuardModelFailure) {
    let parts = try GuardFolder(settings)
    let loaded: LoadedModel
    do throws(ModelError) {
      loaded = try LoadedModel(
        parts.folder, unsafeLabels: parts.unsafeLabels, pool: device.pool)
    } catch {
      throw .unusable(error.description(in: settings.path))
    }
    calibration = parts.description?.calibration
    temperature = parts.temperature
    labels = loaded.labels
    categories = labels.categories
    encoder = parts.encoder
    hypothesis = parts.hypothesisPieces
    views = parts.views
    cut = parts.cut
    hash = parts.hash(of: loaded.hash, on: device.pool).description
    model = parts.model(named: settings.name, hash: hash)
    let encoder = encoder
    placed = try PlacedClassifier(
      loaded, on: device,
      texts: DeviceComparison.texts.map {
        encoder.truncatedSequence(encoder.pieces(of: $0), nil).ids
      },
      windowTokens: encoder.windowTokens)
    files = loaded.files
    if let change = files.change ?? parts.change { throw .unusable(change) }
    self.cache = cache
    salt = Array("\(hash) \(placed.precision) ".utf8)
  }

  /// The same model with other threads of the CPU, with the same weights in memory.
  package init(_ other: GuardModel, pool: WorkerPool) {
    model = other.model
    hash = other.hash
    encoder = other.encoder
    views = other.views
    hypothesis = other.hypothesis
    cut = other.cut
    calibration = other.calibration
    temperature = other.temperature
    labels = other.labels
    categories = other.categories
    placed = PlacedClassifier(other.placed, pool: pool)
    files = other.files
    cache = other.cache
    salt = other.salt
  }

  /// The sequences of the views that the settings ask for; an exchange without a response has its
  /// prompt judged in any case, and an empty response counts as none.
  package func sequences(for exchange: Exchange) throws(TokenizationFailure) -> ExchangeSequences {
    let prompt = encoder.pieces(of: exchange.prompt)
    let response = exchange.response.flatMap { $0.isEmpty ? nil : encoder.pieces(of: $0) }
    do throws(TooManyWindows) {
      let needsPrompt = views.contains(.prompt) || response == nil
      let needed = views.contains(.response) ? response : nil
      if let hypothesis {
        return ExchangeSequences(
          prompt: needsPrompt ? try encoder.premiseSequences(prompt, hypothesis) : [],
          response: try needed.map { (response) throws(TooManyWindows) in
            try encoder.premiseSequences(response, hypothesis)
          } ?? [])
      }
      return ExchangeSequences(
        prompt: needsPrompt ? try encoder.promptSequences(prompt) : [],
        response: try needed.map { (response) throws(TooManyWindows) in
          try encoder.pairSequences(prompt, response)
        } ?? [])
    } catch {
      throw TokenizationFailure(
        detail: "needs \(error.needed) windows where windows_max allows \(error.allowed)")
    }
  }

  /// The sequences of the same views, cut to one window each as Hugging Face cuts them: for
  /// comparisons with other engines, since what is cut off is not judged.
  package func truncatedSequences(for exchange: Exchange) -> ExchangeSequences {
    let prompt = encoder.pieces(of: exchange.prompt)
    let response = exchange.response.flatMap { $0.isEmpty ? nil : encoder.pieces(of: $0) }
    let needsPrompt = views.contains(.prompt) || response == nil
    let pair = views.contains(.response) ? response : nil
    if let hypothesis {
      return ExchangeSequences(
        prompt: needsPrompt ? [encoder.truncatedSequence(premise: prompt, hypothesis)] : [],
        response: pair.map { [encoder.truncatedSequence(premise: $0, hypothesis)] } ?? [])
    }
    return ExchangeSequences(
      prompt: needsPrompt ? [encoder.truncatedSequence(prompt, nil)] : [],
      response: pair.map { [encoder.truncatedSequence(prompt, $0)] } ?? [])
  }

  /// The judgements of the exchanges, each the highest score over its windows.
  package func judge(_ exchanges: [ExchangeSequences]) throws(ClassifierFailure) -> [Judgement] {
    try judge(exchanges, atOnce: nil)
  }

  /// As above, some windows at a time: who else judges goes on in between.
  package func judgeInTurns(
    _ exchanges: [ExchangeSequences]
  ) throws(ClassifierFailure) -> [Judgement] {
    try judge(exchanges, atOnce: placed.turnTokens(windowTokens: encoder.windowTokens))
  }

  private func judge(
    _ exchanges: [ExchangeSequences], atOnce tokens: Int?
  ) throws(ClassifierFailure) -> [Judgement] {
    var scores = try readings(exchanges.flatMap { $0.prompt + $0.response }, atOnce: tokens)[...]
    return exchanges.map { exchange in
      let prompt = scores.prefix(exchange.prompt.count)
      let response = scores.dropFirst(prompt.count).prefix(exchange.response.count)
      let both = scores.prefix(prompt.count + response.count)
      scores = scores.dropFirst(both.count)
      return Judgement(
        promptScore: prompt.map { score(margin: $0.margin) }.max(),
        responseScore: response.map { score(margin: $0.margin) }.max(), tokens: exchange.tokens,
        windows: exchange.windows, categories: categoryScores(both))
    }
  }

  /// What the model says of each category over several sequences of one exchange.
  package func categoryScores(_ readings: some Collection<Reading>) -> CategoryScores? {
    guard let categories, let first = readings.first else { return nil }
    var scores = CategoryScores(scheme: categories, probabilities: first.probabilities)
    for reading in readings.dropFirst() { scores.merge(reading.probabilities) }
    return scores
  }

  /// P(unsafe) of each sequence, with the model's temperature.
  package func scores(_ sequences: [TokenSequence]) throws(ClassifierFailure) -> [Score] {
    try readings(sequences).map { score(margin: $0.margin) }
  }

  /// P(unsafe) of a margin, with the model's temperature.
  package func score(margin: Double) -> Score {
    Calibration.score(margin: margin, temperature: temperature)
  }

  /// What the model says of one sequence.
  package struct Reading: Sendable {
    /// The logit of unsafe minus that of safe, before any temperature.
    package let margin: Double
    /// Of each label, with the temperature, where the model has categories; else empty.
    let probabilities: [Float]
  }

  /// What the model says of each sequence: equal ones are computed once, and those not at all that
  /// the cache remembers.
  ///
  /// - Parameter tokens: computed at once; nil as many as the device likes.
  package func readings(
    _ sequences: [TokenSequence], atOnce tokens: Int? = nil
  ) throws(ClassifierFailure) -> [Reading] {
    guard let cache else { return try computed(sequences, atOnce: tokens) }
    let keys = sequences.map { ReadingCache.Key($0.digest(salt: salt)) }
    var readings = cache.readings(of: keys)
    var figures = ReadingCache.Figures(remembered: readings.count { $0 != nil })
    var firsts: [ReadingCache.Key: Int] = [:]
    var unknown: [Int] = []
    for index in sequences.indices where readings[index] == nil {
      if firsts[keys[index]] == nil {
        firsts[keys[index]] = index
        unknown.append(index)
      } else {
        figures.repeated += 1
      }
    }
    figures.computed = unknown.count
    let new = try computed(unknown.map { sequences[$0] }, atOnce: tokens)
    for (index, reading) in zip(unknown, new) { readings[index] = reading }
    cache.add(zip(unknown, new).map { (keys[$0], $1) })
    cache.count(figures)
    return sequences.indices.compactMap { index in
      readings[index] ?? firsts[keys[index]].flatMap { readings[$0] }
    }
  }

  private func computed(
    _ sequences: [TokenSequence], atOnce tokens: Int?
  ) throws(ClassifierFailure) -> [Reading] {
    if sequences.isEmpty { return [] }
    var logits: [Logits] = []
    logits.reserveCapacity(sequences.count)
    var batch = TokenBatch()
    let tokensMax = min(tokens ?? .max, placed.classifier.packedTokensMax)
    do throws(BatchError) {
      for sequence in sequences {
        if batch.count > 0, batch.tokens.count + sequence.count > tokensMax {
          try classify(batch, into: &logits)
          batch.removeAll()
        }
        batch.append(sequence)
      }
      try classify(batch, into: &logits)
    } catch .device(let reason) {
      throw ClassifierFailure(detail: reason, isFatal: true)
    } catch {
      throw ClassifierFailure(detail: "\(error)")
    }
    // Before anybody hears of them.
    if let change = files.change { throw ClassifierFailure(detail: change, isFatal: true) }
    let readings = logits.map { logits in
      Reading(
        margin: Double(logits.unsafe) - Double(logits.safe),
        probabilities: categories == nil
          ? [] : labels.probabilities(of: logits, temperature: temperature))
    }
    let areNumbers = readings.allSatisfy { reading in
      reading.margin.isFinite && reading.probabilities.allSatisfy(\.isFinite)
    }
    guard areNumbers else {
      throw ClassifierFailure(detail: "the model gave a score that is not a number")
    }
    return readings
  }

  private func classify(
    _ batch: TokenBatch, into logits: inout [Logits]
  ) throws(BatchError) {
    let classifier = placed.classifier
    if placed.isOnGPU { return try classifier.classify(batch, into: &logits) }
    try turns.take { () throws(BatchError) in try classifier.classify(batch, into: &logits) }
  }

  /// Floating-point operations that one token of a sequence of that many costs.
  package func operationsPerToken(length: Int) -> Double {
    2 * Double(placed.classifier.configuration.multiplyAdds(length: length))
  }

  /// Judges a few sequences of all lengths, so that the first record finds memory and caches warm.
  package func warmUp() throws(ClassifierFailure) {
    do throws(BatchError) { try placed.classifier.warmUp() } catch {
      throw ClassifierFailure(detail: "\(error)", isFatal: true)
    }
    let texts = (0..<8).map { TokenSequence(Array(repeating: encoder.separatorID, count: 8 << $0)) }
    _ = try scores(texts.filter { $0.count <= encoder.windowTokens })
  }
}

extension LabelScheme {
  /// The labels as judgements have them; nil where they tell no more than P(unsafe).
  fileprivate var categories: CategoryScheme? {
    guard areCategories else { return nil }
    return CategoryScheme(
      names: names, unsafe: unsafe, areExclusive: activation == .softmax)
  }
}
