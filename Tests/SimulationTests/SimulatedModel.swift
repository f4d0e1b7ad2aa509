import Pipeline
import Records

/// A model that recognises the sequences that were cut for it.
struct SimulatedModel: Classifier {
  let number: Int32
  let world: SimulatedWorld
  var model: String { "model-\(number)" }

  func judge(_ exchanges: [PreparedExchange]) throws(ClassifierFailure) -> [Judgement] {
    let failsByChance = exchanges.count > 1 && world.hasFaults && world.oneIn(10)
    if failsByChance || exchanges.contains(where: { $0.id == "poison" }) {
      throw ClassifierFailure(detail: "simulated")
    }
    let tokens = exchanges.flatMap { ($0.promptSequences + $0.responseSequences).joined() }
    guard tokens.allSatisfy({ $0 == number }) else {
      throw ClassifierFailure(detail: "a model was given another model's tokens", isFatal: true)
    }
    return exchanges.map {
      Judgement(promptScore: Score(0.5), responseScore: nil, tokens: $0.tokens, windows: 1)
    }
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
            id: number % 7 == 6 ? "poison" : "fine",
            promptSequences: [Array(repeating: self.number, count: 1 + number % 20)],
            responseSequences: []))
      }
    return PreparedItem(item: item, format: .json, preparation: preparation, for: self)
  }
}
