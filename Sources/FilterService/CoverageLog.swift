package import Logging
package import Pipeline
internal import Records
internal import Synchronization

/// Says in the log once for each reason that texts were left unjudged; the metrics count them all.
package final class CoverageLog: Sendable {
  private let logger: Logger
  private let known = Mutex<Set<String>>([])

  package init(logger: Logger) { self.logger = logger }

  /// Looks at a committed transaction.
  package func observe(_ transaction: Transaction) {
    for item in transaction.items {
      guard case .judged(let judged) = item.outcome, let coverage = judged.exchange.coverage,
        !coverage.leftOut.isEmpty
      else { continue }
      for (reason, count) in coverage.leftOut.sorted(by: { $0.key < $1.key }) {
        guard known.withLock({ $0.insert(reason).inserted }) else { continue }
        logger.notice(
          "texts were left unjudged",
          metadata: [
            "reason": "\(reason)", "texts": "\(count)",
            "judged": "\(coverage.judged)/\(coverage.texts)",
            "source": "\(item.item.record.source)",
          ])
      }
    }
  }
}
