/// Why a call to whatever carries records failed, as it tells it itself.
///
/// Its description says what was tried and what went wrong, without data of users.
package protocol TransportCause: Error, Hashable, Sendable, CustomStringConvertible {
  /// A short name that does not vary with circumstances, such as `_TIMED_OUT`: a metric's label.
  var name: String { get }
}
