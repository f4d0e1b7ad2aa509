internal import Hosting
internal import Kafka
internal import Logging
internal import Pipeline
internal import Settings

extension StreamWork {
  /// What the daemon's threads do with records, by its settings.
  init(
    _ settings: Settings, model: LiveModel, policies: LivePolicies, shadow: ShadowScorer?,
    tracing: StreamTracing?, partitionCounts: [String: Int], logger: Logger
  ) {
    let wire = settings.wire
    let router = Router(topics: settings.outputTopics)
    let coverageLog = CoverageLog(logger: logger)
    let abortLog = FailureLog("a publication failed", logger: logger)
    self.init(
      makePreparer: {
        var preparer = RecordPreparer(
          defaultFormat: wire.inputFormat, tombstones: wire.tombstones,
          conversations: wire.conversations)
        return { items in
          let (model, digestsContent) = (model.current, policies.looksAtContents)
          return items.map {
            preparer.prepare($0, for: model, digestsContent: digestsContent)
          }
        }
      },
      makeEncoder: {
        var encoder = OutputEncoder(
          router: router, format: wire.outputFormat, echoesMetadata: wire.echoesMetadata,
          partitionCounts: partitionCounts,
          keepsTimestamps: settings.outputTopics.keepsTimestamps)
        return { item, records in encoder.encode(item, into: &records) }
      },
      observe: { transaction in
        coverageLog.observe(transaction)
        shadow?.observe(transaction)
      }, noteAbort: { abortLog.note($0) }, tracing: tracing)
  }
}
