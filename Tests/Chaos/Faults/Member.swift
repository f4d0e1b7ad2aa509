import Glibc
import TestSupport

/// A member of the group: the daemon that has its name now, and its way to the broker.
final class Member {
  let number: Int
  let proxy: KafkaProxy?
  private let plan: ChaosPlan
  private let settings: String
  private(set) var daemon: Daemon?
  /// Daemons that were held still while another one took their place.
  private var zombies: [Daemon] = []
  private var starts = 0
  private var retryAt = ContinuousClock.now
  /// How daemons ended that nobody killed, and how often.
  private(set) var endings: [ChildProcess.Ending: Int] = [:]

  init(number: Int, proxy: KafkaProxy?, ground: Ground, plan: ChaosPlan) {
    (self.number, self.proxy, self.plan) = (number, proxy, plan)
    let group = ground.names.group
    let membership = plan.membership.settings(of: number, group: group)
    settings = """
      kafka:
        bootstrap_servers: \(proxy?.bootstrapServers ?? ground.bootstrapServers)
        group_id: \(group)
        \(membership.joined(separator: "\n  "))
      topics:
        input: \(ground.names.input)
        verdicts: \(ground.names.verdicts)
        dead_letters: \(ground.names.deadLetters)
      model: {path: \(Workload.model)}
      engine: {precision: fp32, threads: 1}
      batch: {records_max: 16}
      transaction: {records_max: 50}
      telemetry: {listen: none}
      drain_timeout_milliseconds: 5000

      """
  }

  /// As a service manager does: puts a new daemon in the place of one that has ended.
  func revive() throws {
    reap()
    if daemon == nil, ContinuousClock.now >= retryAt { try start() }
  }

  private func start() throws {
    starts += 1
    let program = starts.isMultiple(of: 2) ? plan.previous ?? plan.program : plan.program
    daemon = try Daemon(program, settings: settings, log: "\(plan.folder)/daemon-\(number).log")
  }

  private func reap() {
    if let ended = daemon, !ended.process.isRunning {
      note(ended)
      // Whoever leaves at once is not started all the time.
      let isHasty = ContinuousClock.now - ended.startedAt < .seconds(1)
      retryAt = .now + .milliseconds(isHasty ? 500 : 20)
      daemon = nil
    }
    for zombie in zombies where !zombie.process.isRunning { note(zombie) }
    zombies.removeAll { !$0.process.isRunning }
  }

  private func note(_ daemon: Daemon) {
    if let ending = daemon.process.ending { endings[ending, default: 0] += 1 }
  }

  /// SIGKILL.
  func kill() {
    daemon?.process.kill()
    daemon = nil
    retryAt = .now
  }

  /// SIGTERM: it leaves in order.
  func leave() { daemon?.process.send(signal: SIGTERM) }

  /// Holds it still; what is returned lets it go on.
  func stop() -> () -> Void {
    guard let process = daemon?.process else { return {} }
    process.send(signal: SIGSTOP)
    return { process.send(signal: SIGCONT) }
  }

  /// Holds it still and starts another one under its name; what is returned lets it go on.
  func replaceHeld() throws -> () -> Void {
    guard let held = daemon else { return {} }
    held.process.send(signal: SIGSTOP)
    zombies.append(held)
    try start()
    return { held.process.send(signal: SIGCONT) }
  }

  /// Asks all to leave, in order; whoever has not after that long is killed, which shows.
  func end(within limit: Duration) {
    for zombie in zombies {
      zombie.process.stop(within: limit)
      note(zombie)
    }
    zombies = []
    guard let daemon else { return }
    daemon.process.stop(within: limit)
    note(daemon)
    self.daemon = nil
  }
}
