package import Basics

/// Makes the sequences that a model judges: `[CLS] prompt [SEP]` and
/// `[CLS] prompt [SEP] response [SEP]`, in RoBERTa with two separators between the texts, in
/// overlapping windows where a text is too long for one.
///
/// Every piece of both texts is in some window: nothing is ever cut off. The number of windows
/// grows linearly with the text.
package struct SequenceEncoder: Sendable {
  private let tokenizer: any TextTokenizer
  /// Token ids in one sequence at most, control tokens included.
  package let windowTokens: Int
  /// Pieces that neighbouring windows of the prompt alone share; those of a pair share them in
  /// proportion to their length.
  package let overlapTokens: Int
  /// Sequences of one view at most.
  package let windowsMax: Int

  /// The smallest window: it holds four control tokens and a piece of each text.
  package static let windowTokensMin = 8

  /// - Precondition: the window is at least `windowTokensMin`, the overlap at most half of it.
  package init(
    tokenizer: any TextTokenizer, windowTokens: Int, overlapTokens: Int, windowsMax: Int
  ) {
    precondition(windowTokens >= Self.windowTokensMin)
    precondition(overlapTokens >= 0 && overlapTokens <= windowTokens / 2)
    precondition(windowsMax >= 1)
    self.tokenizer = tokenizer
    self.windowTokens = windowTokens
    self.overlapTokens = overlapTokens
    self.windowsMax = windowsMax
  }

  /// `[SEP]`, which ends each text of a sequence.
  package var separatorID: Int32 { tokenizer.separatorID }

  /// The pieces of a text, for the methods below.
  package func pieces(of text: String) -> [Int32] { tokenizer.encode(text) }

  /// The windows of the prompt alone.
  package func promptSequences(_ prompt: [Int32]) throws(TooManyWindows) -> [TokenSequence] {
    let windows = Windows(count: prompt.count, size: windowTokens - 2, overlap: overlapTokens)
    try check(windows.number)
    return (0..<windows.number).map { sequence(prompt[windows[$0]]) }
  }

  /// The windows of the prompt with its response.
  ///
  /// A prompt that is too long beside its response gets at least half of the window, its windows go
  /// along with those of the response: the first with the first, the last with the last.
  package func pairSequences(
    _ prompt: [Int32], _ response: [Int32]
  ) throws(TooManyWindows) -> [TokenSequence] {
    let budget = windowTokens - pairControls
    if prompt.count + response.count <= budget { return [sequence(prompt[...], response[...])] }
    let promptShare = min(prompt.count, max(budget / 2, budget - response.count))
    let promptWindows = windows(of: prompt, size: promptShare)
    let responseWindows = windows(of: response, size: budget - promptShare)
    let number = max(promptWindows.number, responseWindows.number)
    try check(number)
    return (0..<number).map { index in
      sequence(
        prompt[promptWindows[index * promptWindows.number / number]],
        response[responseWindows[index * responseWindows.number / number]])
    }
  }

  /// The windows of a text, each with the same sentence as its second text: what a model that was
  /// trained to tell whether a text implies a sentence is asked.
  ///
  /// - Precondition: `isRoom(for:)` the hypothesis.
  package func premiseSequences(
    _ premise: [Int32], _ hypothesis: [Int32]
  ) throws(TooManyWindows) -> [TokenSequence] {
    let windows = windows(of: premise, size: windowTokens - pairControls - hypothesis.count)
    try check(windows.number)
    return (0..<windows.number).map { sequence(premise[windows[$0]], hypothesis[...]) }
  }

  /// The first of these windows, as Hugging Face cuts the first text of a pair only.
  package func truncatedSequence(premise: [Int32], _ hypothesis: [Int32]) -> TokenSequence {
    sequence(premise.prefix(windowTokens - pairControls - hypothesis.count), hypothesis[...])
  }

  /// Whether a hypothesis leaves at least half of each window to the text.
  package func isRoom(for hypothesis: [Int32]) -> Bool {
    hypothesis.count <= (windowTokens - pairControls) / 2
  }

  /// One sequence, cut as Hugging Face's tokenizer in Python cuts: from the end of the longer text,
  /// piece by piece, and of the response when both are equally long.
  package func truncatedSequence(_ prompt: [Int32], _ response: [Int32]?) -> TokenSequence {
    guard var response else { return sequence(prompt.prefix(windowTokens - 2)) }
    var prompt = prompt
    var excess = prompt.count + response.count - (windowTokens - pairControls)
    while excess > 0 {
      if prompt.count > response.count { prompt.removeLast() } else { response.removeLast() }
      excess -= 1
    }
    return sequence(prompt[...], response[...])
  }

  /// Control tokens of a pair.
  private var pairControls: Int { 2 + tokenizer.pairSeparators }

  private func windows(of pieces: [Int32], size: Int) -> Windows {
    Windows(count: pieces.count, size: size, overlap: overlapTokens * size / windowTokens)
  }

  private func check(_ number: Int) throws(TooManyWindows) {
    if number > windowsMax { throw TooManyWindows(needed: number, allowed: windowsMax) }
  }

  private func sequence(
    _ prompt: ArraySlice<Int32>, _ response: ArraySlice<Int32>? = nil
  ) -> TokenSequence {
    var ids: [Int32] = []
    ids.reserveCapacity(prompt.count + (response.map { $0.count + pairControls } ?? 2))
    ids.append(tokenizer.beginID)
    ids.append(contentsOf: prompt)
    ids.append(tokenizer.separatorID)
    guard let response else { return TokenSequence(ids) }
    for _ in 1..<tokenizer.pairSeparators { ids.append(tokenizer.separatorID) }
    let secondStart = ids.count
    ids.append(contentsOf: response)
    ids.append(tokenizer.separatorID)
    return TokenSequence(ids, secondStart: secondStart)
  }
}

/// A text needs more windows than are allowed.
package struct TooManyWindows: Error, Hashable, Sendable {
  package let needed: Int
  package let allowed: Int

  package init(needed: Int, allowed: Int) {
    self.needed = needed
    self.allowed = allowed
  }
}
