import ArgumentParser
import Foundation
import Presentation
import Retraining
import Settings

struct Retrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train the next model from the labels so far, and let it in if it proves better.",
    discussion: """
      Brings its copy of the labels up to the end of their topic, trains from the champion of the
      registry, calibrates, and lets the gate of the section retrain decide. A candidate that passes
      becomes the champion, and daemons whose model.path is the registry's `current` take it up. In
      every other case the champion stays. How the run ended stands in last-outcome.json of
      retrain.folder, and in retrain.metrics_file.

      Meant for a timer (sluice-retrain.timer, or cron): one run at a time, and one that was killed
      goes on where it was.

      Exit codes: 0 promoted, registered, or too few new labels; 10 refused by the gate; 65 data,
      66 champion or a missing file, 69 brokers or a registry in use, 70 internal, 73 output,
      75 stopped or another run at work, 78 settings.

      Example: sluice retrain --config /etc/sluice/sluice.yaml
      Example: sluice retrain --config sluice.yaml --force --leave-champion
      """)

  @Option(name: .shortAndLong, help: "The settings file.")
  var config = "/etc/sluice/sluice.yaml"

  @Flag(help: "Train also when too few labels are new.")
  var force = false

  @Flag(help: "Register a candidate that passes the gate, and do not promote it.")
  var leaveChampion = false

  /// The exit code of a refusal, which is a result and no error of sysexits.h.
  static let refused: Int32 = 10

  func run() throws {
    let settings = try loadSettings(config)
    let outcome: RetrainOutcome
    do {
      var options = RetrainJob.Options()
      options.isForced = force
      options.leavesChampion = leaveChampion
      StopSignal.listen()
      let bar = ProgressBar(unwatchedInterval: .seconds(30))
      outcome = try RetrainJob(
        settings: settings, environment: ProcessInfo.processInfo.environment, options: options,
        shouldStop: { StopSignal.isRaised }
      ) { event in
        switch event {
        case .step(let text):
          bar.finish()
          printError(text)
        case .training(let progress): bar.show { progress.line }
        case .check(let check):
          printError("  \(check.isPassed ? "passed" : "FAILED")  \(check.name): \(check.detail)")
        case .warning(let text): printError("warning: \(text)")
        }
      }.run()
    } catch {
      throw exitError(for: error)
    }
    StandardOutput.say(summary(outcome))
    if outcome.kind == .rejected { throw ExitCode(Self.refused) }
  }

  private func summary(_ outcome: RetrainOutcome) -> String {
    let version = outcome.version.map { "\($0)" } ?? "no version"
    let champion = outcome.champion.map { "\($0)" } ?? "none"
    return switch outcome.kind {
    case .promoted: "\(version) is the champion; before it was \(champion)"
    case .registered: "\(version) passed the gate and waits; \(champion) stays the champion"
    case .rejected:
      "\(version) was refused; \(champion) stays the champion\n  "
        + outcome.reasons.joined(separator: "\n  ")
    case .skipped, .failed: "\(outcome.kind.rawValue): \(outcome.reasons.joined(separator: "; "))"
    }
  }
}
