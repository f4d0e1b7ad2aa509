internal import Files
internal import Foundation
internal import StrictJSON

/// The file `sluice.json` as it is read: a description, and a manifest where it has a `format`.
struct ManifestFile: Decodable {
  let description: ModelDescription
  let manifest: ModelManifest?

  private static let bytesMax = 16 << 20

  /// The file of a folder; nil when there is none.
  init?(folder: String) throws(RegistryError) {
    let path = "\(folder)/\(ModelManifest.fileName)"
    let data: Data?
    do throws(FileError) {
      data = try FileContents.read(path, bytesMax: Self.bytesMax)
    } catch {
      throw RegistryError(.damaged, error.path, error.reason)
    }
    guard let data else { return nil }
    do throws(JSONError) {
      self = try JSONCoder.decode(from: data)
    } catch {
      throw RegistryError(.damaged, path, error.problem)
    }
  }

  init(from decoder: any Decoder) throws {
    description = try ModelDescription(from: decoder)
    let keys = try decoder.container(keyedBy: AnyKey.self)
    manifest = keys.contains("format") ? try ModelManifest(from: decoder) : nil
  }

  /// A file's bytes: sorted keys, one a line.
  ///
  /// - Throws: `RegistryError` of the kind `damaged` for values that no file may hold.
  static func json(_ value: some Encodable, for path: String) throws(RegistryError) -> Data {
    do throws(JSONError) {
      return try JSONCoder.encode(value, .pretty)
    } catch {
      throw RegistryError(.damaged, path, error.problem)
    }
  }
}
