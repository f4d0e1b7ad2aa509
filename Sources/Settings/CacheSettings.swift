internal import Sections

/// What is remembered of sequences that were judged.
package struct CacheSettings: Hashable, Sendable {
  /// Sequences at most; 0 for none.
  package var entriesMax: Int

  package init(entriesMax: Int = 65_536) { self.entriesMax = entriesMax }
}

extension CacheSettings {
  init(_ section: SectionReader) {
    entriesMax = section.number("entries_max", default: 65_536, in: 0...100_000_000)
    section.finish()
  }
}
