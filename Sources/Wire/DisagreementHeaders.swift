package import Records

extension Disagreement {
  /// Headers that tell of a disagreement beside a copy of the exchange.
  package var headers: [Header] {
    [
      Header("sluice-source-topic", source.topic),
      Header("sluice-source-partition", String(source.partition.rawValue)),
      Header("sluice-source-offset", String(source.offset.rawValue)),
      Header("sluice-score", score.rawValue.description),
      Header("sluice-threshold", threshold.description),
      Header("sluice-model", model),
      Header("sluice-shadow-score", challengerScore.rawValue.description),
      Header("sluice-shadow-model", challenger),
      Header("sluice-shadow-share", share.description),
    ]
  }

  /// The disagreement that these headers tell of; nil when one is missing or makes no sense.
  package init?(headers: [Header]) {
    guard let topic = headers.text(of: "sluice-source-topic"), !topic.isEmpty,
      let partition = headers.number(of: "sluice-source-partition", Int32.init), partition >= 0,
      let offset = headers.number(of: "sluice-source-offset", Int64.init), offset >= 0,
      let score = headers.number(of: "sluice-score", Float.init), (0...1).contains(score),
      let threshold = headers.number(of: "sluice-threshold", Float.init), threshold.isFinite,
      let model = headers.text(of: "sluice-model"),
      let other = headers.number(of: "sluice-shadow-score", Float.init), (0...1).contains(other),
      let challenger = headers.text(of: "sluice-shadow-model"),
      let share = headers.number(of: "sluice-shadow-share", Double.init), share > 0, share <= 1
    else { return nil }
    self.init(
      source: SourcePosition(topic: topic, partition: partition, offset: offset),
      score: Score(score), threshold: threshold, model: model, challengerScore: Score(other),
      challenger: challenger, share: share)
  }
}

extension [Header] {
  fileprivate func number<Number>(of name: String, _ parse: (String) -> Number?) -> Number? {
    text(of: name).flatMap(parse)
  }
}
