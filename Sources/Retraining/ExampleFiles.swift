package import Basics
package import Datasets

/// Files of examples that the settings name, and what their bytes are.
package struct ExampleFiles: Sendable {
  package private(set) var rows: [LabelledExample] = []
  package private(set) var digests: [(file: String, digest: ContentDigest)] = []

  package init(_ files: [String]) throws(RetrainFailure) {
    for file in files {
      do throws(DatasetError) { rows += try DatasetFile.read(file) } catch { throw .dataset(error) }
      do throws(UnreadableFile) {
        digests.append((file, try ContentDigest(file: file)))
      } catch {
        throw .dataset(DatasetError(path: file, line: nil, problem: error.reason))
      }
    }
  }
}
