internal import Files
internal import Foundation

extension EvaluationReport {
  /// The names of the files that `write` makes.
  package static let jsonName = "report.json"
  package static let pageName = "report.html"

  /// Makes the folder that reports go to, to be called before the work is done.
  package static func prepare(folder: String) throws(EvaluationFailure) {
    do throws(FileError) { try Folders.make(folder) } catch { throw .output(error.description) }
    guard FileManager.default.isWritableFile(atPath: folder) else {
      throw .output("\(folder): the folder cannot be written to")
    }
  }

  /// Writes both files; each is whole or not there.
  package func write(to folder: String) throws(EvaluationFailure) {
    do throws(FileError) {
      try DurableFiles().replace("\(folder)/\(Self.jsonName)", with: json)
      try DurableFiles().replace("\(folder)/\(Self.pageName)", with: Data(page.utf8))
    } catch {
      throw .output(error.description)
    }
  }
}
