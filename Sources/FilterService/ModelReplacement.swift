internal import Basics
package import Guard
internal import Hosting
internal import Threading

/// Replaces the live model while the stream goes on: when its path leads elsewhere, or when asked.
///
/// The new model is loaded, warmed and tested beside the old one, on the thread that calls `run`.
/// Whatever fails, the old one stays.
package final class ModelReplacement: Sendable {
  /// What there is to tell.
  package enum Event: Hashable, Sendable {
    /// Begins, as a reload was asked for or the path leads elsewhere.
    case loading(isReload: Bool)
    case replaced(old: String, new: String, seconds: Double)
    /// The path leads to the model that judges already.
    case unchanged(model: String)
    /// The old model stays.
    case refused(reason: String, staying: String)
  }

  private struct State {
    /// The folder of the live model.
    var folder: String?
    /// A folder whose model was refused: not tried again unless asked.
    var refused: String?
    var isReloadWanted = false
    var isOver = false
  }

  private enum Cause {
    case reload
    case path(String)
  }

  private let live: LiveModel
  private let target: @Sendable () -> String?
  private let load: @Sendable (String) throws(GuardModelFailure) -> any StreamModel
  private let pollInterval: Duration?
  private let report: @Sendable (Event) -> Void
  private let state: Monitor<State>

  /// - Parameters:
  ///   - folder: where the live model came from.
  ///   - target: the folder to which the path leads now; nil when it leads nowhere.
  ///   - load: makes the model of a folder ready to judge.
  ///   - pollInterval: how often to ask for the target; nil for never.
  ///   - report: told what happens, on the thread that calls `run`.
  package init(
    of live: LiveModel, from folder: String?, target: @escaping @Sendable () -> String?,
    load: @escaping @Sendable (String) throws(GuardModelFailure) -> any StreamModel,
    pollInterval: Duration?, report: @escaping @Sendable (Event) -> Void
  ) {
    self.live = live
    self.target = target
    self.load = load
    self.pollInterval = pollInterval
    self.report = report
    state = Monitor(State(folder: folder))
  }

  /// Replaces models until `stop`. Blocks; call it on a thread of its own.
  package func run() {
    while let cause = nextCause() {
      switch cause {
      case .reload:
        report(.loading(isReload: true))
        if let folder = target() {
          replace(folder)
        } else {
          refuse(nil, reason: "the model's path leads nowhere")
        }
      case .path(let folder):
        report(.loading(isReload: false))
        replace(folder)
      }
    }
  }

  /// Asks to load the model anew, even if the path leads where it led.
  package func reload() { state.update { $0.isReloadWanted = true } }

  /// Lets `run` return, once it has finished a model that it is loading.
  package func stop() { state.update { $0.isOver = true } }

  private func nextCause() -> Cause? {
    state.wait { state -> Monitor<State>.WaitStep<Cause?> in
      if state.isOver { return .done(nil) }
      if state.isReloadWanted {
        state.isReloadWanted = false
        return .done(.reload)
      }
      guard let pollInterval else { return .sleep(atMost: nil) }
      if let folder = target(), folder != state.folder, folder != state.refused {
        return .done(.path(folder))
      }
      return .sleep(atMost: pollInterval)
    }
  }

  private func replace(_ folder: String) {
    let start = Instant.now
    let model: any StreamModel
    do throws(GuardModelFailure) {
      model = try load(folder)
    } catch {
      refuse(folder, reason: error.description)
      return
    }
    let seconds = Instant.now.seconds(since: start)
    state.update {
      $0.folder = folder
      $0.refused = nil
    }
    let old = live.current.model
    if model.model == old {
      report(.unchanged(model: old))
    } else {
      live.replace(with: model, loadSeconds: seconds)
      report(.replaced(old: old, new: model.model, seconds: seconds))
    }
  }

  private func refuse(_ folder: String?, reason: String) {
    state.update { $0.refused = folder }
    live.noteRefusal()
    report(.refused(reason: reason, staying: live.current.model))
  }
}
