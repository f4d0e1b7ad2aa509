/// Leaves a failing server alone: after some failures in a row no request is let through for a
/// while, then a single one tries whether the server is back.
///
/// A pure machine without a clock; the caller says what time it is, counted from any fixed start.
package struct CircuitBreaker: Hashable, Sendable {
  /// What happens to a request that wants to start.
  package enum Admission: Hashable, Sendable {
    case admitted
    /// Try again after this time.
    case refused(retryAfter: Duration)
  }

  /// Failures in a row that open the circuit.
  package let failuresMax: Int
  /// How long it stays open at first.
  package let openDuration: Duration
  /// How long it stays open at most, when one trial after another fails.
  package let openDurationMax: Duration

  private enum State: Hashable, Sendable {
    case closed(failures: Int)
    case open(until: Duration, duration: Duration)
    /// One request is on its way to see whether the server is back; it counts as lost after that
    /// time, so that a request which never reports cannot keep the circuit shut for ever.
    case trying(until: Duration, duration: Duration)
  }

  private var state = State.closed(failures: 0)

  package init(failuresMax: Int, openDuration: Duration, openDurationMax: Duration) {
    precondition(failuresMax >= 1)
    precondition(openDuration > .zero && openDurationMax >= openDuration)
    self.failuresMax = failuresMax
    self.openDuration = openDuration
    self.openDurationMax = openDurationMax
  }

  /// Whether requests are refused or only one is let through.
  package var isOpen: Bool {
    if case .closed = state { false } else { true }
  }

  /// Asks to start a request; `patience` is how long it may take at most.
  package mutating func admit(at now: Duration, patience: Duration) -> Admission {
    switch state {
    case .closed: return .admitted
    case .trying(let until, _) where now < until:
      // The one on its way may tell any moment.
      return .refused(retryAfter: min(until - now, openDuration))
    case .open(let until, let duration), .trying(let until, let duration):
      guard now >= until else { return .refused(retryAfter: until - now) }
      state = .trying(until: now + patience, duration: duration)
      return .admitted
    }
  }

  /// Notes an answer from the server, whatever it says about the request.
  package mutating func succeed() { state = .closed(failures: 0) }

  /// Notes that the server failed.
  package mutating func fail(at now: Duration) {
    switch state {
    case .closed(let failures):
      state =
        failures + 1 >= failuresMax
        ? .open(until: now + openDuration, duration: openDuration)
        : .closed(failures: failures + 1)
    case .trying(_, let duration):
      let longer = min(duration * 2, openDurationMax)
      state = .open(until: now + longer, duration: longer)
    case .open:
      // A request from before it opened: nothing new.
      break
    }
  }

  /// Notes that a request ended without telling anything about the server.
  package mutating func abandon(at now: Duration) {
    if case .trying(_, let duration) = state { state = .open(until: now, duration: duration) }
  }
}
