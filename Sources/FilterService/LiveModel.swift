package import Guard
internal import Synchronization

/// The model of the moment: records are tokenized for it from now on.
///
/// A record keeps the model that it was tokenized for until it is judged, so a replaced model lives
/// exactly as long as it has something to judge.
package final class LiveModel: Sendable {
  /// What became of the models so far.
  package struct Figures: Sendable {
    /// Replacements that took place.
    package fileprivate(set) var swaps = 0
    /// Models that were refused since they could not be loaded or failed their self-test.
    package fileprivate(set) var refusals = 0
    /// What loading, warming and testing the last model took; 0 before the first.
    package fileprivate(set) var lastLoadSeconds = 0.0
  }

  private struct State: Sendable {
    var model: any StreamModel
    var figures = Figures()
  }

  private let state: Mutex<State>

  /// - Parameter loadSeconds: what making the model ready took.
  package init(_ model: any StreamModel, loadSeconds: Double = 0) {
    var first = State(model: model)
    first.figures.lastLoadSeconds = loadSeconds
    state = Mutex(first)
  }

  package var current: any StreamModel { state.withLock { $0.model } }
  package var figures: Figures { state.withLock { $0.figures } }

  /// Lets another model judge all records that are tokenized from now on.
  package func replace(with model: any StreamModel, loadSeconds: Double) {
    // The old model goes outside the lock: freeing its memory takes time.
    let old = state.withLock { state in
      defer {
        state.model = model
        state.figures.swaps += 1
        state.figures.lastLoadSeconds = loadSeconds
      }
      return state.model
    }
    withExtendedLifetime(old) {}
  }

  /// Counts a model that was not let in.
  package func noteRefusal() { state.withLock { $0.figures.refusals += 1 } }
}
