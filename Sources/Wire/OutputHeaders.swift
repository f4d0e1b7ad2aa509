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

extension DeadLetter {
  /// Headers that tell why the record beside them got no verdict and where it stood. They go after
  /// the record's own headers, whose value is published untouched.
  package var headers: [Header] {
    var headers = [
      Header("sluice-error-reason", reason.rawValue),
      Header("sluice-error-detail", detail),
      Header("sluice-error-topic", source.topic),
      Header("sluice-error-partition", String(source.partition.rawValue)),
      Header("sluice-error-offset", String(source.offset.rawValue)),
      Header("sluice-error-attempts", String(attempts)),
    ]
    if let model { headers.append(Header("sluice-error-model", model)) }
    return headers
  }
}
