import Augmentation

/// What is said at the end of a run.
struct AugmentSummary {
  let manifest: AugmentationManifest
  let files: Augmentation.Files

  var text: String {
    let counts = manifest.counts
    var lines = [
      "\(counts.rowsTotal) rows of \(counts.accepted) instructions in \(files.output) "
        + "(\(list(counts.rows)))"
    ]
    let dropped = counts.attempts - counts.accepted
    lines.append(
      "\(counts.attempts) attempts, \(dropped) dropped"
        + (counts.dropped.isEmpty ? "" : " (\(list(counts.dropped)))"))
    if !counts.rowsDropped.isEmpty { lines.append("rows not made: \(list(counts.rowsDropped))") }
    if let rate = manifest.refusals.withPrefix { lines.append("refused with prefix: \(say(rate))") }
    if let rate = manifest.refusals.withoutPrefix {
      lines.append("refused without prefix: \(say(rate))")
    }
    lines.append("labels by \(manifest.labels.by); \(manifest.requests) requests")
    switch manifest.ended {
    case "finished": break
    case "attempts": lines.append("ended early: too few new instructions in all attempts")
    default: lines.append("ended early: the budget of \(manifest.ended) is used up")
    }
    return lines.joined(separator: "\n")
  }

  private func list(_ counts: [String: Int]) -> String {
    counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
  }

  private func say(_ rate: RefusalRate) -> String {
    func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10)" }
    return "\(percent(rate.rate)) % of \(rate.answers) "
      + "(95 %: \(percent(rate.interval.lowerBound))–\(percent(rate.interval.upperBound)))"
  }
}
