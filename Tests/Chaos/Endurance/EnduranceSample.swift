/// One look at everything.
package struct EnduranceSample: Sendable {
  /// What one program tells of itself, and `/proc` of it.
  package struct Health: Sendable {
    let gauge: ProcessGauge
    let isLive: Bool
    let isReady: Bool
    /// Time from reading to commit; empty of the labelling service.
    let latency: Histogram
    /// Records behind the ends of all partitions; nil where it is not known.
    let lag: Double?

    package init(
      gauge: ProcessGauge, isLive: Bool = true, isReady: Bool = true, latency: Histogram,
      lag: Double? = nil
    ) {
      (self.gauge, self.isLive, self.isReady) = (gauge, isLive, isReady)
      (self.latency, self.lag) = (latency, lag)
    }

    /// Nil where the program is gone or does not answer.
    init?(process: Int32, port: UInt16) {
      guard let gauge = ProcessGauge(process), let page = StatusPage("/metrics", port: port) else {
        return nil
      }
      self.init(
        gauge: gauge, isLive: page.sum(of: "sluice_live") == 1,
        isReady: page.sum(of: "sluice_ready") == 1,
        latency: page.histogram("sluice_latency_seconds"),
        lag: page.sum(of: "sluice_lag_records"))
    }
  }

  /// Seconds since the beginning.
  let at: Double
  package let sent: Int
  package let decided: Int
  let filter: Health?
  let labeller: Health?
  /// Times at which another model was let in.
  let swaps: Int

  package init(
    at: Double, sent: Int, decided: Int, filter: Health?, labeller: Health? = nil, swaps: Int = 0
  ) {
    (self.at, self.sent, self.decided) = (at, sent, decided)
    (self.filter, self.labeller, self.swaps) = (filter, labeller, swaps)
  }

  var backlog: Int { sent - decided }
}
