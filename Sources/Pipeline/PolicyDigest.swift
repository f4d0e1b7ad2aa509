internal import Basics

extension Policy {
  /// SHA-256 over the rules, 64 hexadecimal digits: equal rules of equal names have equal digests,
  /// on every host and in every version.
  ///
  /// Of these lines, each ended by a line feed, numbers as short as they can be told apart as
  /// 32-bit floats, categories in the order of their names' bytes and named after the length of
  /// their names in bytes (docs/FORMATS.md):
  ///
  ///     sluice policy 1
  ///     name 7 default
  ///     threshold 0.5
  ///     action quarantine
  ///     mode enforce
  ///     unjudged closed
  ///     category flag 0.8 4 hate
  ///     exception 10 newsletter
  ///     expires 2027-01-01T00:00:00.000Z
  ///     content 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  ///     metadata 7 channel 5 press
  static func digest(
    name: String, threshold: Float, action: FlaggedAction, mode: Mode, unjudged: Unjudged,
    categories: [String: CategoryRule], exceptions: [PolicyException]
  ) -> String {
    var lines = [
      "sluice policy 1", "name \(name.utf8.count) \(name)", "threshold \(threshold)",
      "action \(action.rawValue)", "mode \(mode.rawValue)", "unjudged \(unjudged.rawValue)",
    ]
    lines += categories.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map {
      let action = $1.action?.rawValue ?? "allow"
      return "category \(action) \($1.threshold) \($0.utf8.count) \($0)"
    }
    lines += exceptions.flatMap(\.digestLines)
    return ContentDigest(of: lines.map { $0 + "\n" }.joined().utf8).description
  }
}

extension PolicyException {
  fileprivate var digestLines: [String] {
    let contents = contents.map { "content \($0)" }.sorted()
    let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map {
      "metadata \($0.utf8.count) \($0) \($1.utf8.count) \($1)"
    }
    let expiry = Timestamp.text(milliseconds: expiresAtMilliseconds)
    return ["exception \(name.utf8.count) \(name)", "expires \(expiry)"] + contents + pairs
  }
}
