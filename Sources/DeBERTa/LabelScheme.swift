import Glibc

/// What a classifier's labels mean: which of them are unsafe, and how its logits become a score.
///
/// With a softmax over all labels, P(unsafe) is 1 less the probability of the safe labels; with a
/// sigmoid for each, it is the largest probability of an unsafe label.
package struct LabelScheme: Sendable, Equatable {
  /// How logits become probabilities.
  package enum Activation: Sendable, Equatable {
    /// The labels exclude each other (`single_label_classification`).
    case softmax
    /// Each label is a question of its own (`multi_label_classification`, or one label only).
    case sigmoid
  }

  /// The labels' names, in the order of the logits.
  package let names: [String]
  package let activation: Activation
  /// Which labels are unsafe, ascending.
  package let unsafe: [Int]
  private let safe: [Int]

  /// Two labels, the second of which is unsafe.
  package static let plain = LabelScheme(
    names: ["safe", "unsafe"], activation: .softmax, unsafe: [1])

  private init(names: [String], activation: Activation, unsafe: [Int]) {
    self.names = names
    self.activation = activation
    self.unsafe = unsafe
    safe = names.indices.filter { !unsafe.contains($0) }
  }

  /// Finds the unsafe labels by their names.
  ///
  /// - Parameter chosen: the names of the unsafe labels, where somebody said so; else empty.
  /// - Throws: when the names do not tell, or a chosen name is none of the labels.
  package init(
    names: [String], activation: Activation, chosen: [String] = []
  ) throws(ModelError) {
    func refusal(_ problem: ModelError.Problem) -> ModelError {
      ModelError(File.configuration, problem)
    }
    for name in chosen where !names.contains(name) {
      throw refusal(.unknownLabel(name, labels: names))
    }
    let unsafe: [Int]
    if !chosen.isEmpty {
      unsafe = names.indices.filter { chosen.contains(names[$0]) }
    } else if let found = Self.unsafeLabels(of: names, activation) {
      unsafe = found
    } else {
      throw refusal(.ambiguousLabels(names))
    }
    guard activation == .sigmoid || unsafe.count < names.count else {
      throw refusal(.ambiguousLabels(names))
    }
    self.init(names: names, activation: activation, unsafe: unsafe)
  }

  /// Whether there are two labels that exclude each other.
  package var isBinary: Bool { names.count == 2 && activation == .softmax }

  /// The labels in words, for messages.
  package var summary: String {
    "\(names.count) labels, \(activation == .softmax ? "one of which is right" : "each by itself")"
  }

  /// Whether every unsafe label is about what prompts do to a model, and none about what is said:
  /// `INJECTION`, `JAILBREAK`.
  package var concernsPrompts: Bool {
    unsafe.allSatisfy { label in
      Self.words(of: names[label]).contains(where: Self.promptWords.contains)
    }
  }

  /// The same labels with the safe one first, where there are two that exclude each other.
  package var inOrder: LabelScheme {
    guard isBinary, unsafe == [0] else { return self }
    return LabelScheme(names: names.reversed(), activation: activation, unsafe: [1])
  }

  /// Whether the labels tell more than P(unsafe) does.
  package var areCategories: Bool { names.count > 1 && !isBinary }

  /// One pair of logits with the same P(unsafe) as a sequence's logits, one for each label.
  package func logits(_ values: Span<Float>) -> Logits {
    let labels = areCategories ? values.indices.map { values[$0] } : []
    return switch activation {
    case .softmax:
      Logits(
        safe: Self.sum(values, at: safe), unsafe: Self.sum(values, at: unsafe), labels: labels)
    case .sigmoid:
      Logits(
        safe: 0, unsafe: unsafe.reduce(-.infinity) { max($0, values[$1]) }, labels: labels)
    }
  }

  /// The probability of each label, from logits of this scheme.
  ///
  /// A temperature divides the logit of P(unsafe), as in the score; under softmax, how safe and
  /// unsafe labels share theirs among themselves stays as it is.
  package func probabilities(of logits: Logits, temperature: Double) -> [Float] {
    func sigmoid(_ logit: Double) -> Double { 1 / (1 + exp(-logit / temperature)) }
    switch activation {
    case .sigmoid: return logits.labels.map { Float(sigmoid(Double($0))) }
    case .softmax:
      let isUnsafe = sigmoid(Double(logits.unsafe) - Double(logits.safe))
      return logits.labels.indices.map { label in
        let (share, whole) =
          unsafe.contains(label) ? (isUnsafe, logits.unsafe) : (1 - isUnsafe, logits.safe)
        return Float(share * exp(Double(logits.labels[label]) - Double(whole)))
      }
    }
  }

  /// The logit of several labels together: log of the sum of their exponentials.
  private static func sum(_ values: Span<Float>, at labels: [Int]) -> Float {
    if labels.count == 1 { return values[labels[0]] }
    let largest = labels.reduce(-Float.infinity) { max($0, values[$1]) }
    guard largest.isFinite else { return largest }
    return largest + log(labels.reduce(0) { $0 + exp(values[$1] - largest) })
  }
}

