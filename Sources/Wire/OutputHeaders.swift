package import Records

/// Writes headers that repeat the essentials of verdicts, so that a consumer can route without
/// parsing, and the payload's content type.
///
/// What is the same in most verdicts is made once: it is a value so that each thread has its own.
package struct VerdictHeaders: Sendable {
  private var model = RepeatedHeader(name: "sluice-model")
  private var precision = RepeatedHeader(name: "sluice-precision")
  private var policyDigest = RepeatedHeader(name: "sluice-policy-digest")

  /// Headers of a verdict at most.
  private static let countMax = 11

  package init() {}

  /// Appends the headers of a verdict.
  ///
  /// - Parameters:
  ///   - format: the payload's, for its content type; nil where that stands in the record already.
  ///   - other: headers that follow, for which room is made.
  package mutating func append(
    _ verdict: Verdict, format: PayloadFormat?, to headers: inout [Header], other: Int = 0
  ) {
    headers.reserveCapacity(headers.count + Self.countMax + other)
    switch format {
    case .json: headers.append(.jsonType)
    case .protobuf: headers.append(.protobufType)
    case nil: break
    }
    headers.append(verdict.flagged ? .flagged : .notFlagged)
    headers.append(Header("sluice-score", verdict.judgement.score.rawValue.description))
    headers.append(.action(verdict.action))
    headers.append(model.header(verdict.model))
    // Judged texts of all texts, such as `2/3`.
    if let coverage = verdict.coverage {
      headers.append(Header("sluice-coverage", "\(coverage.judged)/\(coverage.texts)"))
    }
    if let category = verdict.categories.first(where: \.isUnsafe) {
      headers.append(Header("sluice-category", category.name))
    }
    if let text = verdict.precision { headers.append(precision.header(text)) }
    if let text = verdict.decidedBy { headers.append(Header("sluice-decided-by", text)) }
    if let text = verdict.policyDigest { headers.append(policyDigest.header(text)) }
    if let source = verdict.supersedes {
      headers.append(Header("sluice-supersedes", source.description))
    }
  }
}

/// A header that mostly has the value that it had the last time.
private struct RepeatedHeader: Sendable {
  private var text = ""
  private var last: Header

  init(name: String) { last = Header(name, "") }

  mutating func header(_ text: String) -> Header {
    if text != self.text {
      self.text = text
      last = Header(last.name, text)
    }
    return last
  }
}

extension Header {
  fileprivate static let jsonType = Header("content-type", PayloadFormat.json.contentType)
  fileprivate static let protobufType = Header("content-type", PayloadFormat.protobuf.contentType)
  fileprivate static let flagged = Header("sluice-flagged", "true")
  fileprivate static let notFlagged = Header("sluice-flagged", "false")
  private static let allow = Header("sluice-action", Action.allow.rawValue)

  fileprivate static func action(_ action: Action) -> Header {
    action == .allow ? allow : Header("sluice-action", action.rawValue)
  }
}

extension [Header] {
  /// These headers without those that only Sluice may set: a sender could forge a verdict, and a
  /// replayed dead letter still carries its old error.
  package var withoutOurs: [Header] {
    isEmpty ? self : filter { !$0.name.hasPrefix("sluice-") }
  }
}
