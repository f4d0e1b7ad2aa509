/// How a command ends when it fails: the codes of sysexits.h.
package enum ExitStatus: Int32, Hashable, Sendable {
  /// The input is wrong (EX_DATAERR).
  case data = 65
  /// An input is missing or of no use, such as a model (EX_NOINPUT).
  case noInput = 66
  /// Brokers, servers or devices are not there (EX_UNAVAILABLE).
  case unavailable = 69
  /// The program or the system failed (EX_SOFTWARE).
  case software = 70
  /// An output cannot be written (EX_CANTCREAT).
  case output = 73
  /// Trying again may help, as after a stop (EX_TEMPFAIL).
  case temporary = 75
  /// The settings cannot work (EX_CONFIG).
  case configuration = 78
}

/// An error with which a command may end: each says itself what it means to whoever called.
package protocol CommandError: Error, CustomStringConvertible {
  var exitStatus: ExitStatus { get }
}
