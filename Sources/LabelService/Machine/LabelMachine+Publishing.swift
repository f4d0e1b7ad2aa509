package import Basics
package import Pipeline
package import Records

/// A label that is not published yet.
struct FinishedLabel: Sendable {
  let label: TeacherLabel
  let samples: [Sample]
}

/// Labels to be stored and published, and then offsets to be committed.
package struct Publication: Sendable {
  let items: [FinishedLabel]
  package let labels: [TeacherLabel]
  package let offsets: [TopicPartition: Offset]
}

extension LabelMachine {
  /// Whether a publication is due: at once when labels are there, now and then for offsets.
  package func publicationIsDue(now: Instant) -> Decision<Void> {
    guard publishing == nil else { return .wait(until: nil) }
    if now < nextPublicationTime { return .wait(until: nextPublicationTime) }
    if finished.isEmpty {
      guard !ledger.committable.isEmpty else { return .wait(until: nil) }
      let due = lastPublication.advanced(byMilliseconds: limits.commitMilliseconds)
      if now < due, !isDraining, !isHurried { return .wait(until: due) }
    }
    return .perform(())
  }

  /// The next publication, if one is due. The group's membership must be taken before: taken later,
  /// it could let through offsets of an assignment that is over.
  package mutating func nextPublication(now: Instant) -> Decision<Publication> {
    if case .wait(let until) = publicationIsDue(now: now) { return .wait(until: until) }
    let items = Array(finished.prefix(limits.publicationMax))
    finished.removeFirst(items.count)
    for item in items { item.samples.forEach { finish($0) } }
    let publication = Publication(
      items: items, labels: items.map(\.label), offsets: ledger.committable)
    publishing = publication
    return .perform(publication)
  }

  /// The labels are in the store and in the topic, and the offsets are committed. `refused` are
  /// indices of labels that the broker will never take.
  package mutating func published(refused: Set<Int>, now: Instant) {
    guard let publication = publishing else { return }
    publishing = nil
    lastPublication = now
    counters.publications += 1
    ledger.committed(publication.offsets)
    for (index, item) in publication.items.enumerated() {
      if refused.contains(index) {
        counters.left[.tooLarge, default: 0] += 1
        continue
      }
      if let stratum = item.samples.first?.selection.stratum {
        counters.labels[stratum, default: 0] += 1
      }
      if item.label.isUnsafe { counters.unsafeLabels += 1 }
    }
  }

  /// Nothing, or not all, was written: the same labels are published again after a pause.
  package mutating func publishingFailed(pauseMilliseconds: Int, now: Instant) {
    guard let publication = publishing else { return }
    publishing = nil
    counters.failedPublications += 1
    finished.insert(contentsOf: publication.items, at: 0)
    nextPublicationTime = now.advanced(byMilliseconds: pauseMilliseconds)
  }

  /// Whether nothing is on its way any more: no request, no label, no publication.
  package var isDrained: Bool {
    inFlight.isEmpty && finished.isEmpty && publishing == nil && ledger.committable.isEmpty
  }

  /// Whether everything answered so far is published, and its offsets are committed.
  package var isPublished: Bool {
    finished.isEmpty && publishing == nil && ledger.committable.isEmpty
  }

  /// Whether labels wait for their publication.
  package var isPublishing: Bool { publishing != nil || !finished.isEmpty }
}
