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
    /// How many reloads were asked for, and how many of them are done.
    var reloadsWanted = 0
    var reloadsDone = 0
    /// What the last reload came to.
    var lastReload: Event?
    var isOver = false
  }

  private enum Cause {
    /// The last of so many that were asked for.
    case reload(Int)
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
      case .reload(let number):
        report(.loading(isReload: true))
        let event =
          target().map { replace($0) } ?? refuse(nil, reason: "the model's path leads nowhere")
        state.update {
          $0.reloadsDone = number
          $0.lastReload = event
        }
      case .path(let folder):
        report(.loading(isReload: false))
        _ = replace(folder)
      }
    }
  }

  /// Asks to load the model anew, even if the path leads where it led.
  ///
  /// - Returns: the number of this reload, for `outcome(ofReload:)`.
  @discardableResult package func reload() -> Int {
    state.update {
      $0.reloadsWanted += 1
      return $0.reloadsWanted
    }
  }

  /// What a reload came to; nil when `run` ends before. Blocks.
  package func outcome(ofReload number: Int) -> Event? {
    state.wait { state in
      if state.reloadsDone >= number { return .done(state.lastReload) }
      return state.isOver ? .done(nil) : .sleep(atMost: nil)
    }
  }

  /// Lets `run` return, once it has finished a model that it is loading.
  package func stop() { state.update { $0.isOver = true } }

  private func nextCause() -> Cause? {
    state.wait { state -> Monitor<State>.WaitStep<Cause?> in
      if state.isOver { return .done(nil) }
      if state.reloadsWanted > state.reloadsDone { return .done(.reload(state.reloadsWanted)) }
      guard let pollInterval else { return .sleep(atMost: nil) }
      if let folder = target(), folder != state.folder, folder != state.refused {
        return .done(.path(folder))
      }
      return .sleep(atMost: pollInterval)
    }
  }

  private func replace(_ folder: String) -> Event {
    let start = Instant.now
    let model: any StreamModel
    do throws(GuardModelFailure) {
      model = try load(folder)
    } catch {
      return refuse(folder, reason: error.description)
    }
    let seconds = Instant.now.seconds(since: start)
    state.update {
      $0.folder = folder
      $0.refused = nil
    }
    // Nothing here may hold the old model when its end is told.
    let (name, cut) = (live.current.model, live.current.cut)
    let event: Event
    if model.model == name, model.cut == cut {
      event = .unchanged(model: name)
    } else {
      live.replace(with: model, loadSeconds: seconds)
      event = .replaced(old: name, new: model.model, seconds: seconds)
    }
    report(event)
    return event
  }

  private func refuse(_ folder: String?, reason: String) -> Event {
    state.update { $0.refused = folder }
    live.noteRefusal()
    let event = Event.refused(reason: reason, staying: live.current.model)
    report(event)
    return event
  }
}
