package import Basics
package import Records

/// A known false positive: whatever is flagged and is covered by it passes, until it expires.
package struct PolicyException: Hashable, Sendable {
  package let name: String
  /// The contents that it covers; empty where the metadata alone decide.
  package let contents: Set<ContentDigest>
  /// Pairs that an exchange's metadata must have, all of them.
  package let metadata: [String: String]
  /// When it ends, in milliseconds since 1970-01-01 UTC.
  package let expiresAtMilliseconds: Int64

  /// An exception for contents, for metadata, or for contents that come with metadata.
  package init(
    name: String, contents: Set<ContentDigest> = [], metadata: [String: String] = [:],
    expiresAtMilliseconds: Int64
  ) {
    self.name = name
    self.contents = contents
    self.metadata = metadata
    self.expiresAtMilliseconds = expiresAtMilliseconds
  }

  /// Whether it holds for an exchange that is judged at that time.
  func covers(_ subject: ExceptionSubject, atMilliseconds time: Int64) -> Bool {
    if time >= expiresAtMilliseconds || (contents.isEmpty && metadata.isEmpty) { return false }
    if !contents.isEmpty {
      guard let content = subject.content, contents.contains(content) else { return false }
    }
    return metadata.allSatisfy { name, value in
      subject.metadata.contains(MetadataEntry(name: name, value: value))
    }
  }
}

/// What of an exchange exceptions look at.
package struct ExceptionSubject: Hashable, Sendable {
  /// nil where no exception asks for it.
  package var content: ContentDigest?
  package var metadata: [MetadataEntry]

  package init(content: ContentDigest?, metadata: [MetadataEntry]) {
    self.content = content
    self.metadata = metadata
  }

  package init(_ exchange: Exchange) {
    self.init(
      content: ContentDigest(prompt: exchange.prompt, response: exchange.response),
      metadata: exchange.metadata)
  }
}

extension Policy {
  /// What is done with an exchange that was judged so at that time: as `decide`, but that
  /// exceptions let pass what it would flag.
  package func decide(
    _ judgement: Judgement, on subject: ExceptionSubject, atMilliseconds time: Int64
  ) -> PolicyDecision {
    let decision = decide(judgement)
    guard decision.action != .allow,
      let exception = exceptions.first(where: { $0.covers(subject, atMilliseconds: time) })
    else { return decision }
    return PolicyDecision(
      action: .allow, threshold: decision.threshold, category: nil, flaggedCategories: [],
      decidedBy: "exception:\(exception.name)")
  }
}
