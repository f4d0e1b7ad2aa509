internal import Basics
package import Telemetry

extension LabelSnapshot {
  /// The metrics page.
  package func metricsPage() -> MetricsPage {
    var page = MetricsPage(version: ProgramVersion.current)
    addRecords(to: &page)
    addTeacher(to: &page)
    addEstimates(to: &page)
    addStore(to: &page)
    return page
  }

  private func addRecords(to page: inout MetricsPage) {
    page.counter("sluice_label_exchanges_total", "Exchanges read.", counters.exchanges)
    page.counter("sluice_label_verdicts_total", "Verdicts read.", counters.verdicts)
    page.counter(
      "sluice_label_disagreements_total", "Disagreements with a challenger read.",
      counters.disagreements)
    page.counter(
      "sluice_label_unreadable_total", "Records that are neither verdict nor disagreement.",
      counters.unreadable)
    page.counter(
      "sluice_label_chosen_total", "Exchanges chosen, by stratum.",
      Stratum.allCases.map {
        ([("stratum", $0.rawValue)], Double(counters.chosen[$0] ?? 0))
      })
    page.counter(
      "sluice_labels_total", "Labels published, by stratum.",
      Stratum.allCases.map {
        ([("stratum", $0.rawValue)], Double(counters.labels[$0] ?? 0))
      })
    page.counter("sluice_labels_unsafe_total", "Labels that say unsafe.", counters.unsafeLabels)
    page.counter(
      "sluice_label_reused_total", "Chosen exchanges whose content had a label.", counters.reused)
    page.counter(
      "sluice_label_left_total", "Exchanges left unlabelled, by reason.",
      LabelCounters.Reason.allCases.map {
        ([("reason", $0.rawValue)], Double(counters.left[$0] ?? 0))
      })
    page.gauge("sluice_label_queue", "Exchanges that wait for the teacher.", Double(queued))
    page.gauge(
      "sluice_label_waiting_exchanges", "Exchanges without their verdict.",
      Double(waitingExchanges))
    page.gauge(
      "sluice_label_waiting_verdicts", "Verdicts without their exchange.",
      Double(waitingVerdicts))
    page.gauge("sluice_label_assigned_partitions", "Partitions held.", Double(assigned))
  }

  private func addTeacher(to page: inout MetricsPage) {
    page.counter("sluice_teacher_requests_total", "Requests sent, each try counted.", teacher.sent)
    page.counter("sluice_teacher_failures_total", "Requests that failed.", teacher.failed)
    page.gauge("sluice_teacher_requests_in_flight", "Questions on their way.", Double(inFlight))
    if let left = teacher.budgetLeft {
      page.gauge(
        "sluice_teacher_budget_left", "Requests that may be sent in this hour.", Double(left))
    }
    page.gauge(
      "sluice_teacher_circuit_open", "1 while the teacher is left alone.",
      teacher.isCircuitOpen ? 1 : 0)
    page.histogram("sluice_teacher_seconds", "What an answer took.", teacherLatency)
  }

  private func addEstimates(to page: inout MetricsPage) {
    page.gauge(
      "sluice_live_judged", "Exchanges in the estimates' window.", Double(estimates.judged))
    page.gauge("sluice_live_labels", "Labels in it.", Double(estimates.labels))
    add(
      estimates.recall, "sluice_live_recall",
      "Share of the exchanges unsafe to the teacher that the guard flags, with 95 % limits.",
      to: &page)
    add(
      estimates.falsePositiveRate, "sluice_live_false_positive_rate",
      "Share of the exchanges safe to the teacher that the guard flags, with 95 % limits.",
      to: &page)
  }

  private func add(
    _ estimate: Estimate?, _ name: String, _ help: String, to page: inout MetricsPage
  ) {
    page.gauge(
      name, help,
      estimate.map {
        [
          ([("bound", "estimate")], $0.value), ([("bound", "lower")], $0.lower),
          ([("bound", "upper")], $0.upper),
        ]
      } ?? [])
  }

  private func addStore(to page: inout MetricsPage) {
    page.gauge("sluice_label_store_labels", "Labels in the store.", Double(contents.labels))
    page.gauge(
      "sluice_label_store_contents", "Contents in the store, by split.",
      [
        ([("split", "train")], Double(contents.contents[.train] ?? 0)),
        ([("split", "validation")], Double(contents.contents[.validation] ?? 0)),
        ([("split", "test")], Double(contents.contents[.test] ?? 0)),
      ])
    page.gauge(
      "sluice_label_store_near_groups", "Groups of near-duplicates.",
      Double(contents.nearGroups))
    page.counter(
      "sluice_label_tombstones_total", "Tombstones followed.", followedTombstones)
    page.counter("sluice_label_followed_total", "Labels read from the topic.", followedLabels)
    page.counter("sluice_label_purged_total", "Contents too old.", purged)
  }
}
