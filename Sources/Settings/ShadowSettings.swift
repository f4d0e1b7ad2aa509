internal import Sections

/// A challenger that scores a share of the traffic without any effect on verdicts.
package struct ShadowSettings: Hashable, Sendable {
  /// A model folder or a link to one, as `model.path`.
  package var path: String
  /// The share of judged records that it scores, from 0 to 1.
  package var share: Double
  /// Records that may wait for it; what comes beyond is left out and counted.
  package var queueRecordsMax: Int
  package var queueBytesMax: Int
  /// Threads of its engine.
  package var threads: Int
}

extension ShadowSettings {
  /// nil when the section names no model.
  init?(_ section: SectionReader) {
    let path = section.optionalText("path")
    share = section.real("share", default: 0.1, in: 0...1)
    queueRecordsMax = section.number("queue_records_max", default: 1000, in: 1...1_000_000)
    queueBytesMax = section.size("queue_bytes_max", default: 16 << 20, in: 1024...(1 << 40))
    threads = section.number("threads", default: 1, in: 1...4096)
    section.finish()
    guard let path else { return nil }
    self.path = path
  }
}
