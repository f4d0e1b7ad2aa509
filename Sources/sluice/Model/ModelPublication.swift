import Files
import Foundation
import Guard
import ModelRegistry

/// Makes a model's folder, which appears whole or not at all.
struct ModelPublication {
  /// The folder to be, which must not exist.
  let target: String

  /// Refuses a target that exists.
  func check() throws {
    guard !FileManager.default.fileExists(atPath: target) else {
      throw fail("\(target): exists already", code: 73)
    }
  }

  /// Writes the folder beside its place and moves it there.
  ///
  /// - Parameters:
  ///   - source: the folder whose self-test goes on to hold; nil where the scores are others.
  ///   - description: what the model says of itself; nil for nothing.
  func publish(
    selfTestOf source: String?, _ description: ModelDescription?, write: (String) throws -> Void
  ) throws {
    let place = URL(filePath: target)
    let name = ".\(place.lastPathComponent)\(DurableFiles.temporarySuffix)"
    let staged = place.deletingLastPathComponent().appending(path: name)
      .path(percentEncoded: false)
    // What a run left that was killed.
    try? FileManager.default.removeItem(atPath: staged)
    let files = DurableFiles()
    try files.makeFolder(staged)
    do {
      try write(staged)
      try description?.write(folder: staged)
      if let test = source.map({ "\($0)/\(GuardModel.selfTestFile)" }),
        FileManager.default.fileExists(atPath: test)
      {
        try files.copy(test, to: "\(staged)/\(GuardModel.selfTestFile)")
      }
      try files.sync(folder: staged)
      try files.move(staged, to: place.path(percentEncoded: false))
    } catch {
      try? FileManager.default.removeItem(atPath: staged)
      throw error
    }
    try files.sync(folderOf: target)
  }
}
