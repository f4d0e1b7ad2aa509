extension Duration {
  /// In seconds, with the fraction.
  package var seconds: Double { self / .seconds(1) }

  /// In whole milliseconds, rounded up, so that whoever waits so long has waited long enough.
  package var milliseconds: Int64 {
    Int64(clamping: (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}
