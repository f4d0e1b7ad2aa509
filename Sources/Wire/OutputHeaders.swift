package import Records

extension Verdict {
  /// Headers that repeat the essentials, so that a consumer can route without parsing, and the
  /// payload's content type.
  package func headers(format: PayloadFormat) -> [Header] {
    [
      Header("content-type", format.contentType),
      Header("sluice-flagged", flagged ? "true" : "false"),
      Header("sluice-score", judgement.score.rawValue.description),
      Header("sluice-action", action.rawValue),
      Header("sluice-model", model),
    ]
  }
}

extension [Header] {
  /// These headers without those that only Sluice may set: a sender could forge a verdict, and a
  /// replayed dead letter still carries its old error.
  package var withoutOurs: [Header] {
    isEmpty ? self : filter { !$0.name.hasPrefix("sluice-") }
  }
}
