internal import DeBERTa
internal import Files
internal import ModelRegistry

/// The files of a model folder that are read whole and then forgotten, as they are at a moment.
struct TextFiles: Hashable {
  private let states: [FileState?]

  init(in folder: String) {
    let names =
      ModelFolder.tokenizerFiles + ModelFolder.laterTokenizerFiles(of: folder)
      + [ModelFolder.configurationFile, ModelManifest.fileName]
    states = names.map { name in FileState.settled { FileState(path: "\(folder)/\(name)") } }
  }
}
