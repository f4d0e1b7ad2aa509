internal import Synchronization

/// Whether small batches replay recorded work (CUDA graphs), for all lanes of a model.
///
/// That only saves time. Where it fails once, or does not compute what was recorded, everything is
/// launched kernel by kernel from then on, and nothing is recorded again.
final class Recording: Sendable {
  private let isGoingWell = Atomic(true)
  private let report: @Sendable (String) -> Void

  /// - Parameter report: told the reason, once, when nothing is recorded any more.
  init(report: @escaping @Sendable (String) -> Void) { self.report = report }

  /// Whether it has gone well so far.
  var isUsed: Bool { isGoingWell.load(ordering: .relaxed) }

  /// Nothing is recorded or replayed from now on.
  func giveUp(because reason: String) {
    if isGoingWell.exchange(false, ordering: .relaxed) {
      report("small batches are launched kernel by kernel, without CUDA graphs: \(reason)")
    }
  }
}
