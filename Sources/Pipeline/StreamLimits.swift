package import Sections

/// When a micro-batch is given to the model.
package struct BatchLimits: Hashable, Sendable {
  /// Token ids in one batch; a single exchange above it is judged alone.
  package var tokensMax: Int
  package var recordsMax: Int
  /// Payload bytes in one batch.
  package var bytesMax: Int
  /// How long the stream must be quiet before a batch that is not full is released.
  package var lingerMilliseconds: Int
  /// How old the oldest record of a batch may become, quiet or not.
  package var ageMaxMilliseconds: Int
  /// Batches that are with the classifier at once: one more than a device computes keeps it busy.
  package var batchesInFlightMax: Int
  /// An exchange of more tokens is judged beside these, in turns with them; nil where none is.
  package var longTokens: Int?

  /// All batches that are with the classifier at once.
  package var batchesMax: Int { batchesInFlightMax + (longTokens == nil ? 0 : 1) }

  package init(
    tokensMax: Int = 8192, recordsMax: Int = 256, bytesMax: Int = 4 << 20,
    lingerMilliseconds: Int = 2, ageMaxMilliseconds: Int = 25, batchesInFlightMax: Int = 1,
    longTokens: Int? = 2048
  ) {
    self.tokensMax = tokensMax
    self.recordsMax = recordsMax
    self.bytesMax = bytesMax
    self.lingerMilliseconds = lingerMilliseconds
    self.ageMaxMilliseconds = ageMaxMilliseconds
    self.batchesInFlightMax = batchesInFlightMax
    self.longTokens = longTokens
  }
}

/// What the whole stream may hold, and how often it may try again.
package struct StreamLimits: Hashable, Sendable {
  package var batch: BatchLimits
  /// Records between being read and being committed; beyond it nothing more is read.
  package var bufferRecordsMax: Int
  package var bufferBytesMax: Int
  /// How long the buffer may be full before the client is told to pause.
  package var pauseAfterMilliseconds: Int
  package var transactionRecordsMax: Int
  package var transactionBytesMax: Int
  /// How often one transaction is tried before the service gives up and leaves.
  package var transactionAttemptsMax: Int
  /// The pause before the second attempt; it doubles for each one after.
  package var retryBackoffMilliseconds: Int
  /// How often the model is tried on one record alone before the record counts as poison.
  package var poisonAttemptsMax: Int
  /// Stop instead of dead-lettering a poison record.
  package var haltsOnPoison: Bool

  package init(
    batch: BatchLimits = BatchLimits(), bufferRecordsMax: Int = 20_000,
    bufferBytesMax: Int = 64 << 20, pauseAfterMilliseconds: Int = 1_000,
    transactionRecordsMax: Int = 5_000,
    transactionBytesMax: Int = 16 << 20, transactionAttemptsMax: Int = 5,
    retryBackoffMilliseconds: Int = 200, poisonAttemptsMax: Int = 2, haltsOnPoison: Bool = false
  ) {
    self.batch = batch
    self.bufferRecordsMax = bufferRecordsMax
    self.bufferBytesMax = bufferBytesMax
    self.pauseAfterMilliseconds = pauseAfterMilliseconds
    self.transactionRecordsMax = transactionRecordsMax
    self.transactionBytesMax = transactionBytesMax
    self.transactionAttemptsMax = transactionAttemptsMax
    self.retryBackoffMilliseconds = retryBackoffMilliseconds
    self.poisonAttemptsMax = poisonAttemptsMax
    self.haltsOnPoison = haltsOnPoison
  }
}

extension BatchLimits {
  init(_ section: SectionReader) {
    self.init()
    tokensMax = section.number("tokens_max", default: tokensMax, in: 1...10_000_000)
    recordsMax = section.number("records_max", default: recordsMax, in: 1...1_000_000)
    bytesMax = section.size("bytes_max", default: bytesMax, in: 1024...(1 << 40))
    lingerMilliseconds = section.number(
      "linger_milliseconds", default: lingerMilliseconds, in: 0...60_000)
    ageMaxMilliseconds = section.number(
      "age_max_milliseconds", default: ageMaxMilliseconds, in: 0...60_000)
    let long = section.number("long_tokens", default: longTokens ?? 0, in: 0...10_000_000)
    longTokens = long > 0 ? long : nil
    section.finish()
  }
}

extension StreamLimits {
  package init(_ root: SectionReader) {
    self.init()
    let batchSection = root.section("batch")
    batch = BatchLimits(batchSection)
    let buffer = root.section("buffer")
    bufferRecordsMax = buffer.number("records_max", default: bufferRecordsMax, in: 1...10_000_000)
    bufferBytesMax = buffer.size("bytes_max", default: bufferBytesMax, in: 1024...(1 << 40))
    pauseAfterMilliseconds = buffer.number(
      "pause_after_milliseconds", default: pauseAfterMilliseconds, in: 0...60_000)
    if bufferRecordsMax < batch.recordsMax {
      buffer.complain("must be at least batch.records_max", about: "records_max")
    }
    if bufferBytesMax < batch.bytesMax {
      buffer.complain("must be at least batch.bytes_max", about: "bytes_max")
    }
    buffer.finish()
    let poison = root.section("poison")
    poisonAttemptsMax = poison.number("attempts_max", default: poisonAttemptsMax, in: 1...100)
    haltsOnPoison = poison.choice("action", default: PoisonAction.deadLetter) == .halt
    poison.finish()
  }

  package mutating func readTransaction(_ section: SectionReader) {
    transactionRecordsMax = section.number(
      "records_max", default: transactionRecordsMax, in: 1...1_000_000)
    transactionBytesMax = section.size(
      "bytes_max", default: transactionBytesMax, in: 1024...(1 << 40))
    transactionAttemptsMax = section.number(
      "attempts_max", default: transactionAttemptsMax, in: 1...1000)
    retryBackoffMilliseconds = section.number(
      "retry_backoff_milliseconds", default: retryBackoffMilliseconds, in: 0...60_000)
  }

  private enum PoisonAction: String, CaseIterable {
    case deadLetter = "dead_letter"
    case halt
  }
}
