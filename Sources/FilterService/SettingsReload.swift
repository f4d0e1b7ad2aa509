internal import Logging
internal import Pipeline
internal import Sections
internal import Settings
internal import Synchronization
internal import Telemetry

/// Reads the settings file again, and takes up what may change while records flow: policies and
/// tenants. What was right before stays where the file is wrong now.
final class SettingsReload: Sendable {
  /// What became of the files that were read.
  private struct Figures: Sendable {
    var replaced = 0
    var unchanged = 0
    var refused = 0
  }

  private let file: String
  /// What the daemon was started with.
  private let first: Settings
  private let daemon: FilterDaemon
  private let policies: LivePolicies
  private let logger: Logger
  private let counts = Mutex(Figures())

  init(
    file: String, started first: Settings, daemon: FilterDaemon, policies: LivePolicies,
    logger: Logger
  ) {
    self.file = file
    self.first = first
    self.daemon = daemon
    self.policies = policies
    self.logger = logger
  }

  /// Which rules decide, and what became of the files that were read again.
  func add(to page: inout MetricsPage) {
    page.gauge(
      "sluice_policy_info", "The policies that decide, by the digest of their rules.",
      policies.current.all.map { ([("policy", $0.name), ("digest", $0.digest)], 1) })
    let figures = counts.withLock { $0 }
    page.counter(
      "sluice_settings_reloads_total", "Settings that were read again, by what became of them.",
      [
        ([("outcome", "replaced")], Double(figures.replaced)),
        ([("outcome", "unchanged")], Double(figures.unchanged)),
        ([("outcome", "refused")], Double(figures.refused)),
      ])
  }

  /// Reads the file once.
  func run() {
    let settings: Settings
    do throws(SettingsError) {
      settings = try Settings(file: file)
    } catch {
      refuse(error.problems.map(\.description).prefix(5).joined(separator: "; "))
      return
    }
    if let complaint = settings.policies.complaint(about: daemon.model.current.categories) {
      refuse(complaint)
      return
    }
    var rest = settings
    rest.policies = first.policies
    if rest != first {
      logger.warning("other settings changed: they count after a restart")
    }
    guard settings.policies != policies.current else {
      counts.withLock { $0.unchanged += 1 }
      logger.info("policies unchanged")
      return
    }
    policies.replace(with: settings.policies)
    daemon.replacePolicies(with: settings.policies)
    counts.withLock { $0.replaced += 1 }
    let digests = settings.policies.all.map { "\($0.name) \($0.digest.prefix(8))" }
    logger.notice(
      "policies replaced", metadata: ["policies": "\(digests.joined(separator: ", "))"])
  }

  private func refuse(_ reason: String) {
    counts.withLock { $0.refused += 1 }
    logger.error("settings refused, the old ones stay", metadata: ["reason": "\(reason)"])
  }
}
