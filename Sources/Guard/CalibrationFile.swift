internal import Files
internal import Foundation
internal import StrictJSON

/// The calibration in a model folder's `sluice.json`, whose other keys belong to others.
package enum CalibrationFile {
  /// The file's name.
  package static let name = "sluice.json"
  /// The key of the calibration.
  package static let key = "calibration"
  /// Bytes that the file may have.
  package static let bytesMax = 16 << 20

  /// The model's calibration; nil without the file or the key.
  package static func read(folder: String) throws(CalibrationFileError) -> Calibration? {
    struct Manifest: Decodable {
      let calibration: Calibration?
    }
    guard let data = try contents(of: folder) else { return nil }
    let calibration: Calibration?
    do throws(JSONError) {
      calibration = try JSONCoder.decode(Manifest.self, from: data).calibration
    } catch {
      throw CalibrationFileError(folder, problem: error.problem)
    }
    if let mistake = calibration?.mistake {
      throw CalibrationFileError(folder, problem: "\(mistake) is out of range")
    }
    return calibration
  }

  /// Puts the calibration into the model's file and leaves every other key as it is; the file is
  /// made if there is none. A reader sees the old file or the new one, also after a crash.
  ///
  /// Two writers at once are not kept apart: the later one wins.
  package static func write(
    _ calibration: Calibration, folder: String
  ) throws(CalibrationFileError) {
    precondition(calibration.mistake == nil)
    let old = try contents(of: folder)
    let data: Data
    do throws(JSONError) {
      var members: [String: JSON] = [:]
      if let old { members = try JSONCoder.decode(from: old) }
      members[key] = try JSON(encoding: calibration)
      data = try JSONCoder.encode(members, .pretty)
    } catch {
      throw CalibrationFileError(folder, problem: error.problem)
    }
    do throws(FileError) {
      try DurableFiles().replace("\(folder)/\(name)", with: data)
    } catch {
      throw CalibrationFileError(folder, problem: error.reason)
    }
  }

  private static func contents(of folder: String) throws(CalibrationFileError) -> Data? {
    let path = "\(folder)/\(name)"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CalibrationFileError(folder, problem: "cannot be read")
    }
    guard data.count <= bytesMax else {
      throw CalibrationFileError(folder, problem: "has more than \(bytesMax) bytes")
    }
    return data
  }
}

/// A `sluice.json` that cannot be used.
package struct CalibrationFileError: Error, Hashable, Sendable, CustomStringConvertible {
  package let path: String
  package let problem: String

  init(_ folder: String, problem: String) {
    path = "\(folder)/\(CalibrationFile.name)"
    self.problem = problem
  }

  package var description: String { "\(path): \(problem)" }
}
