package import Pipeline
package import Records
package import Transport

/// How a stream runs.
package struct StreamOptions: Sendable {
  package var limits: StreamLimits
  package var policies: PolicyBook
  /// Tenants with metrics of their own.
  package var tenantsMax: Int
  /// Threads that decode and tokenize.
  package var preparationThreads: Int
  /// Records that one read takes at most; they are prepared together by one thread.
  package var pollRecordsMax: Int
  package var pollMilliseconds: Int
  /// How long giving partitions back may wait for what is being judged and published.
  package var drainTimeoutMilliseconds: Int
  /// How long leaving the group may take on top.
  package var closeMilliseconds: Int

  package init(
    limits: StreamLimits = StreamLimits(), policies: PolicyBook = PolicyBook(),
    tenantsMax: Int = 20, preparationThreads: Int = 1, pollRecordsMax: Int = 128,
    pollMilliseconds: Int = 20,
    drainTimeoutMilliseconds: Int = 10_000,
    closeMilliseconds: Int = 5_000
  ) {
    self.limits = limits
    self.policies = policies
    self.tenantsMax = tenantsMax
    self.preparationThreads = preparationThreads
    self.pollRecordsMax = pollRecordsMax
    self.pollMilliseconds = pollMilliseconds
    self.drainTimeoutMilliseconds = drainTimeoutMilliseconds
    self.closeMilliseconds = closeMilliseconds
  }
}

/// The two pure steps of a stream beside the model, what comes before it and what comes after, and
/// who looks on.
package struct StreamWork: Sendable {
  /// Decodes and tokenizes records, in order, for the model of the moment.
  package typealias Preparer = ([StreamItem]) -> [PreparedItem]
  /// Appends the records to write for a judged item.
  package typealias Encoder = (JudgedItem, inout [OutputRecord]) -> Void

  /// Makes a preparer for one thread, with buffers of its own.
  package let makePreparer: @Sendable () -> Preparer
  /// Makes an encoder for one thread, with buffers of its own.
  package let makeEncoder: @Sendable () -> Encoder
  /// Sees each committed transaction once; must not block.
  package let observe: @Sendable (Transaction) -> Void
  /// Hears why a transaction was not committed; must not block.
  package let noteAbort: @Sendable (any TransportCause) -> Void
  /// Makes spans of the work; nil for none.
  package let tracing: StreamTracing?

  package init(
    makePreparer: @escaping @Sendable () -> Preparer,
    makeEncoder: @escaping @Sendable () -> Encoder,
    observe: @escaping @Sendable (Transaction) -> Void = { _ in },
    noteAbort: @escaping @Sendable (any TransportCause) -> Void = { _ in },
    tracing: StreamTracing? = nil
  ) {
    self.makePreparer = makePreparer
    self.makeEncoder = makeEncoder
    self.observe = observe
    self.noteAbort = noteAbort
    self.tracing = tracing
  }
}
