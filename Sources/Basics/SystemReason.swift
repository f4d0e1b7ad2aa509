internal import Foundation
internal import Glibc

extension Error {
  /// Why the system refused a call, in its words, as text behind what could not be done:
  /// `: No space left on device`; empty where an error of Foundation's does not keep it.
  package var systemReason: String {
    let error = self as NSError
    let inner =
      error.domain == NSPOSIXErrorDomain
      ? error : error.userInfo[NSUnderlyingErrorKey] as? NSError
    guard let inner, inner.domain == NSPOSIXErrorDomain else { return "" }
    return unsafe ": " + String(cString: strerror(Int32(truncatingIfNeeded: inner.code)))
  }
}
