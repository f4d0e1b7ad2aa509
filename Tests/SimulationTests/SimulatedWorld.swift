import Basics
import Synchronization
import TestSupport

/// Time and chance, which all daemons of a simulation share.
final class SimulatedWorld: Sendable {
  private struct State {
    var now = Instant.zero
    var random: SeededGenerator
    var hasFaults = true
  }

  private let state: Mutex<State>

  init(seed: UInt64) { state = Mutex(State(random: SeededGenerator(seed: seed))) }

  var now: Instant { state.withLock { $0.now } }

  /// Whether models fail now.
  var hasFaults: Bool {
    get { state.withLock { $0.hasFaults } }
    set { state.withLock { $0.hasFaults = newValue } }
  }

  func advance(byMilliseconds milliseconds: Int) {
    state.withLock { $0.now = $0.now.advanced(byMilliseconds: milliseconds) }
  }

  /// True once in `count` times on average.
  func oneIn(_ count: Int) -> Bool { state.withLock { $0.random.oneIn(count) } }

  func number(in range: ClosedRange<Int>) -> Int {
    state.withLock { Int.random(in: range, using: &$0.random) }
  }

  /// Any index; nil where there is none.
  func index(of elements: some Collection) -> Int? {
    elements.isEmpty ? nil : number(in: 0...elements.count - 1)
  }
}
