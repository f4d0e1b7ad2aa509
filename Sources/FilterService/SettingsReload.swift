internal import Logging
internal import Pipeline
internal import Sections
internal import Settings
internal import Synchronization
internal import Telemetry
internal import Threading

/// Reads the settings file again, and takes up what may change while records flow: policies,
/// tenants, exceptions and the model. What was right before stays where the file is wrong now.
final class SettingsReload: Sendable {
  typealias Answer = @Sendable (ReloadReport) -> Void

  /// What became of the files that were read.
  private struct Figures: Sendable {
    var replaced = 0
    var unchanged = 0
    var refused = 0
  }

  private struct Requests {
    var isWanted = false
    var answers: [Answer] = []
    var isOver = false
  }

  private let file: String
  /// What the daemon was started with.
  private let first: Settings
  private let daemon: FilterDaemon
  private let policies: LivePolicies
  private let model: LiveModelSettings
  private let replacement: ModelReplacement
  private let logger: Logger
  private let counts = Mutex(Figures())
  private let requests = Monitor(Requests())

  init(
    file: String, started first: Settings, daemon: FilterDaemon, policies: LivePolicies,
    model: LiveModelSettings, replacement: ModelReplacement, logger: Logger
  ) {
    self.file = file
    self.first = first
    self.daemon = daemon
    self.policies = policies
    self.model = model
    self.replacement = replacement
    self.logger = logger
  }

  /// Which rules decide, and what became of the files that were read again.
  func add(to page: inout MetricsPage) {
    let current = policies.current
    page.gauge(
      "sluice_policy_info", "The policies that decide, by the digest of their rules.",
      current.all.map { ([("policy", $0.name), ("digest", $0.digest)], 1) })
    page.gauge(
      "sluice_exception_expiry_timestamp_seconds", "When exceptions end.",
      current.exceptions.map {
        ([("exception", $0.name)], Double($0.expiresAtMilliseconds) / 1_000)
      })
    let figures = counts.withLock { $0 }
    page.counter(
      "sluice_settings_reloads_total", "Settings that were read again, by what became of them.",
      [
        ([("outcome", "replaced")], Double(figures.replaced)),
        ([("outcome", "unchanged")], Double(figures.unchanged)),
        ([("outcome", "refused")], Double(figures.refused)),
      ])
  }

  // MARK: Requests

  /// Asks to read the file once more.
  ///
  /// - Parameter answer: called with what it came to; several that wait get one answer.
  func request(_ answer: Answer? = nil) {
    requests.update {
      $0.isWanted = true
      if let answer { $0.answers.append(answer) }
    }
  }

  /// Reads the file whenever that is asked for, until `stop`. Blocks: for a thread of its own.
  func run() {
    while let answers = nextRequest() {
      let report = reload()
      for answer in answers { answer(report) }
    }
    let over = ReloadReport.Part(.refused, "the daemon is ending")
    for answer in requests.withLock({ $0.answers }) {
      answer(ReloadReport(policies: over, model: over, needsRestart: false))
    }
  }

  /// Lets `run` return.
  func stop() { requests.update { $0.isOver = true } }

  private func nextRequest() -> [Answer]? {
    requests.wait { state in
      if state.isOver { return .done(nil) }
      guard state.isWanted else { return .sleep(atMost: nil) }
      defer { state = Requests() }
      return .done(state.answers)
    }
  }

  // MARK: Reloading

  private func reload() -> ReloadReport {
    let settings: Settings
    do throws(SettingsError) {
      settings = try Settings(file: file)
    } catch {
      let reason = error.problems.map(\.description).prefix(5).joined(separator: "; ")
      let refused = refuse(reason)
      return ReloadReport(
        policies: refused, model: reloadModel(by: model.current), needsRestart: false)
    }
    let needsRestart = changesMore(settings)
    if needsRestart { logger.warning("other settings changed: they count after a restart") }
    if complaint(about: settings) == nil {
      let part = replacePolicies(with: settings.policies)
      return ReloadReport(
        policies: part, model: reloadModel(by: settings.model), needsRestart: needsRestart)
    }
    // They are for another model, which must be there first.
    policies.await(settings.policies)
    let part = reloadModel(by: settings.model)
    policies.await(nil)
    let rules = complaint(about: settings).map(refuse) ?? replacePolicies(with: settings.policies)
    return ReloadReport(policies: rules, model: part, needsRestart: needsRestart)
  }

  private func complaint(about settings: Settings) -> String? {
    settings.policies.complaint(about: daemon.model.current.categories)
  }

  /// Whether more changed than what is taken up here.
  private func changesMore(_ settings: Settings) -> Bool {
    var rest = settings
    rest.policies = first.policies
    rest.model = first.model
    rest.model.pollSeconds = settings.model.pollSeconds
    return rest != first
  }

  private func replacePolicies(with book: PolicyBook) -> ReloadReport.Part {
    let digests = book.all.map { "\($0.name) \($0.digest.prefix(8))" }.joined(separator: ", ")
    guard book != policies.current else {
      counts.withLock { $0.unchanged += 1 }
      logger.info("policies unchanged")
      return ReloadReport.Part(.unchanged, digests)
    }
    daemon.replacePolicies(with: book)
    counts.withLock { $0.replaced += 1 }
    logger.notice("policies replaced", metadata: ["policies": "\(digests)"])
    return ReloadReport.Part(.replaced, digests)
  }

  /// Loads the model by these settings; where it is refused, those of before stay.
  private func reloadModel(by wanted: ModelSettings) -> ReloadReport.Part {
    let (before, old) = (model.current, daemon.model.current.model)
    model.replace(with: wanted)
    guard let event = replacement.outcome(ofReload: replacement.reload()) else {
      return ReloadReport.Part(.refused, "the daemon is ending")
    }
    if case .refused(let reason, _) = event {
      model.replace(with: before)
      return ReloadReport.Part(.refused, reason)
    }
    // Whoever follows the path may have been first.
    let new = daemon.model.current.model
    if case .unchanged = event, new == old { return ReloadReport.Part(.unchanged, new) }
    return ReloadReport.Part(.replaced, new)
  }

  private func refuse(_ reason: String) -> ReloadReport.Part {
    counts.withLock { $0.refused += 1 }
    logger.error("settings refused, the old ones stay", metadata: ["reason": "\(reason)"])
    return ReloadReport.Part(.refused, reason)
  }
}
