internal import Files
import Foundation

/// Puts a model's files into a folder that exists and is empty, each brought to the disk.
struct ModelFolderWriter {
  let folder: String

  /// The names of the files that are a folder's tokenizer.
  static func tokenizer(of source: String) -> [String] {
    let names = ModelFolder.tokenizerFiles + ModelFolder.laterTokenizerFiles(of: source)
    return names.filter { FileManager.default.fileExists(atPath: source + "/" + $0) }
  }

  /// Copies the files of a folder's tokenizer.
  func copyTokenizer(of source: String) throws(ModelError) {
    for name in Self.tokenizer(of: source) {
      guard let contents = FileManager.default.contents(atPath: source + "/" + name) else {
        throw ModelError(name, .unreadable("cannot be copied"))
      }
      try create(name, contents)
    }
  }

  /// Writes configuration and weights.
  func finish(configuration: Data, _ tensors: [OutgoingTensor]) throws(ModelError) {
    try create(File.configuration, configuration)
    try SafetensorsWriter.write(tensors, to: folder + "/" + File.weights)
    try withFileErrors(as: ModelError.init, try DurableFiles().sync(folder: folder))
  }

  private func create(_ name: String, _ contents: Data) throws(ModelError) {
    try withFileErrors(
      as: ModelError.init, try DurableFiles().create(folder + "/" + name, with: contents))
  }
}

extension ModelError {
  /// What the system refused.
  init(_ error: FileError) {
    self.init((error.path as NSString).lastPathComponent, .unwritable(error.reason))
  }
}
