internal import GRDB

/// Why the label store did not do what was asked. It names the file and the call, never any text of
/// the rows.
package struct LabelStoreError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was tried.
  package enum Operation: String, Hashable, Sendable {
    case open, check, migrate, read, save, erase, purge
  }

  package let operation: Operation
  package let path: String
  package let reason: String
  /// Whether the same call can succeed later: another process held the file for too long.
  package let isRetriable: Bool
  /// Whether the disk is to blame: it is full, or refuses to be written.
  package let isOfTheDisk: Bool

  init(
    _ operation: Operation, path: String, reason: String, isRetriable: Bool = false,
    isOfTheDisk: Bool = false
  ) {
    self.operation = operation
    self.path = path
    self.reason = reason
    self.isRetriable = isRetriable
    self.isOfTheDisk = isOfTheDisk
  }

  /// A file that is not whole.
  init(damaged path: String) {
    self.init(.check, path: path, reason: "the file is \(Self.damaged)")
  }

  init(_ operation: Operation, path: String, _ error: any Error) {
    switch error {
    case let error as LabelStoreError: self = error
    case let error as DatabaseError:
      let isBusy = error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED
      self.init(
        operation, path: path,
        reason: Self.damage(error) ?? error.message
          ?? "SQLite's error \(error.extendedResultCode.rawValue)",
        isRetriable: isBusy,
        isOfTheDisk: Self.codesOfTheDisk.contains(error.resultCode))
    default: self.init(operation, path: path, reason: "unexpected failure")
    }
  }

  /// What to do about a file that is not whole; nil for other errors.
  private static func damage(_ error: DatabaseError) -> String? {
    guard error.resultCode == .SQLITE_CORRUPT else { return nil }
    return "\(error.message ?? "the file"): it is \(damaged)"
  }

  private static let damaged =
    "damaged; move it away and let it be built again from the labels topic"

  private static let codesOfTheDisk: [ResultCode] = [
    .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY,
  ]

  package var description: String { "label store \(path): \(operation.rawValue): \(reason)" }
}
