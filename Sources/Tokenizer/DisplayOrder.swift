/// The order in which characters are shown that override the direction of writing.
enum DisplayOrder {
  private struct Run {
    let start: Int
    /// The direction inside.
    let isRightToLeft: Bool
    /// Whether it differs from the one outside.
    let isTurned: Bool
  }

  /// Overridden runs (U+202D, U+202E … U+202C) as they are shown, and no controls of direction
  /// (UAX 9): without overrides letters have their natural order, whatever is embedded.
  static func turned(_ scalars: some Sequence<Unicode.Scalar>) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    var open: [Run] = []
    // Runs that are nested too deeply, and that their ends still come for.
    var ignored = 0
    func close() {
      guard let run = open.popLast(), run.isTurned else { return }
      result[run.start...].reverse()
    }
    func begin(rightToLeft: Bool?) {
      guard open.count < depthMax else {
        ignored += 1
        return
      }
      let outside = open.last?.isRightToLeft ?? false
      let inside = rightToLeft ?? outside
      open.append(Run(start: result.count, isRightToLeft: inside, isTurned: inside != outside))
    }
    func end() {
      ignored = 0
      while !open.isEmpty { close() }
    }
    for scalar in scalars {
      switch scalar.value {
      case 0x202E: begin(rightToLeft: true)
      case 0x202D: begin(rightToLeft: false)
      case 0x202A, 0x202B: begin(rightToLeft: nil)
      case 0x202C: if ignored > 0 { ignored -= 1 } else { close() }
      case 0x200E, 0x200F, 0x061C, 0x2066...0x2069: break
      case 0x0A, 0x0D, 0x2029:
        // A paragraph ends whatever is open.
        end()
        result.append(scalar)
      default: result.append(scalar)
      }
    }
    end()
    return result
  }

  /// Each depth may turn a text once more; nobody nests deeply for readers' sake.
  private static let depthMax = 8
}
