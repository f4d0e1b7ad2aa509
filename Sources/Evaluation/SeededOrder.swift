internal import Basics
internal import Datasets

extension [LabelledExample] {
  /// The examples' places in a random order of their contents: the same for the same seed, in
  /// whatever order the file has them.
  func places(inOrderOf seed: UInt64) -> [Int] {
    let keys = map { mix64(seed ^ $0.digest.number) }
    return indices.sorted { keys[$0] < keys[$1] }
  }
}