extension LabelScheme {
  /// What a label's name says of it.
  package enum Meaning: Equatable {
    case safe
    case unsafe
    case unknown
  }

  /// The unsafe labels as far as names tell; nil when they do not.
  private static func unsafeLabels(of names: [String], _ activation: Activation) -> [Int]? {
    if let numbered = numberedLabels(names) { return numbered }
    let meanings = names.map(meaning)
    let unsafe = meanings.indices.filter { meanings[$0] == .unsafe }
    let others = meanings.indices.filter { meanings[$0] != .safe }
    let hasSafe = others.count < names.count
    switch activation {
    case .sigmoid:
      // Beside a label that is known, every other one that is not called safe is a category too.
      return unsafe.isEmpty && !(hasSafe && !others.isEmpty) ? nil : others
    case .softmax:
      if hasSafe { return others.isEmpty ? nil : others }
      // What is left beside labels that are known to be unsafe is the safe one.
      return unsafe.count == names.count - 1 && !unsafe.isEmpty ? unsafe : nil
    }
  }

  /// `LABEL_0` and `LABEL_1`, or `0` and `1`: the second is unsafe, as is one that stands alone.
  private static func numberedLabels(_ names: [String]) -> [Int]? {
    let isNumbered = names.enumerated().allSatisfy { number, name in
      name.uppercased() == "LABEL_\(number)" || name == "\(number)"
    }
    return isNumbered && names.count <= 2 ? [names.count - 1] : nil
  }

  /// What a name says: `SAFE`, `not_toxic`, `Prompt Injection`, `severe_toxic`.
  package static func meaning(of name: String) -> Meaning {
    var words = Self.words(of: name)
    let isNegated = words.contains { negations.contains($0) }
    words.removeAll { negations.contains($0) }
    let meaning: Meaning =
      words.contains(where: unsafeWords.contains)
      ? .unsafe : words.contains(where: safeWords.contains) ? .safe : .unknown
    switch meaning {
    case .safe: return isNegated ? .unsafe : .safe
    case .unsafe: return isNegated ? .safe : .unsafe
    case .unknown: return .unknown
    }
  }

  /// The words of a name in small letters: cut at whatever is no letter, and before capitals.
  private static func words(of name: String) -> [String] {
    var words: [String] = []
    var word = ""
    var wasSmall = false
    for character in name {
      if !character.isLetter || (character.isUppercase && wasSmall) {
        words.append(word)
        word = ""
      }
      if character.isLetter { word += character.lowercased() }
      wasSmall = character.isLowercase
    }
    return (words + [word]).filter { !$0.isEmpty }
  }

  private static let negations: Set<String> = ["no", "not", "non", "without"]

  private static let promptWords: Set<String> = [
    "injection", "injected", "jailbreak", "jailbroken",
  ]

  private static let safeWords: Set<String> = [
    "safe", "benign", "harmless", "normal", "ok", "okay", "clean", "legit", "legitimate",
    "allowed", "acceptable", "appropriate", "innocuous", "nontoxic", "ham",
  ]

  private static let unsafeWords: Set<String> = [
    "unsafe", "harmful", "harm", "toxic", "toxicity", "injection", "injected", "jailbreak",
    "jailbroken", "malicious", "attack", "adversarial", "hate", "hateful", "hatespeech",
    "offensive", "obscene", "obscenity", "insult", "insulting", "threat", "threatening", "abuse",
    "abusive", "violence", "violent", "harassment", "dangerous", "illegal", "nsfw", "profanity",
    "profane", "unethical", "inappropriate", "unacceptable", "disallowed", "blocked",
    "sexual", "spam", "phishing", "manipulation", "exploit", "racism", "sexism", "bullying",
    "violation", "violating", "flagged", "risky", "suspicious", "scam", "fraud", "explicit",
    "racist", "sexist", "harassing", "bad",
  ]
}

extension ModelConfiguration {
  /// What the labels mean.
  ///
  /// - Parameters:
  ///   - rows: of the classifier, each a label where the file names none; nil for two.
  ///   - chosen: the unsafe labels, where somebody said which; else empty.
  func labelScheme(rows: Int?, chosen: [String]) throws(ModelError) -> LabelScheme {
    let names = labels ?? (0..<min(rows ?? 2, Self.labelsMax)).map { "LABEL_\($0)" }
    return try LabelScheme(
      names: names, activation: names.count == 1 || isMultiLabel ? .sigmoid : .softmax,
      chosen: chosen)
  }
}
