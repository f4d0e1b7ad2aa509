import Basics
import Pipeline
import Records

/// A model that recognises the sequences that were cut for it.
struct SimulatedModel: Classifier {
  let number: Int32
  let world: SimulatedWorld
  var model: String { "model-\(number)" }

  func judge(_ exchanges: [ExchangeSequences]) throws(ClassifierFailure) -> [Judgement] {
    let failsByChance = exchanges.count > 1 && world.hasFaults && world.oneIn(10)
    if failsByChance || exchanges.contains(where: { $0.prompt.first?.count == Self.poisonTokens }) {
      throw ClassifierFailure(detail: "simulated")
    }
    let tokens = exchanges.flatMap { ($0.prompt + $0.response).flatMap(\.ids) }
    guard tokens.allSatisfy({ $0 == number }) else {
      throw ClassifierFailure(detail: "a model was given another model's tokens", isFatal: true)
    }
    return exchanges.map {
      Judgement(promptScore: Score(0.5), responseScore: nil, tokens: $0.tokens, windows: 1)
    }
  }

  /// A text of so many tokens makes the model fail.
  private static let poisonTokens = 21

  private static func tokens(of number: Int) -> Int {
    number % 7 == 6 ? poisonTokens : 1 + number % 20
  }

  /// Decodes and tokenizes as the daemon does, by the record's number.
  func prepare(_ item: StreamItem) -> PreparedItem {
    let number = Int(item.record.source.offset.rawValue)
    let preparation: Preparation =
      if item.record.value == nil {
        .forwardTombstone
      } else if number % 11 == 10 {
        .deadLetter(.malformed, detail: "byte 0")
      } else {
        .judge(
          PreparedExchange(
            id: "\(number)",
            sequences: ExchangeSequences(
              prompt: [
                TokenSequence(Array(repeating: self.number, count: Self.tokens(of: number)))
              ])))
      }
    return PreparedItem(item: item, format: .json, preparation: preparation, for: self)
  }
}
