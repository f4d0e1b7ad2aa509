internal import Foundation
package import ModelRegistry
package import Records

extension Calibration {
  /// P(unsafe) of a margin, which is the logit of unsafe minus that of safe.
  package static func score(margin: Double, temperature: Double) -> Score {
    Score(Float(1 / (1 + exp(-margin / temperature))))
  }
}
