package import Basics
internal import DequeModule

/// Why a batch was released.
package enum ReleaseReason: String, Hashable, Sendable, CaseIterable {
  /// The next record would exceed the token budget, or the budget is full.
  case tokens
  case records
  case bytes
  /// The next record was tokenized for another model.
  case model
  /// Nothing was being judged or made ready: waiting would have been for records that nobody has
  /// read yet.
  case idle
  /// The stream went quiet.
  case linger
  /// The oldest record had waited long enough.
  case age
  /// Nothing more will come: the stream is stopping, or consumption is paused.
  case drain
  /// The second look at a batch on which the model failed.
  case retry
}

/// Collects prepared records in order and decides when enough are together.
///
/// The engine packs sequences without padding, so a batch is full by tokens, not by its longest
/// text. Waiting happens only while records trickle in and the classifier has something else to do:
/// as soon as the next record would not fit, or the classifier idles, the batch goes.
package struct MicroBatcher: Sendable {
  private let limits: BatchLimits
  private var queue = Deque<PreparedItem>()
  private var lastArrival = Instant.zero

  package init(limits: BatchLimits) {
    self.limits = limits
  }

  package var isEmpty: Bool { queue.isEmpty }
  package var count: Int { queue.count }

  /// Adds records, in stream order, at the moment they became ready.
  package mutating func append(_ items: [PreparedItem], now: Instant) {
    guard !items.isEmpty else { return }
    queue.append(contentsOf: items)
    lastArrival = now
  }

  /// What to do at `now`.
  package enum Release: Sendable {
    case release([PreparedItem], ReleaseReason)
    /// Ask again at that time, or when records were added; nil: only when records were added.
    case wait(until: Instant?)
  }

  /// Releases a batch if one is due.
  ///
  /// - Parameter hurry: why waiting for more records is pointless; nil where it is not.
  package mutating func next(now: Instant, hurry: ReleaseReason?) -> Release {
    guard let oldest = queue.first else { return .wait(until: nil) }
    let (count, full) = fill()
    if let full { return .release(queue.take(count), full) }
    if let hurry { return .release(queue.take(count), hurry) }
    let aged = oldest.item.arrival.advanced(byMilliseconds: limits.ageMaxMilliseconds)
    if now >= aged { return .release(queue.take(count), .age) }
    let quiet = lastArrival.advanced(byMilliseconds: limits.lingerMilliseconds)
    if now >= quiet { return .release(queue.take(count), .linger) }
    return .wait(until: min(aged, quiet))
  }

  /// Removes and returns the records that do not satisfy `isWanted`.
  mutating func discard(unless isWanted: (PreparedItem) -> Bool) -> [PreparedItem] {
    queue.removeAll(unless: isWanted)
  }

  /// How many records at the front fit one batch, all of one model, and by which limit it is full,
  /// if it is.
  private func fill() -> (count: Int, full: ReleaseReason?) {
    var count = 0
    var tokens = 0
    var bytes = 0
    let model = queue.first?.classifier.model
    for item in queue {
      if item.classifier.model != model { return (count, .model) }
      if count > 0, tokens + item.tokens > limits.tokensMax { return (count, .tokens) }
      if count > 0, bytes + item.bytes > limits.bytesMax { return (count, .bytes) }
      count += 1
      tokens += item.tokens
      bytes += item.bytes
      if tokens >= limits.tokensMax { return (count, .tokens) }
      if bytes >= limits.bytesMax { return (count, .bytes) }
      if count == limits.recordsMax { return (count, .records) }
    }
    return (count, nil)
  }
}
