import ArgumentParser
import Basics
import TestSupport

/// What is done to a daemon, or to its connection to the broker.
enum Fault: String, CaseIterable, ExpressibleByArgument, Hashable, Sendable {
  /// SIGKILL, and at once a new one in its place.
  case kill
  /// SIGTERM; when it has left, a new one takes its place.
  case leave
  /// SIGSTOP, and SIGCONT some time later.
  case stop
  /// SIGSTOP; a new one takes its name and place, and then the old one goes on, not knowing. Only a
  /// broker that refuses offsets of members that were replaced can keep it from doing harm.
  case zombie
  /// All its connections end.
  case cut
  /// All its connections end in the middle of a frame.
  case cutInFrame = "cut-in-frame"
  /// What it sends does not arrive for some time, and then all at once.
  case silence
  /// What it is sent does not arrive for some time, and then all at once.
  case deafness
  /// Its connections pass nothing any more, and end only later.
  case halfOpen = "half-open"
  /// Its connections end, and for some time there are no new ones.
  case refuse
  /// Each request and answer takes longer for some time.
  case slow

  /// Whether noida-db is up to it: that takes offsets of any member and generation, and waits long
  /// for members without a name that do not come back.
  func isFor(noidaWith membership: Membership) -> Bool {
    membership == .static ? self != .zombie : self == .leave
  }

  /// Whether it is the network that fails, and not the daemon.
  var isOfNetwork: Bool {
    switch self {
    case .kill, .leave, .stop, .zombie: false
    case .cut, .cutInFrame, .silence, .deafness, .halfOpen, .refuse, .slow: true
    }
  }

  /// How long it lasts, in milliseconds; 0 for what happens at once.
  func milliseconds(_ random: inout SplitMix64) -> Int {
    switch self {
    case .kill, .leave, .cut, .cutInFrame: 0
    case .stop, .zombie: Int.random(in: 100...8_000, using: &random)
    case .silence, .deafness, .halfOpen: Int.random(in: 100...6_000, using: &random)
    case .refuse: Int.random(in: 100...4_000, using: &random)
    case .slow: Int.random(in: 1_000...4_000, using: &random)
    }
  }

  /// The same to the proxy; nil for what is done to the daemon.
  func onNetwork(lasting milliseconds: Int) -> KafkaProxy.Fault? {
    let duration = Duration.milliseconds(milliseconds)
    return switch self {
    case .kill, .leave, .stop, .zombie: nil
    case .cut: .cut
    case .cutInFrame: .cutInFrame
    case .silence: .partition(.toBroker, duration)
    case .deafness: .partition(.toClient, duration)
    case .halfOpen: .halfOpen(duration)
    case .refuse: .refuse(duration)
    case .slow: .slow(by: .milliseconds(40), for: duration)
    }
  }
}
