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
    /// A model that was replaced may have judged all that it had to.
    case former
  }

  /// A model that was replaced, which lives as long as it has something to judge; or none, where a
  /// model that was loaded did not come to judge.
  private struct FormerModel {
    weak var model: AnyObject?
    private var wasGone = false

    init(_ model: AnyObject? = nil) { self.model = model }

    /// Whether it was gone at the look before already: its memory is free by now.
    mutating func isFreed() -> Bool {
      defer { wasGone = model == nil }
      return wasGone
    }
  }

  private static let lookInterval = Duration.seconds(1)

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
    var former: FormerModel?
    while let cause = nextCause(isLooking: former != nil) {
      switch cause {
      case .former:
        if former?.isFreed() == true {
          returnFreedMemory()
          former = nil
        }
      case .reload(let number):
        report(.loading(isReload: true))
        let event =
          target().map { replace($0, &former) }
          ?? refuse(nil, reason: "the model's path leads nowhere")
        state.update {
          $0.reloadsDone = number
          $0.lastReload = event
        }
        former = former ?? FormerModel()
      case .path(let folder):
        report(.loading(isReload: false))
        _ = replace(folder, &former)
        former = former ?? FormerModel()
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

  /// - Parameter isLooking: whether a model that was replaced may still be there.
  private func nextCause(isLooking: Bool) -> Cause? {
    let look = isLooking ? Instant.now.advanced(by: Self.lookInterval) : nil
    return state.wait { state -> Monitor<State>.WaitStep<Cause?> in
      if state.isOver { return .done(nil) }
      if state.reloadsWanted > state.reloadsDone { return .done(.reload(state.reloadsWanted)) }
      if pollInterval != nil, let folder = target(), folder != state.folder,
        folder != state.refused
      {
        return .done(.path(folder))
      }
      guard let look else { return .sleep(atMost: pollInterval) }
      return Instant.now >= look ? .done(.former) : .sleep(atMost: Self.lookInterval)
    }
  }

  private func replace(_ folder: String, _ former: inout FormerModel?) -> Event {
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
      former = FormerModel(live.current as AnyObject)
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
