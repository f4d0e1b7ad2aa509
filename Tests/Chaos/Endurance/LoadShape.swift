/// How many exchanges come when.
package struct LoadShape: Sendable {
  /// For so many seconds, so many exchanges a second.
  package struct Phase: Sendable {
    let seconds: Double
    let rate: Double

    package init(seconds: Double, rate: Double) { (self.seconds, self.rate) = (seconds, rate) }
  }

  let phases: [Phase]

  package init(phases: [Phase]) { self.phases = phases }

  package var seconds: Double { phases.reduce(0) { $0 + $1.seconds } }
  /// All exchanges.
  package var records: Int { due(after: seconds) }

  /// Exchanges that are due so many seconds after the beginning.
  package func due(after elapsed: Double) -> Int {
    var rest = elapsed
    var due = 0.0
    for phase in phases {
      let passed = min(max(0, rest), phase.seconds)
      due += passed * phase.rate
      rest -= phase.seconds
    }
    return Int(due + 1e-6)
  }

  /// The same all the time, but every minute so many times as much for so many seconds.
  package static func bursts(
    seconds: Double, rate: Double, every period: Double, times: Double, for length: Double
  ) -> LoadShape {
    var phases: [Phase] = []
    var rest = seconds
    while rest > 0 {
      let calm = min(rest, period - length)
      phases.append(Phase(seconds: calm, rate: rate))
      rest -= calm
      let burst = min(rest, length)
      phases.append(Phase(seconds: burst, rate: rate * times))
      rest -= burst
    }
    return LoadShape(phases: phases)
  }
}
