package import Records

/// When the record was written that an output comes from: outputs have times of their own.
private let name = "sluice-timestamp"

extension InputRecord {
  /// When the record was written first, in milliseconds since 1970-01-01 UTC; nil when unknown. One
  /// that was replayed says it itself.
  package var originalTimestamp: Int64? {
    if headers.replays > 0, let kept = headers.text(of: name).flatMap({ Int64($0) }), kept >= 0 {
      return kept
    }
    return timestampMilliseconds >= 0 ? timestampMilliseconds : nil
  }

  /// The header that keeps it; nil when it is unknown.
  package var timestampHeader: Header? { originalTimestamp.map { Header(name, String($0)) } }
}

extension [Header] {
  /// The header that keeps a dead letter's original time; none where there is none.
  package var timestampHeader: [Header] { last { $0.name == name }.map { [$0] } ?? [] }
}
