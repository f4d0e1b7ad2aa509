internal import Basics
package import Kafka
package import Telemetry

extension MetricsPage {
  /// How often transactions left doubt, and what fresh producers cost. Both stay at zero while no
  /// connection breaks and nothing is aborted.
  package mutating func addDoubts(_ doubts: TransactionDoubts) {
    counter(
      "sluice_transaction_doubts_total",
      "Transactions after which a fresh producer took over, by cause.",
      TransactionDoubt.Cause.allCases.map {
        ([("cause", $0.rawValue)], Double(doubts.counts[$0] ?? 0))
      })
    counter(
      "sluice_transaction_renewal_seconds_total", "Time spent on putting fresh producers in place.",
      [([], doubts.renewal.seconds)])
  }
}
