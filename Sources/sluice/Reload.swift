import ArgumentParser
import Basics
import FilterService
import Foundation
import Settings
internal import StrictJSON
import Telemetry

struct Reload: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let a running daemon read its settings again.",
    discussion: """
      Policies, tenants, exceptions and the model change between two transactions, without a
      rebalance; other settings count after a restart. What is wrong changes nothing. Waits until
      it is done, and says what changed or why nothing did.

      The daemon listens on a Unix socket that only its own user and root may use: control_socket
      of the settings, else control.sock in the runtime folder that systemd made for it.

      Exit codes: 0 done, whether anything changed or not; 66 the model was refused; 69 no daemon
      answers; 78 the settings were refused.

      Example: sluice reload
      Example: sluice reload --socket /run/sluice/eu/control.sock --json
      """)

  @Option(name: .shortAndLong, help: "The daemon's settings file, which may name the socket.")
  var config = "/etc/sluice/sluice.yaml"

  @Option(help: "The socket.")
  var socket: String?

  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
    let answer: ControlSocket.Answer
    do throws(ControlSocket.Failure) {
      answer = try await ControlSocket.reload(at: place())
    } catch {
      throw fail(error.description, code: ExitStatus.unavailable.rawValue)
    }
    guard let report = try? JSONCoder.decode(ReloadReport.self, from: Array(answer.body)) else {
      throw fail("the daemon's answer is not understood", code: ExitStatus.unavailable.rawValue)
    }
    if json {
      StandardOutput.say(String(decoding: answer.body, as: UTF8.self))
    } else {
      say(report)
    }
    if report.policies.outcome == .refused { throw ExitCode(ExitStatus.configuration.rawValue) }
    if report.model.outcome == .refused { throw ExitCode(ExitStatus.noInput.rawValue) }
  }

  private func say(_ report: ReloadReport) {
    for (name, part) in [("policies", report.policies), ("model", report.model)] {
      StandardOutput.say("\(name) \(part.outcome.rawValue): \(part.detail)")
    }
    if report.needsRestart {
      StandardOutput.say("other settings changed: they count after a restart")
    }
  }

  /// A file with mistakes may still name the socket, but not reliably: the standard place is tried.
  private func place() -> String {
    if let socket { return socket }
    let setting = (try? Settings(file: config))?.controlSocket
    let environment = ProcessInfo.processInfo.environment
    return ControlSocket.path(setting, environment: environment) ?? ControlSocket.standardPath
  }
}
