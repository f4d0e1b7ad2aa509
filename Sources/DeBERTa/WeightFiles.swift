/// The files of a model's weights, which stay mapped while it judges.
package struct WeightFiles: Sendable {
  private let folder: String
  private let files: [MappedFile]

  init(_ files: [MappedFile], in folder: String) {
    self.files = files
    self.folder = folder
  }

  /// That one was written in place since it was opened, in a sentence: what the model says since is
  /// neither the old one's word nor the new one's. nil where all is as it was.
  package var change: String? {
    files.first { !$0.isUnchanged }.map {
      "\(folder)/\($0.name) was changed in place while it was in use: bring a model in a folder of "
        + "its own, or let a new file take the old one's name"
    }
  }
}
