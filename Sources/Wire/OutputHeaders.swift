package import Records

extension Verdict {
  /// Headers that repeat the essentials, so that a consumer can route without parsing, and the
  /// payload's content type.
  package func headers(format: PayloadFormat) -> [Header] {
    var headers = [
      Header("content-type", format.contentType),
      Header("sluice-flagged", flagged ? "true" : "false"),
      Header("sluice-score", judgement.score.rawValue.description),
      Header("sluice-action", action.rawValue),
      Header("sluice-model", model),
    ]
    // Judged texts of all texts, such as `2/3`.
    if let coverage {
      headers.append(Header("sluice-coverage", "\(coverage.judged)/\(coverage.texts)"))
    }
    if let category = categories.first(where: \.isUnsafe) {
      headers.append(Header("sluice-category", category.name))
    }
    if let precision { headers.append(Header("sluice-precision", precision)) }
    if let decidedBy { headers.append(Header("sluice-decided-by", decidedBy)) }
    if let policyDigest { headers.append(Header("sluice-policy-digest", policyDigest)) }
    if let supersedes { headers.append(Header("sluice-supersedes", supersedes.description)) }
    return headers
  }
}

extension [Header] {
  /// These headers without those that only Sluice may set: a sender could forge a verdict, and a
  /// replayed dead letter still carries its old error.
  package var withoutOurs: [Header] {
    isEmpty ? self : filter { !$0.name.hasPrefix("sluice-") }
  }
}
